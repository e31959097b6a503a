/** Volumes that are available at once, and filled from their backup while they are in use. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { test, type TestContext } from 'node:test';
import { must } from '../../base/assert.ts';
import { GiB, MiB } from '../../base/bytes.ts';
import type { BackupRow } from '../../catalog/tables.ts';
import { MemoryStore } from '../../store/memory.ts';
import { ann, jobContext, max, openScene, type Scene } from '../operation-fixture.ts';
import { askBackup, makeVolume, readAt, writeAt } from '../requests-fixture.ts';
import { byId } from '../scope.ts';
import { deleteBackup } from './delete-backup.ts';
import { showBackup } from './list-backups.ts';
import { restoreBackup } from './restore-backup.ts';

const instantly = { volumeId: null, name: null, instant: true };

async function backedUp(t: TestContext): Promise<{ scene: Scene; backup: BackupRow }> {
  const scene = await openScene(t);
  const { id: volumeId } = await makeVolume(scene, { name: 'data', metadata: { tier: 'gold' } });
  await writeAt(scene, volumeId, 0, 'precious');
  await writeAt(scene, volumeId, 700 * MiB, 'far away');
  const backup = await askBackup(scene, { volumeId });
  await scene.work();
  return { scene, backup };
}

async function packsOf(scene: Scene): Promise<MemoryStore> {
  const store = await scene.root.open('volumebackups', { create: false });
  assert.ok(store instanceof MemoryStore);
  return store;
}

/** Waits until a volume is whole. */
async function filled({ hydrator }: Scene, volumeId: string): Promise<void> {
  while ((await hydrator.progressOf(volumeId)) !== undefined) await sleep(5);
}

test('the volume is available when the request is answered, with all its bytes', async (t) => {
  const { scene, backup } = await backedUp(t);
  await scene.hydrator.stop();
  const wanted = { ...instantly, size: 2 };
  const { volume } = await restoreBackup(scene, max, backup.id, wanted);
  const row = must(await scene.catalog.find('volumes', byId(volume.id)), 'the volume');
  assert.deepEqual(
    [row.status, row.name, row.size, row.metadata],
    ['available', 'data', 2, { tier: 'gold' }],
  );
  assert.equal((await showBackup(scene, max, backup.id)).status, 'available');
  assert.equal(await readAt(scene, volume.id, 700 * MiB, 8), 'far away');
  const progress = await scene.hydrator.progressOf(volume.id);
  assert.deepEqual([progress?.bytesDone, progress?.bytesTotal], [0, GiB]);
  await scene.work();
  assert.equal((await scene.catalog.find('volumes', byId(volume.id)))?.status, 'available');
  await scene.hydrator.start();
  assert.equal(await readAt(scene, volume.id, 0, 8), 'precious');
});

test('it is filled in the background, and needs the store no more then', async (t) => {
  const { scene, backup } = await backedUp(t);
  const { volume } = await restoreBackup(scene, max, backup.id, instantly);
  await filled(scene, volume.id);
  await scene.work();
  (await packsOf(scene)).objects.clear();
  assert.equal(await readAt(scene, volume.id, 0, 8), 'precious');
  assert.equal(await readAt(scene, volume.id, 700 * MiB, 8), 'far away');
});

test('its backup can be deleted at once: what it still needs stays in the store', async (t) => {
  const { scene, backup } = await backedUp(t);
  await scene.hydrator.stop();
  const { volume } = await restoreBackup(scene, max, backup.id, instantly);
  await scene.work();
  await deleteBackup(scene, max, backup.id, { force: false });
  await scene.work();
  await assert.rejects(showBackup(scene, max, backup.id), { code: 'not_found' });
  const objects = (await packsOf(scene)).objects;
  const packs = (): string[] => [...objects.keys()].filter((name) => name.startsWith('packs/'));
  assert.ok(packs().length > 0);
  assert.equal(await readAt(scene, volume.id, 0, 8), 'precious');
  assert.equal(await readAt(scene, volume.id, 700 * MiB, 8), 'far away');
});

test('it is backed up while it is filled', async (t) => {
  const { scene, backup } = await backedUp(t);
  await scene.hydrator.stop();
  const { volume } = await restoreBackup(scene, max, backup.id, instantly);
  await writeAt(scene, volume.id, 4, 'X');
  const second = await askBackup(scene, { volumeId: volume.id });
  await scene.work();
  const again = await restoreBackup(scene, max, second.id, { volumeId: null, name: null });
  await scene.work();
  assert.equal(await readAt(scene, again.volume.id, 0, 8), 'precXous');
  assert.equal(await readAt(scene, again.volume.id, 700 * MiB, 8), 'far away');
});

test('a damaged backup makes no volume that seems fine', async (t) => {
  const { scene, backup } = await backedUp(t);
  const { objects } = await packsOf(scene);
  for (const [name, bytes] of objects) {
    if (name.startsWith('packs/'))
      objects.set(
        name,
        bytes.map((byte) => byte ^ 1),
      );
  }
  const { volume } = await restoreBackup(scene, max, backup.id, instantly);
  await scene.work();
  await assert.rejects(readAt(scene, volume.id, 0, 8), { code: 'corrupt' });
  objects.delete(`backups/${backup.id}`);
  const failed = await restoreBackup(scene, max, backup.id, instantly);
  await scene.work();
  const row = await scene.catalog.find('volumes', byId(failed.volume.id));
  assert.equal(row?.status, 'error_restoring');
  assert.equal((await showBackup(scene, max, backup.id)).status, 'available');
});

test('a new volume has its old type, and the size asked for; others are refused', async (t) => {
  const { scene, backup } = await backedUp(t);
  const refused = [
    { volumeId: backup.volumeId, name: null, instant: true },
    { volumeId: backup.volumeId, name: null, size: 3 },
    { ...instantly, size: 0 },
  ];
  for (const each of refused) {
    await assert.rejects(restoreBackup(scene, max, backup.id, each), { code: 'invalid_input' });
  }
  const type = must(
    (await scene.catalog.list('volumeTypes', { where: {}, limit: 1 }))[0],
    'a type',
  );
  const other = { ...type, id: 'other', name: 'other' };
  await scene.catalog.insert('volumeTypes', other);
  const { id: volumeId } = await makeVolume(scene, { volumeType: 'other' });
  const typed = await askBackup(scene, { volumeId });
  await scene.work();
  const wanted = { volumeId: null, name: null, size: 3 };
  const { volume } = await restoreBackup(scene, ann, typed.id, wanted);
  await scene.work();
  const row = await scene.catalog.find('volumes', byId(volume.id));
  assert.deepEqual([row?.volumeTypeId, row?.size, row?.status], ['other', 3, 'available']);
});

test('a request whose process died is ended by its job', async (t) => {
  const { scene, backup } = await backedUp(t);
  const createVolume = (): Promise<never> => Promise.reject(new Error('killed'));
  const hydrator = Object.assign(Object.create(scene.hydrator), { createVolume });
  const dying = { ...scene, hydrator };
  await assert.rejects(restoreBackup(dying, max, backup.id, instantly), /killed/);
  const job = must(await scene.jobs.next(), 'the job');
  await must(scene.handlers[job.kind], 'a handler').run(job, jobContext());
  const [volume] = await scene.catalog.list('volumes', {
    where: { projectId: max.projectId },
    limit: 1,
  });
  assert.equal(volume?.status, 'available');
  assert.equal(await readAt(scene, volume.id, 0, 8), 'precious');
});
