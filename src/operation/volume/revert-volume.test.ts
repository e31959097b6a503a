import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OperatingError } from '../../base/errors.ts';
import { newId } from '../../base/ids.ts';
import type { VolumeRow } from '../../catalog/tables.ts';
import { initializeConnection } from '../attachment/initialize-connection.ts';
import { crashEverywhere } from '../crash-fixture.ts';
import { ann, bob, callerIn, max, openScene, type Scene } from '../operation-fixture.ts';
import { askSnapshot, askVolume, makeVolume, readAt, writeAt } from '../requests-fixture.ts';
import { byId } from '../scope.ts';
import { deleteSnapshot } from '../snapshot/delete-snapshot.ts';
import { extendVolume } from './extend-volume.ts';
import { resetVolumeStatus } from './reset-volume-status.ts';
import { revertVolume, revertVolumeJob } from './revert-volume.ts';

interface Written {
  readonly volume: VolumeRow;
  readonly snapshotId: string;
}

/** A volume that held `before` when its snapshot was taken, and holds `after!` since. */
async function writeBoth(scene: Scene): Promise<Written> {
  const volume = await makeVolume(scene);
  await writeAt(scene, volume.id, 8192, 'before');
  const snapshot = await askSnapshot(scene, { volumeId: volume.id });
  await scene.work();
  await writeAt(scene, volume.id, 8192, 'after!');
  return { volume, snapshotId: snapshot.id };
}

async function statuses(scene: Scene, { volume, snapshotId }: Written): Promise<unknown[]> {
  const { catalog } = scene;
  return [
    (await catalog.find('volumes', byId(volume.id)))?.status,
    (await catalog.find('snapshots', byId(snapshotId)))?.status,
  ];
}

test('a volume becomes what its newest snapshot holds, again and again', async (t) => {
  const scene = await openScene(t);
  const written = await writeBoth(scene);
  const { volume, snapshotId } = written;
  for (let round = 0; round < 2; round += 1) {
    await revertVolume(scene, max, volume.id, snapshotId);
    assert.deepEqual(await statuses(scene, written), ['reverting', 'restoring']);
    await assert.rejects(initializeConnection(scene, max, volume.id, { host: 'h' }), {
      code: 'invalid_state',
    });
    await scene.work();
    assert.deepEqual(await statuses(scene, written), ['available', 'available']);
    assert.equal(await readAt(scene, volume.id, 8192, 6), 'before');
    await writeAt(scene, volume.id, 8192, 'after!');
  }
  await deleteSnapshot(scene, max, snapshotId, { force: false });
  await scene.work();
  assert.equal(await readAt(scene, volume.id, 8192, 6), 'after!');
});

test('only the newest snapshot, of the same size, of a volume that nobody uses', async (t) => {
  const scene = await openScene(t);
  const written = await writeBoth(scene);
  const { volume, snapshotId } = written;
  const empty = await makeVolume(scene);
  const revert = (id: string, of: string) => revertVolume(scene, max, id, of);
  await assert.rejects(revert(empty.id, snapshotId), {
    code: 'invalid_state',
    message: `Volume ${empty.id} doesn't have any snapshots.`,
  });
  const newer = await askSnapshot(scene, { volumeId: volume.id });
  await assert.rejects(revert(volume.id, newer.id), { code: 'conflict', message: /^Invalid snap/ });
  await scene.work();
  const refusal = `Specified snapshot ${snapshotId} is None or not the latest one of volume`;
  await assert.rejects(revert(volume.id, snapshotId), {
    code: 'invalid_state',
    message: `${refusal} ${volume.id}.`,
  });
  await initializeConnection(scene, max, volume.id, { host: 'h' });
  await assert.rejects(revert(volume.id, newer.id), {
    code: 'conflict',
    message:
      `Invalid volume: Can't revert volume ${volume.id} to its latest snapshot ${newer.id}. ` +
      "Volume's status must be 'available'.",
  });
  await scene.catalog.remove('attachments', { projectId: max.projectId });
  await askVolume(scene, { sourceVolumeId: volume.id });
  await assert.rejects(revert(volume.id, newer.id), { message: /is just being copied to/ });
  await scene.work();
  await extendVolume(scene, max, volume.id, { newSize: 2, online: true });
  await scene.work();
  await assert.rejects(revert(volume.id, newer.id), {
    code: 'invalid_state',
    message: /The volume size must be equal to the snapshot size\.$/,
  });
  assert.deepEqual(await statuses(scene, written), ['available', 'available']);
  assert.equal(await scene.jobs.next(), undefined);
});

test('who may not see or change a volume does not revert it', async (t) => {
  const scene = await openScene(t);
  const { volume, snapshotId } = await writeBoth(scene);
  const reader = callerIn('alpha', ['reader']);
  await assert.rejects(revertVolume(scene, reader, volume.id, snapshotId), { code: 'forbidden' });
  await assert.rejects(revertVolume(scene, bob, volume.id, snapshotId), { code: 'not_found' });
  await assert.rejects(revertVolume(scene, max, newId(), snapshotId), { code: 'not_found' });
});

test('a revert that fails leaves a message, and the snapshot as it was', async (t) => {
  const scene = await openScene(t);
  const written = await writeBoth(scene);
  const { volume, snapshotId } = written;
  await revertVolume(scene, max, volume.id, snapshotId);
  const job = await scene.jobs.next();
  assert.ok(job);
  await revertVolumeJob(scene).fail(job, new OperatingError('no_space', 'full'));
  assert.deepEqual(await statuses(scene, written), ['error', 'available']);
  const where = { projectId: 'alpha', resourceId: volume.id } as const;
  const message = await scene.catalog.find('messages', where);
  assert.match(message?.userMessage ?? '', /^revert volume: There is no room left/);
  await scene.catalog.change('jobs', { id: job.id }, { state: 'failed' });

  await resetVolumeStatus(scene, ann, volume.id, { status: 'available' });
  await revertVolume(scene, max, volume.id, snapshotId);
  await resetVolumeStatus(scene, ann, volume.id, { status: 'error' });
  await scene.work();
  assert.deepEqual(await statuses(scene, written), ['error', 'available']);
  assert.equal(await readAt(scene, volume.id, 8192, 6), 'after!');
});

test('a revert that a crash ends anywhere is carried through', async (t) => {
  await crashEverywhere(
    t,
    async (scene) => {
      const written = await writeBoth(scene);
      await revertVolume(scene, max, written.volume.id, written.snapshotId);
      return written;
    },
    async (scene, written) => {
      assert.deepEqual(await statuses(scene, written), ['available', 'available']);
      assert.equal(await readAt(scene, written.volume.id, 8192, 6), 'before');
    },
  );
});
