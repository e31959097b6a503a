import assert from 'node:assert/strict';
import { test } from 'node:test';
import { must } from '../../base/assert.ts';
import { createAttachment } from '../attachment/create-attachment.ts';
import { ann, bob, max, openScene } from '../operation-fixture.ts';
import { askBackup, askSnapshot, makeVolume, readAt, writeAt } from '../requests-fixture.ts';
import { createSnapshotJob } from './create-snapshot.ts';
import { deleteSnapshot } from './delete-snapshot.ts';
import { showSnapshot } from './list-snapshots.ts';
import { tellSnapshotStatus } from './tell-snapshot-status.ts';
import { editSnapshotMetadata, resetSnapshotStatus, updateSnapshot } from './update-snapshot.ts';

test("a snapshot's instant is the request's, whenever its job runs", async (t) => {
  const scene = await openScene(t);
  const { id: volumeId } = await makeVolume(scene);
  await writeAt(scene, volumeId, 0, 'before');
  const row = await askSnapshot(scene, { volumeId, name: 'one', metadata: { a: 'b' } });
  assert.equal(row.status, 'creating');
  await writeAt(scene, volumeId, 0, 'after!');
  await scene.work();
  const now = await showSnapshot(scene, max, row.id);
  assert.deepEqual([now.status, now.size, now.metadata], ['available', 1, { a: 'b' }]);
  const clone = await makeVolume(scene, { size: null, snapshotId: row.id });
  assert.equal(await readAt(scene, clone.id, 0, 6), 'before');
});

test('a volume in use is snapshotted only by force', async (t) => {
  const scene = await openScene(t);
  const { id: volumeId } = await makeVolume(scene);
  await createAttachment(scene, max, {
    volumeId,
    instanceId: null,
    connector: { host: 'h' },
    mode: null,
    completeAtOnce: true,
  });
  await assert.rejects(askSnapshot(scene, { volumeId }), {
    code: 'invalid_state',
    message:
      `Invalid volume: Volume ${volumeId} status must be available, but current status is: ` +
      'in-use.',
  });
  const row = await askSnapshot(scene, { volumeId, force: true });
  await scene.work();
  assert.equal((await showSnapshot(scene, max, row.id)).status, 'available');
});

test('a deletion and a backup of one snapshot do not both begin', async (t) => {
  const scene = await openScene(t);
  const { id: volumeId } = await makeVolume(scene);
  const { id: snapshotId } = await askSnapshot(scene, { volumeId });
  await scene.work();
  const results = await Promise.allSettled([
    deleteSnapshot(scene, max, snapshotId, { force: false }),
    askBackup(scene, { volumeId, snapshotId }),
  ]);
  assert.deepEqual(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
});

test("a failed snapshot says so in its project's messages", async (t) => {
  const scene = await openScene(t);
  const { id: volumeId } = await makeVolume(scene);
  const row = await askSnapshot(scene, { volumeId });
  const job = must(await scene.jobs.next(), 'the job');
  await createSnapshotJob(scene).fail(job, new Error('a mistake in /secret/path'));
  assert.equal((await showSnapshot(scene, max, row.id)).status, 'error');
  const where = { projectId: 'alpha', resourceId: row.id };
  const message = await scene.catalog.find('messages', where);
  assert.equal(message?.eventId, 'VOLUME_VOLUME_SNAPSHOT_009_001');
  assert.equal(message?.userMessage.includes('/secret/path'), false);
  assert.match(message?.userMessage ?? '', /has more under req-/);
  await scene.catalog.change('jobs', { id: job.id }, { state: 'failed' });
  await deleteSnapshot(scene, max, row.id, { force: false });
  await scene.work();
  await assert.rejects(showSnapshot(scene, max, row.id), { code: 'not_found' });
});

test('name, metadata and status change for whoever may', async (t) => {
  const scene = await openScene(t);
  const { id: volumeId } = await makeVolume(scene);
  const { id } = await askSnapshot(scene, { volumeId });
  await assert.rejects(updateSnapshot(scene, bob, id, { name: 'x' }), { code: 'not_found' });
  assert.equal((await updateSnapshot(scene, max, id, { name: 'x' })).name, 'x');
  const action = 'volume:update_snapshot_metadata';
  const row = await editSnapshotMetadata(scene, max, action, id, () => ({ k: 'v' }));
  assert.deepEqual(row.metadata, { k: 'v' });
  await assert.rejects(resetSnapshotStatus(scene, max, id, 'error'), { code: 'forbidden' });
  assert.equal((await resetSnapshotStatus(scene, ann, id, 'error')).status, 'error');
});

test('whoever makes a snapshot tells how far it is; available is what is durable', async (t) => {
  const scene = await openScene(t);
  const { id: volumeId } = await makeVolume(scene);
  const { id } = await askSnapshot(scene, { volumeId });
  const tell = (status: string, progress?: string, caller = max): Promise<void> =>
    tellSnapshotStatus(scene, caller, id, { status, progress });
  const now = async (): Promise<(string | null)[]> => {
    const { status, progress } = await showSnapshot(scene, max, id);
    return [status, progress];
  };
  await tell('creating', '90%');
  assert.deepEqual(await now(), ['creating', '90%']);
  await tell('available');
  assert.deepEqual(await now(), ['creating', '90%'], 'its job makes it so');
  await assert.rejects(tell('error_deleting'), {
    code: 'invalid_state',
    message:
      'Provided snapshot status error_deleting not allowed for snapshot with status creating.',
  });
  await assert.rejects(tell('error', undefined, bob), { code: 'not_found' });
  const reader = { ...max, roles: ['reader'] };
  await assert.rejects(tell('error', undefined, reader), { code: 'forbidden' });
  await scene.work();
  assert.deepEqual(await now(), ['available', '90%']);
  await assert.rejects(tell('error'), {
    message: 'Snapshot status available not allowed for update_snapshot_status',
  });
  await resetSnapshotStatus(scene, ann, id, 'creating');
  await tell('available');
  assert.equal((await now())[0], 'available', 'nobody else would make it so');
  await deleteSnapshot(scene, max, id, { force: false });
  await tell('error_deleting');
  assert.equal((await now())[0], 'error_deleting');
  await scene.work();
  await assert.rejects(showSnapshot(scene, max, id), { code: 'not_found' });
});

test('a snapshot that was told to have failed stays so, and can be deleted', async (t) => {
  const scene = await openScene(t);
  const { id: volumeId } = await makeVolume(scene);
  const { id } = await askSnapshot(scene, { volumeId });
  await tellSnapshotStatus(scene, max, id, { status: 'error', progress: undefined });
  await scene.work();
  assert.equal((await showSnapshot(scene, max, id)).status, 'error');
  await deleteSnapshot(scene, max, id, { force: false });
  await scene.work();
  await assert.rejects(showSnapshot(scene, max, id), { code: 'not_found' });
});
