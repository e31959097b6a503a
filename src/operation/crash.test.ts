/** A job that a crash ended at any of its calls runs again, and ends as if nothing had happened. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { restoreBackup } from './backup/restore-backup.ts';
import { deleteBackup } from './backup/delete-backup.ts';
import { showBackup } from './backup/list-backups.ts';
import { crashEverywhere } from './crash-fixture.ts';
import { max, type Scene } from './operation-fixture.ts';
import {
  askBackup,
  askSnapshot,
  askVolume,
  makeVolume,
  readAt,
  writeAt,
} from './requests-fixture.ts';
import { byId } from './scope.ts';
import { deleteSnapshot } from './snapshot/delete-snapshot.ts';
import { deleteVolume } from './volume/delete-volume.ts';
import { extendVolume } from './volume/extend-volume.ts';

const volumeStatus = async (scene: Scene, id: string): Promise<string | undefined> =>
  (await scene.catalog.find('volumes', byId(id)))?.status;

test('creating a volume survives a crash', (t) =>
  crashEverywhere(
    t,
    (scene) => askVolume(scene),
    async (scene, { id }) => {
      assert.equal(await volumeStatus(scene, id), 'available');
      await (await scene.engine.openVolume(id)).close();
    },
  ));

test('cloning a snapshot or a volume survives a crash', async (t) => {
  const ask = async (scene: Scene, from: 'snapshot' | 'volume') => {
    const { id: volumeId } = await makeVolume(scene);
    await writeAt(scene, volumeId, 0, 'precious');
    const snapshot = await askSnapshot(scene, { volumeId });
    await scene.work();
    const source = from === 'volume' ? { sourceVolumeId: volumeId } : { snapshotId: snapshot.id };
    return await askVolume(scene, { size: 2, ...source });
  };
  for (const from of ['snapshot', 'volume'] as const) {
    await crashEverywhere(
      t,
      (scene) => ask(scene, from),
      async (scene, { id }) => {
        assert.equal(await volumeStatus(scene, id), 'available');
        assert.equal(await readAt(scene, id, 0, 8), 'precious');
      },
    );
  }
});

test('deleting a volume survives a crash', (t) =>
  crashEverywhere(
    t,
    async (scene) => {
      const { id } = await makeVolume(scene);
      await deleteVolume(scene, max, id, { cascade: false, force: false });
      return id;
    },
    async (scene, id) => {
      assert.equal(await volumeStatus(scene, id), undefined);
      await assert.rejects(scene.engine.openVolume(id), { code: 'not_found' });
    },
  ));

test('extending a volume survives a crash', (t) =>
  crashEverywhere(
    t,
    async (scene) => {
      const { id } = await makeVolume(scene);
      await extendVolume(scene, max, id, { newSize: 2, online: false });
      return id;
    },
    async (scene, id) => {
      assert.equal(await volumeStatus(scene, id), 'available');
      const device = await scene.engine.openVolume(id);
      assert.equal(device.lengthBytes, 2 * 1024 ** 3);
      await device.close();
    },
  ));

test('taking and deleting a snapshot survive a crash', async (t) => {
  await crashEverywhere(
    t,
    async (scene) => askSnapshot(scene, { volumeId: (await makeVolume(scene)).id }),
    async (scene, { id }) => {
      const row = await scene.catalog.find('snapshots', byId(id));
      assert.equal(row?.status, 'available');
      assert.ok((await scene.engine.findSnapshot(id)) !== undefined);
    },
  );
  await crashEverywhere(
    t,
    async (scene) => {
      const { id } = await askSnapshot(scene, { volumeId: (await makeVolume(scene)).id });
      await scene.work();
      await deleteSnapshot(scene, max, id, { force: false });
      return id;
    },
    async (scene, id) => {
      assert.equal(await scene.catalog.find('snapshots', byId(id)), undefined);
      assert.equal(await scene.engine.findSnapshot(id), undefined);
    },
  );
});

test('making a backup survives a crash', (t) =>
  crashEverywhere(
    t,
    async (scene) => {
      const { id: volumeId } = await makeVolume(scene);
      await writeAt(scene, volumeId, 0, 'precious');
      return await askBackup(scene, { volumeId });
    },
    async (scene, { id, volumeId }) => {
      assert.equal((await showBackup(scene, max, id)).status, 'available');
      assert.equal(await volumeStatus(scene, volumeId), 'available');
      assert.equal(await scene.engine.findSnapshot(id), undefined);
    },
  ));

test('restoring a backup survives a crash', (t) =>
  crashEverywhere(
    t,
    async (scene) => {
      const { id: volumeId } = await makeVolume(scene, { name: 'data' });
      await writeAt(scene, volumeId, 0, 'precious');
      const { id } = await askBackup(scene, { volumeId });
      await scene.work();
      return await restoreBackup(scene, max, id, { volumeId: null, name: null });
    },
    async (scene, { backup, volume }) => {
      assert.equal((await showBackup(scene, max, backup.id)).status, 'available');
      const row = await scene.catalog.find('volumes', byId(volume.id));
      assert.deepEqual([row?.status, row?.name], ['available', 'data']);
      assert.equal(await readAt(scene, volume.id, 0, 8), 'precious');
    },
  ));

test('deleting a backup survives a crash', (t) =>
  crashEverywhere(
    t,
    async (scene) => {
      const { id: volumeId } = await makeVolume(scene);
      const { id } = await askBackup(scene, { volumeId });
      await scene.work();
      await deleteBackup(scene, max, id, { force: false });
      return id;
    },
    async (scene, id) => {
      await assert.rejects(showBackup(scene, max, id), { code: 'not_found' });
      const repository = await scene.repositories.open('volumebackups', { create: false });
      assert.equal(await repository.findManifest(id), undefined);
    },
  ));
