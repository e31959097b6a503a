import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { until } from '../../../test/interop/until.ts';
import { must } from '../../base/assert.ts';
import type { BackupRow } from '../../catalog/tables.ts';
import { openRepository } from '../../repository/repository.ts';
import { MemoryStore, openMemoryRoot } from '../../store/memory.ts';
import { ReplicatedRoot } from '../../store/replicate.ts';
import { ann, bob, jobContext, max, openScene, type Scene } from '../operation-fixture.ts';
import { askBackup, askVolume, makeVolume, writeAt } from '../requests-fixture.ts';
import { mendRepositories, verifyNext } from './background-verify.ts';
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

/** A store with a copy, both in memory, and what waits until they are equal. */
async function withCopy(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'firn-copies-'));
  const places = [openMemoryRoot(), openMemoryRoot()] as const;
  const isPassing = (name: string): boolean => name.startsWith('leases/');
  const waiting = { isPassing, sleep: () => turn(), onProblem: () => undefined };
  const isRoot = (name: string): boolean => name.startsWith('backups/');
  const root = new ReplicatedRoot({
    first: places[0],
    copy: places[1],
    folder,
    isRoot,
    ...waiting,
  });
  const scene = await openScene(t, { root, replication: root });
  t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  const isComplete = (): boolean => root.copyState('volumebackups')?.state === 'complete';
  const settled = (): Promise<void> => until('the copy is complete', isComplete);
  const stores = await Promise.all(
    places.map(async (place) => {
      const store = await place.open('volumebackups', { create: true });
      assert.ok(store instanceof MemoryStore);
      return store;
    }),
  );
  return { scene, stores, settled };
}

test('damage in either of two stores is healed from the other', async (t) => {
  const { scene, stores, settled } = await withCopy(t);
  const { id: volumeId } = await makeVolume(scene);
  await writeAt(scene, volumeId, 0, 'precious');
  const backup = await askBackup(scene, { volumeId });
  await scene.work();
  await settled();
  await forgetVolume(scene, backup);
  const sound = new Map(must(stores[0], 'a store').objects);
  for (const [copy, store] of stores.entries()) {
    for (const name of sound.keys()) {
      if (!name.startsWith('packs/') && name !== `backups/${backup.id}`) continue;
      store.objects.set(
        name,
        Uint8Array.from(must(sound.get(name), name), (byte) => byte ^ 1),
      );
      const found = await verified(scene, backup.id, 'blocks');
      assert.equal(found.outcome, 'healed', `${name} in ${copy}: ${found.reason}`);
      assert.equal((found.reason ?? '').includes('(in the copy at memory:)'), copy === 1);
      store.objects.delete(name);
      assert.equal((await verified(scene, backup.id, 'blocks')).outcome, 'healed', name);
      assert.equal((await verified(scene, backup.id, 'blocks')).outcome, 'good');
      for (const each of stores) assert.deepEqual(each.objects.get(name), sound.get(name));
    }
  }
});

test('what belongs to no backup is made good unasked, and told', async (t) => {
  const { scene, stores, settled } = await withCopy(t);
  const { id: volumeId } = await makeVolume(scene);
  await askBackup(scene, { volumeId });
  await scene.work();
  await settled();
  must(stores[1], 'the copy').objects.delete('repository.json');
  const told: string[] = [];
  const report = (error: unknown): void => void told.push(String(error));
  const { signal } = new AbortController();
  const options = { needs: scene, bytesPerSecond: 1e9, everyMs: 3600 * 1000, report };
  const mendedAtMs = new Map<string, number>();
  await mendRepositories(options, signal, mendedAtMs);
  assert.match(told.join(), /^OperatingError: 1 objects of volumebackups were damaged.*repository/);
  assert.ok(stores[1]?.objects.has('repository.json'));
  must(stores[1], 'the copy').objects.delete('repository.json');
  await mendRepositories(options, signal, mendedAtMs);
  assert.ok(!must(stores[1], 'the copy').objects.has('repository.json'), 'it is not due again');
});

test('damage names every backup of the project that it reaches, and marks it', async (t) => {
  const { scene, backup } = await backedUp(t);
  const second = await askBackup(scene, { volumeId: backup.volumeId });
  await scene.work();
  const { id: otherId } = await askVolume(scene, {}, bob);
  await scene.work();
  await writeAt(scene, otherId, 3 * 65536, 'precious');
  await flipPacks(scene);
  const other = await askBackup(scene, { volumeId: otherId }, bob);
  await scene.work();
  for (const each of [backup, second]) await forgetVolume(scene, each);
  await scene.engine.deleteSnapshot(`checkpoint-${other.id}`);
  await writeAt(scene, otherId, 3 * 65536, 'PRECIOUS');
  assert.equal((await verified(scene, backup.id, 'blocks')).outcome, 'damaged');
  const shared = (await showBackup(scene, max, second.id)).verification;
  assert.deepEqual(shared?.damage, [{ offsetBytes: 0, lengthBytes: 65536 }]);
  assert.equal((await showBackup(scene, max, second.id)).verifiedAt, null, 'it is due as it was');
  const told = async (projectId: string): Promise<string> => {
    const messages = await scene.catalog.list('messages', { where: { projectId }, limit: 10 });
    return messages.map(({ userMessage }) => userMessage).join();
  };
  const text = await told(max.projectId);
  assert.match(text, new RegExp(`${backup.id} is damaged in bytes 0–65535; backup ${second.id}`));
  assert.doesNotMatch(text, new RegExp(other.id));
  assert.match(
    await told(bob.projectId),
    new RegExp(`${other.id} is damaged in bytes 196608–262143`),
  );
  assert.doesNotMatch(await told(bob.projectId), new RegExp(backup.id));
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

test('a backup whose manifest is lost is damaged, and its repository tells of it', async (t) => {
  const { scene, backup } = await backedUp(t);
  const store = await scene.root.open('volumebackups', { create: false });
  await store.remove(`backups/${backup.id}`);
  const found = await verified(scene, backup.id, 'blocks');
  assert.equal(found.outcome, 'damaged');
  assert.match(found.reason ?? '', new RegExp(backup.id));
  const told: string[] = [];
  const report = (error: unknown): void => void told.push(String(error));
  const options = { needs: scene, bytesPerSecond: 1e9, everyMs: 3600 * 1000, report };
  await mendRepositories(options, new AbortController().signal, new Map());
  assert.match(told.join(), /^OperatingError: volumebackups: the descriptions of all backups/);
});
