import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOperatingError, OperatingError } from '../../base/errors.ts';
import { newId } from '../../base/ids.ts';
import { createAttachment } from '../attachment/create-attachment.ts';
import {
  ann,
  bob,
  callerIn,
  jobContext,
  max,
  openScene,
  type Scene,
} from '../operation-fixture.ts';
import { askSnapshot, askVolume, makeVolume, readAt, writeAt } from '../requests-fixture.ts';
import { byId } from '../scope.ts';
import { deleteSnapshot } from '../snapshot/delete-snapshot.ts';
import { createVolumeJob } from './create-volume-job.ts';
import { deleteVolume, deleteVolumeJob } from './delete-volume.ts';
import { extendVolume, extendVolumeJob } from './extend-volume.ts';
import { listVolumes, showVolume } from './list-volumes.ts';
import { resetVolumeStatus } from './reset-volume-status.ts';
import { updateReadonlyFlag } from './update-readonly-flag.ts';
import { updateVolume } from './update-volume.ts';

const gently = { cascade: false, force: false };

async function statusOf(scene: Scene, volumeId: string): Promise<string | undefined> {
  return (await scene.catalog.find('volumes', byId(volumeId)))?.status;
}

test('a volume is creating until its job has made it', async (t) => {
  const scene = await openScene(t);
  const row = await askVolume(scene, { name: 'one', metadata: { a: 'b' } });
  assert.equal(row.status, 'creating');
  await scene.work();
  const now = await showVolume(scene, max, row.id);
  assert.deepEqual(
    [now.status, now.size, now.name, now.metadata],
    ['available', 1, 'one', { a: 'b' }],
  );
});

test('a volume can be made read-only before its job has run', async (t) => {
  const scene = await openScene(t);
  const { id } = await askVolume(scene);
  await updateReadonlyFlag(scene, max, id, true);
  await scene.work();
  const row = await showVolume(scene, max, id);
  assert.deepEqual([row.status, row.readOnly], ['available', true]);
});

test('a clone holds what its source held, and is not smaller', async (t) => {
  const scene = await openScene(t);
  const source = await makeVolume(scene);
  await writeAt(scene, source.id, 8192, 'before');
  const snapshot = await askSnapshot(scene, { volumeId: source.id });
  await scene.work();
  await writeAt(scene, source.id, 8192, 'after!');
  const ofSnapshot = await makeVolume(scene, { size: null, snapshotId: snapshot.id });
  const ofVolume = await makeVolume(scene, { size: 2, sourceVolumeId: source.id });
  assert.equal(await readAt(scene, ofSnapshot.id, 8192, 6), 'before');
  assert.equal(await readAt(scene, ofVolume.id, 8192, 6), 'after!');
  await makeVolume(scene, { size: 2, sourceVolumeId: source.id });
  const big = await makeVolume(scene, { size: 3 });
  await assert.rejects(askVolume(scene, { size: 2, sourceVolumeId: big.id }), {
    code: 'invalid_input',
    message:
      "Invalid input received: Volume size '2'GB cannot be smaller than original volume size " +
      '3GB. They must be >= original volume size.',
  });
});

test('what a volume cannot be made of changes nothing', async (t) => {
  const scene = await openScene(t);
  const volume = await makeVolume(scene);
  const cases: [Parameters<typeof askVolume>[1], string, RegExp][] = [
    [{ size: null }, 'invalid_input', /Volume size 'None' must be an integer/],
    [{ size: 16_385 }, 'invalid_input', /larger than the limit of 16384 GB/],
    [{ snapshotId: newId() }, 'not_found', /^Snapshot .* could not be found\.$/],
    [{ sourceVolumeId: newId() }, 'not_found', /^Volume .* could not be found\.$/],
    [{ backupId: newId() }, 'not_found', /^Backup .* could not be found\.$/],
    [{ imageId: newId() }, 'not_found', /^No image found with ID /],
    [{ volumeType: 'gold' }, 'not_found', /^Volume type with name gold could not be found\.$/],
    [{ availabilityZone: 'mars' }, 'invalid_input', /Availability zone 'mars' is invalid/],
    [{ sourceVolumeId: volume.id, snapshotId: newId() }, 'invalid_input', /only one of/],
  ];
  for (const [given, code, message] of cases) {
    await assert.rejects(askVolume(scene, given), { code, message });
  }
  assert.equal(await scene.catalog.count('volumes', { projectId: max.projectId }), 1);
  assert.equal(await scene.jobs.next(), undefined);
});

test('another project sees nothing of a volume, an administrator all', async (t) => {
  const scene = await openScene(t);
  const { id } = await makeVolume(scene);
  const message = `Volume ${id} could not be found.`;
  await assert.rejects(showVolume(scene, bob, id), { code: 'not_found', message });
  await assert.rejects(updateVolume(scene, bob, id, { name: 'x' }), { code: 'not_found' });
  await assert.rejects(deleteVolume(scene, bob, id, gently), { code: 'not_found' });
  const list = { where: {}, limit: 10, projects: 'every' } as const;
  assert.deepEqual((await listVolumes(scene, bob, list)).rows, []);
  const admin = callerIn('beta', ['admin']);
  assert.equal((await listVolumes(scene, admin, list)).rows.length, 1);
  assert.equal((await showVolume(scene, admin, id)).id, id);
});

test('a reader changes nothing, and only an administrator forces', async (t) => {
  const scene = await openScene(t);
  const { id } = await makeVolume(scene);
  const reader = callerIn('alpha', ['reader']);
  await assert.rejects(askVolume(scene, {}, reader), { code: 'forbidden' });
  await assert.rejects(deleteVolume(scene, reader, id, gently), { code: 'forbidden' });
  const forced = { cascade: false, force: true };
  await assert.rejects(deleteVolume(scene, max, id, forced), { code: 'forbidden' });
  await assert.rejects(resetVolumeStatus(scene, max, id, { status: 'error' }), {
    code: 'forbidden',
  });
  await resetVolumeStatus(scene, ann, id, { status: 'error' });
  assert.equal(await statusOf(scene, id), 'error');
});

test('a volume with snapshots or attachments is not deleted', async (t) => {
  const scene = await openScene(t);
  const volume = await makeVolume(scene);
  const snapshot = await askSnapshot(scene, { volumeId: volume.id });
  await scene.work();
  const refusal = {
    code: 'invalid_state',
    message:
      'Invalid volume: Volume status must be available or error or error_restoring or ' +
      'error_extending or error_managing and must not be migrating, attached, belong to a ' +
      'group, have snapshots or be disassociated from snapshots after volume transfer.',
  };
  await assert.rejects(deleteVolume(scene, max, volume.id, gently), refusal);
  await deleteSnapshot(scene, max, snapshot.id, { force: false });
  await scene.work();
  await createAttachment(scene, max, {
    volumeId: volume.id,
    instanceId: null,
    connector: { host: 'h' },
    mode: null,
    completeAtOnce: true,
  });
  await assert.rejects(deleteVolume(scene, max, volume.id, gently), {
    code: 'invalid_state',
    message: `Invalid volume: Volume ${volume.id} is still attached, detach volume first.`,
  });
  assert.equal(await statusOf(scene, volume.id), 'in-use');
});

test('cascade takes the snapshots along, unless one is in use', async (t) => {
  const scene = await openScene(t);
  const volume = await makeVolume(scene);
  const one = await askSnapshot(scene, { volumeId: volume.id });
  await askSnapshot(scene, { volumeId: volume.id });
  await scene.work();
  const where = { id: one.id, projectId: max.projectId };
  await scene.catalog.change('snapshots', where, { status: 'backing-up' });
  const cascade = { cascade: true, force: false };
  await assert.rejects(deleteVolume(scene, max, volume.id, cascade), { code: 'invalid_state' });
  assert.equal(await statusOf(scene, volume.id), 'available');
  await scene.catalog.change('snapshots', where, { status: 'available' });
  await deleteVolume(scene, max, volume.id, cascade);
  assert.equal((await scene.catalog.find('snapshots', where))?.status, 'deleting');
  await scene.work();
  assert.equal(await scene.catalog.count('snapshots', { projectId: max.projectId }), 0);
  assert.equal(await statusOf(scene, volume.id), undefined);
  await assert.rejects(scene.engine.openVolume(volume.id), { code: 'not_found' });
});

test('of two deletions at the same time one is refused', async (t) => {
  const scene = await openScene(t);
  const { id } = await makeVolume(scene);
  const results = await Promise.allSettled([
    deleteVolume(scene, max, id, gently),
    deleteVolume(scene, max, id, gently),
  ]);
  assert.deepEqual(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  await scene.work();
  assert.equal(await statusOf(scene, id), undefined);
});

test('a source is not deleted while it is being copied', async (t) => {
  const scene = await openScene(t);
  const source = await makeVolume(scene);
  const snapshot = await askSnapshot(scene, { volumeId: source.id });
  await scene.work();
  await askVolume(scene, { snapshotId: snapshot.id });
  await assert.rejects(deleteSnapshot(scene, max, snapshot.id, { force: false }), {
    code: 'invalid_state',
    message: /is just being used to create volume/,
  });
  await scene.work();
  await deleteSnapshot(scene, max, snapshot.id, { force: false });
  await scene.work();
  await askVolume(scene, { sourceVolumeId: source.id });
  await assert.rejects(deleteVolume(scene, max, source.id, gently), {
    message: /is just being copied/,
  });
});

test('extending holds the quota at once, and gives it back when it fails', async (t) => {
  const scene = await openScene(t);
  const { id } = await makeVolume(scene);
  await assert.rejects(extendVolume(scene, max, id, { newSize: 1, online: false }), {
    message:
      'Invalid input received: New size for extend must be greater than current size. ' +
      '(current: 1, extended: 1).',
  });
  await extendVolume(scene, max, id, { newSize: 3, online: false });
  assert.equal(await scene.catalog.sum('volumes', 'size', { projectId: 'alpha' }), 3);
  await assert.rejects(extendVolume(scene, max, id, { newSize: 4, online: true }), {
    message: /status must be .available. to extend, currently extending/,
  });
  await scene.work();
  const device = await scene.engine.openVolume(id);
  assert.equal(device.lengthBytes, 3 * 1024 ** 3);
  await device.close();

  await extendVolume(scene, max, id, { newSize: 5, online: false });
  const job = await scene.jobs.next();
  assert.ok(job);
  await extendVolumeJob(scene).fail(job, new OperatingError('no_space', 'full'));
  const row = await showVolume(scene, max, id);
  assert.deepEqual([row.status, row.size], ['error_extending', 3]);
  const [message] = await scene.catalog.list('messages', {
    where: { projectId: 'alpha' },
    limit: 1,
  });
  assert.equal(message?.resourceId, id);
  assert.match(message?.userMessage ?? '', /^extend volume: There is no room left/);
});

test('jobs may run again after they have run, and leave what is there', async (t) => {
  const scene = await openScene(t);
  const row = await askVolume(scene);
  const job = await scene.jobs.next();
  assert.ok(job);
  await createVolumeJob(scene).run(job, jobContext());
  await createVolumeJob(scene).run(job, jobContext());
  assert.equal(await statusOf(scene, row.id), 'available');
  await scene.work();
  await deleteVolume(scene, max, row.id, gently);
  const deletion = await scene.jobs.next();
  assert.ok(deletion);
  await deleteVolumeJob(scene).run(deletion, jobContext());
  await deleteVolumeJob(scene).run(deletion, jobContext());
  assert.equal(await statusOf(scene, row.id), undefined);
});

test('a deletion that fails can be asked for again', async (t) => {
  const scene = await openScene(t);
  const { id } = await makeVolume(scene);
  const device = await scene.engine.openVolume(id);
  await deleteVolume(scene, max, id, gently);
  await scene.work();
  assert.equal(await statusOf(scene, id), 'error_deleting');
  await device.close();
  await deleteVolume(scene, max, id, gently);
  await scene.work();
  assert.equal(await statusOf(scene, id), undefined);
});

test('a marker that is not there is told', async (t) => {
  const scene = await openScene(t);
  const marker = newId();
  const list = { where: {}, limit: 10, marker, projects: 'own' } as const;
  await assert.rejects(listVolumes(scene, max, list), (error) =>
    isOperatingError(error, 'not_found'),
  );
});
