import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { must } from '../../base/assert.ts';
import type { BackupRow } from '../../catalog/tables.ts';
import { openRepository } from '../../repository/repository.ts';
import { MemoryStore } from '../../store/memory.ts';
import { ann, bob, jobContext, max, openScene, type Scene } from '../operation-fixture.ts';
import { askBackup, makeVolume, writeAt } from '../requests-fixture.ts';
import { verifyNext } from './background-verify.ts';
import { deleteBackup } from './delete-backup.ts';
import { showBackup } from './list-backups.ts';
import { verifyBackup } from './verify-backup.ts';

async function backedUp(t: TestContext): Promise<{ scene: Scene; backup: BackupRow }> {
  const scene = await openScene(t);
  const { id: volumeId } = await makeVolume(scene);
  await writeAt(scene, volumeId, 0, 'precious');
  await writeAt(scene, volumeId, 70 * 1024 ** 2, 'more');
  const backup = await askBackup(scene, { volumeId });
  await scene.work();
  return { scene, backup };
}

async function verified(scene: Scene, id: string, depth: 'objects' | 'blocks') {
  await verifyBackup(scene, max, id, { depth });
  await scene.work();
  return must((await showBackup(scene, max, id)).verification, 'a verification');
}

/** Flips a bit in the middle of every pack. */
async function flipPacks(scene: Scene): Promise<void> {
  const store = await scene.root.open('volumebackups', { create: false });
  assert.ok(store instanceof MemoryStore);
  for (const [name, bytes] of store.objects) {
    if (!name.startsWith('packs/')) continue;
    const flipped = Uint8Array.from(bytes);
    flipped[40] = (flipped[40] ?? 0) ^ 1;
    store.objects.set(name, flipped);
  }
}

test('a sound backup is good at both depths, and says when', async (t) => {
  const { scene, backup } = await backedUp(t);
  assert.equal(backup.verification, null);
  const objects = await verified(scene, backup.id, 'objects');
  assert.deepEqual([objects.depth, objects.outcome, objects.damage], ['objects', 'good', []]);
  const blocks = await verified(scene, backup.id, 'blocks');
  assert.deepEqual([blocks.depth, blocks.outcome], ['blocks', 'good']);
  assert.ok(blocks.at > objects.at);
  assert.equal((await showBackup(scene, max, backup.id)).verifiedAt, blocks.at);
});

/** Nothing of the volume is what it was, nor has it a layer that still is. */
async function forgetVolume(scene: Scene, { id, volumeId }: BackupRow): Promise<void> {
  await scene.engine.deleteSnapshot(`checkpoint-${id}`);
  await writeAt(scene, volumeId, 0, 'PRECIOUS');
  await writeAt(scene, volumeId, 70 * 1024 ** 2, 'MORE');
}

test('what the volume still has is healed, from its layer or as it is', async (t) => {
  const { scene, backup } = await backedUp(t);
  await flipPacks(scene);
  await writeAt(scene, backup.volumeId, 0, 'PRECIOUS');
  const found = await verified(scene, backup.id, 'blocks');
  assert.deepEqual([found.outcome, found.damage.length], ['healed', 1], found.reason ?? '');
  assert.equal((await verified(scene, backup.id, 'blocks')).outcome, 'good');
  const reopened = await scene.root.open('volumebackups', { create: false });
  const repository = await openRepository(reopened, { wrappingKey: Buffer.alloc(32, 7) });
  assert.deepEqual((await repository.verify('all', 'blocks')).objects, []);
  const target = new Uint8Array(65536);
  const reader = await repository.openReader(await repository.readManifest(backup.id));
  await reader.read(0, target);
  reader.close();
  await repository.close();
  assert.equal(Buffer.from(target.subarray(0, 8)).toString(), 'precious');
});

test('damage is kept with its ranges, and told in a message', async (t) => {
  const { scene, backup } = await backedUp(t);
  await forgetVolume(scene, backup);
  await flipPacks(scene);
  assert.equal((await verified(scene, backup.id, 'objects')).outcome, 'good');
  const found = await verified(scene, backup.id, 'blocks');
  assert.equal(found.outcome, 'damaged');
  assert.deepEqual(found.damage, [{ offsetBytes: 0, lengthBytes: 65536 }]);
  const [message] = await scene.catalog.list('messages', {
    where: { projectId: max.projectId },
    limit: 10,
  });
  assert.match(message?.userMessage ?? '', new RegExp(`${backup.id}.* in bytes 0–65535`));
  assert.equal(message?.resourceId, backup.id);
});

test('who may ask, of which backup, and that asking twice is one job', async (t) => {
  const { scene, backup } = await backedUp(t);
  const blocks = { depth: 'blocks' } as const;
  await assert.rejects(verifyBackup(scene, bob, backup.id, blocks), { code: 'not_found' });
  const reader = { ...max, roles: ['reader'] };
  await assert.rejects(verifyBackup(scene, reader, backup.id, blocks), { code: 'forbidden' });
  const first = await verifyBackup(scene, max, backup.id, blocks);
  assert.equal((await verifyBackup(scene, ann, backup.id, blocks)).id, first.id);
  const other = await verifyBackup(scene, max, backup.id, { depth: 'objects' });
  assert.notEqual(other.id, first.id);
});

test('a backup that is deleted meanwhile ends its verification', async (t) => {
  const { scene, backup } = await backedUp(t);
  const asked = await verifyBackup(scene, max, backup.id, { depth: 'blocks' });
  await deleteBackup(scene, max, backup.id, { force: false });
  const handler = must(scene.handlers['backup.verify'], 'a handler');
  await handler.run(asked, jobContext());
  assert.equal((await showBackup(scene, max, backup.id)).verification, null);
});

test('backups are verified unasked, the one that waited longest first', async (t) => {
  const { scene, backup } = await backedUp(t);
  const second = await askBackup(scene, { volumeId: backup.volumeId });
  await scene.work();
  const signal = new AbortController().signal;
  const everyMs = 3600 * 1000;
  const report = (): void => undefined;
  const options = { needs: scene, bytesPerSecond: 1e9, everyMs, report };
  assert.equal(await verifyNext(options, signal), true);
  const first = await showBackup(scene, max, backup.id);
  assert.deepEqual([first.verification?.outcome, first.verification?.depth], ['good', 'blocks']);
  assert.equal((await showBackup(scene, max, second.id)).verification, null);
  await flipPacks(scene);
  await forgetVolume(scene, backup);
  await forgetVolume(scene, second);
  assert.equal(await verifyNext(options, signal), true);
  assert.equal((await showBackup(scene, max, second.id)).verification?.outcome, 'damaged');
  assert.equal(await verifyNext(options, signal), false, 'none is due');
  assert.equal(await verifyNext({ ...options, everyMs: 1 }, signal), true);
  assert.equal((await showBackup(scene, max, backup.id)).verification?.outcome, 'damaged');
});
