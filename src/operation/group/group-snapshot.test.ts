import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OperatingError } from '../../base/errors.ts';
import { newId } from '../../base/ids.ts';
import type { SnapshotRow } from '../../catalog/tables.ts';
import type { VolumeEngine } from '../../volume/engine.ts';
import { createAttachment } from '../attachment/create-attachment.ts';
import { ann, bob, max, openScene, type Scene } from '../operation-fixture.ts';
import { updateQuotaSet } from '../quota-sets.ts';
import { askBackup, askVolume, makeVolume, readAt, writeAt } from '../requests-fixture.ts';
import { byId } from '../scope.ts';
import { deleteSnapshot } from '../snapshot/delete-snapshot.ts';
import { deleteVolume } from '../volume/delete-volume.ts';
import { resetVolumeStatus } from '../volume/reset-volume-status.ts';
import { createGroupFromSource, type GroupSource } from './create-group-from-source.ts';
import { createGroupJob } from './create-group-job.ts';
import { createGroupSnapshotJob } from './create-group-snapshot.ts';
import { deleteGroupSnapshot, deleteGroupSnapshotJob } from './delete-group-snapshot.ts';
import { deleteGroup } from './delete-group.ts';
import { snapshotsOf } from './find-group-snapshot.ts';
import { volumesOf } from './find-group.ts';
import { askGroup, askGroupSnapshot, makeGroup, nth } from './group-fixture.ts';
import {
  listGroupSnapshots,
  resetGroupSnapshotStatus,
  showGroupSnapshot,
  updateGroupSnapshot,
} from './group-snapshots.ts';
import { showGroup } from './list-groups.ts';
import { updateGroup } from './update-group.ts';

async function fromSource(scene: Scene, source: GroupSource, caller = max) {
  return await createGroupFromSource(scene, caller, { name: 'copy', description: null, source });
}

async function members(scene: Scene, id: string): Promise<SnapshotRow[]> {
  return await snapshotsOf(scene.catalog, id);
}

test('a group snapshot holds what all volumes held at the request', async (t) => {
  const scene = await openScene(t);
  const { group, volumes } = await makeGroup(scene);
  for (const { id } of volumes) await writeAt(scene, id, 0, 'before');
  await createAttachment(scene, max, {
    volumeId: nth(volumes, 0).id,
    instanceId: null,
    connector: { host: 'h' },
    mode: null,
    completeAtOnce: true,
  });
  const row = await askGroupSnapshot(scene, { groupId: group.id });
  assert.equal(row.status, 'creating');
  for (const { id } of volumes) await writeAt(scene, id, 0, 'after!');
  await scene.work();
  assert.equal((await showGroupSnapshot(scene, max, row.id)).status, 'available');
  const snapshots = await members(scene, row.id);
  assert.deepEqual(
    snapshots.map(({ status, name, description }) => [status, name, description]),
    [
      ['available', 'snap', 'why'],
      ['available', 'snap', 'why'],
    ],
  );
  for (const { id } of snapshots) {
    const clone = await makeVolume(scene, { size: null, snapshotId: id });
    assert.equal(await readAt(scene, clone.id, 0, 6), 'before');
  }
});

test('members live and die with their group snapshot', async (t) => {
  const scene = await openScene(t);
  const { group, volumes } = await makeGroup(scene);
  const row = await askGroupSnapshot(scene, { groupId: group.id });
  await scene.work();
  const snapshots = await members(scene, row.id);
  for (const force of [false, true]) {
    await assert.rejects(deleteSnapshot(scene, ann, nth(snapshots, 0).id, { force }), {
      code: 'invalid_state',
      message:
        'Invalid snapshot: Snapshot status must be available or error and must not be part of a ' +
        'group.',
    });
  }
  const [left] = volumes;
  assert.ok(left !== undefined);
  await updateGroup(scene, max, group.id, { addVolumes: [], removeVolumes: [left.id] });
  const cascade = deleteVolume(scene, max, left.id, { cascade: true, force: false });
  await assert.rejects(cascade, { code: 'invalid_state' });
  await deleteGroupSnapshot(scene, max, row.id);
  assert.ok((await members(scene, row.id)).every(({ status }) => status === 'deleting'));
  await scene.work();
  await assert.rejects(showGroupSnapshot(scene, max, row.id), {
    message: `GroupSnapshot ${row.id} could not be found.`,
  });
  assert.equal((await members(scene, row.id)).length, 0);
  for (const { id } of snapshots) assert.equal(await scene.engine.findSnapshot(id), undefined);
  await deleteVolume(scene, max, left.id, { cascade: false, force: false });
});

test('what cannot be snapshotted together is refused whole', async (t) => {
  const scene = await openScene(t);
  const { group, volumes } = await makeGroup(scene);
  await updateQuotaSet(scene, ann, 'alpha', { snapshots: 1 });
  await assert.rejects(askGroupSnapshot(scene, { groupId: group.id }), { code: 'quota_exceeded' });
  await updateQuotaSet(scene, ann, 'alpha', { snapshots: 9, gigabytes: 3 });
  await assert.rejects(askGroupSnapshot(scene, { groupId: group.id }), { code: 'quota_exceeded' });
  await updateQuotaSet(scene, ann, 'alpha', { gigabytes: 9 });
  await resetVolumeStatus(scene, ann, nth(volumes, 1).id, { status: 'error' });
  await assert.rejects(askGroupSnapshot(scene, { groupId: group.id }), {
    code: 'invalid_state',
    message: /^Invalid volume: The snapshot cannot be created when the volume is in error status/,
  });
  await assert.rejects(askGroupSnapshot(scene, { groupId: group.id }, bob), { code: 'not_found' });
  assert.equal(await scene.catalog.count('snapshots', { projectId: 'alpha' }), 0);
  assert.equal(await scene.catalog.count('groupSnapshots', { projectId: 'alpha' }), 0);
});

test('a group snapshot that fails, and a deletion that does, end with a message', async (t) => {
  const scene = await openScene(t);
  const { group } = await makeGroup(scene);
  const row = await askGroupSnapshot(scene, { groupId: group.id });
  const job = await scene.jobs.next();
  assert.ok(job !== undefined);
  await createGroupSnapshotJob(scene).fail(job, new OperatingError('no_space', 'full'));
  await scene.catalog.change('jobs', { id: job.id }, { state: 'failed' });
  assert.equal((await showGroupSnapshot(scene, max, row.id)).status, 'error');
  assert.ok((await members(scene, row.id)).every(({ status }) => status === 'error'));
  const where = { projectId: 'alpha', resourceId: row.id };
  const message = await scene.catalog.find('messages', where);
  assert.match(message?.userMessage ?? '', /^create group snapshot: There is no room left/);
  await deleteGroupSnapshot(scene, max, row.id);
  const deletion = await scene.jobs.next();
  assert.ok(deletion !== undefined);
  await deleteGroupSnapshotJob(scene).fail(deletion, new Error('no'));
  await scene.catalog.change('jobs', { id: deletion.id }, { state: 'failed' });
  assert.equal((await showGroupSnapshot(scene, max, row.id)).status, 'error_deleting');
  await deleteGroupSnapshot(scene, max, row.id);
  await scene.work();
  await assert.rejects(showGroupSnapshot(scene, max, row.id), { code: 'not_found' });
});

test('a group snapshot is not deleted while it is used', async (t) => {
  const scene = await openScene(t);
  const { group, volumes } = await makeGroup(scene);
  const row = await askGroupSnapshot(scene, { groupId: group.id });
  await assert.rejects(deleteGroupSnapshot(scene, max, row.id), /GroupSnapshot status must be/);
  await scene.work();
  const { id: snapshotId, volumeId } = nth(await members(scene, row.id), 0);
  assert.ok(volumes.some(({ id }) => id === volumeId));
  await askBackup(scene, { volumeId, snapshotId });
  await assert.rejects(deleteGroupSnapshot(scene, max, row.id), /its status is: backing-up/);
  await scene.work();
  await askVolume(scene, { size: null, snapshotId });
  await assert.rejects(deleteGroupSnapshot(scene, max, row.id), /just being used to create/);
  await scene.work();
  await fromSource(scene, { groupSnapshotId: row.id });
  await assert.rejects(deleteGroupSnapshot(scene, max, row.id), {
    message:
      'Invalid GroupSnapshot: GroupSnapshot status must be available or error, and no Group can ' +
      'be currently using it as source for its creation.',
  });
  await scene.work();
  await deleteGroupSnapshot(scene, max, row.id);
});

test('a group is made from a group snapshot, and from a group', async (t) => {
  const scene = await openScene(t);
  const { group, volumes } = await makeGroup(scene);
  for (const { id } of volumes) await writeAt(scene, id, 0, 'before');
  const { id: groupSnapshotId } = await askGroupSnapshot(scene, { groupId: group.id });
  await scene.work();
  for (const { id } of volumes) await writeAt(scene, id, 0, 'second');
  const ofGroup = await fromSource(scene, { sourceGroupId: group.id });
  assert.equal(ofGroup.status, 'creating');
  for (const { id } of volumes) await writeAt(scene, id, 0, 'third!');
  const ofSnapshot = await fromSource(scene, { groupSnapshotId });
  await scene.work();
  for (const [made, content] of [
    [ofGroup, 'second'],
    [ofSnapshot, 'before'],
  ] as const) {
    const now = await showGroup(scene, max, made.id);
    assert.deepEqual([now.status, now.volumeTypeIds], ['available', group.volumeTypeIds]);
    const clones = await volumesOf(scene.catalog, made.id);
    assert.equal(clones.length, 2);
    for (const { id, status, size } of clones) {
      assert.deepEqual([status, size], ['available', 1]);
      assert.equal(await readAt(scene, id, 0, 6), content);
      assert.equal(await scene.engine.findSnapshot(id), undefined, 'no short-lived snapshot stays');
    }
  }
  await deleteGroup(scene, max, ofGroup.id, { deleteVolumes: true });
  await scene.work();
  for (const { id } of volumes) assert.equal(await readAt(scene, id, 0, 6), 'third!');
});

test('what no group can be made from is refused, and changes nothing', async (t) => {
  const scene = await openScene(t);
  const empty = await askGroup(scene);
  const { id: groupSnapshotId } = await askGroupSnapshot(scene, { groupId: empty.id });
  const { group } = await makeGroup(scene);
  await resetGroupSnapshotStatus(scene, ann, groupSnapshotId, 'error');
  await assert.rejects(fromSource(scene, { groupSnapshotId }), /GroupSnapshot status must be av/);
  await resetGroupSnapshotStatus(scene, ann, groupSnapshotId, 'available');
  const cases: [GroupSource, RegExp][] = [
    [{ groupSnapshotId }, /^Invalid Group: Group snapshot is empty\. No group will be created\.$/],
    [{ sourceGroupId: empty.id }, /^Invalid Group: Source Group is empty\. No group will be/],
    [{ sourceGroupId: newId() }, /^Group .* could not be found\.$/],
    [{ groupSnapshotId: newId() }, /^GroupSnapshot .* could not be found\.$/],
  ];
  for (const [source, message] of cases) {
    await assert.rejects(fromSource(scene, source), { message });
  }
  await assert.rejects(fromSource(scene, { sourceGroupId: group.id }, bob), { code: 'not_found' });
  await updateQuotaSet(scene, ann, 'alpha', { volumes: 3 });
  await assert.rejects(fromSource(scene, { sourceGroupId: group.id }), { code: 'quota_exceeded' });
  assert.equal(await scene.catalog.count('groups', { projectId: 'alpha' }), 2);
  assert.equal(await scene.catalog.count('volumes', { projectId: 'alpha' }), 2);
});

test('a source is not deleted while a group is made from it', async (t) => {
  const scene = await openScene(t);
  const { group } = await makeGroup(scene, 1);
  const made = await fromSource(scene, { sourceGroupId: group.id });
  const whole = { deleteVolumes: true };
  await assert.rejects(deleteGroup(scene, max, group.id, whole), /just being copied/);
  const job = await scene.jobs.next();
  assert.ok(job !== undefined);
  await createGroupJob(scene).fail(job, new OperatingError('io', 'no'));
  await scene.catalog.change('jobs', { id: job.id }, { state: 'failed' });
  assert.equal((await showGroup(scene, max, made.id)).status, 'error');
  const [clone] = await volumesOf(scene.catalog, made.id);
  assert.equal(clone?.status, 'error');
  assert.equal(await scene.engine.findSnapshot(clone.id), undefined);
  const where = { projectId: 'alpha', resourceId: made.id };
  assert.ok((await scene.catalog.find('messages', where)) !== undefined);
  await deleteGroup(scene, max, made.id, whole);
  await deleteGroup(scene, max, group.id, whole);
  await scene.work();
  assert.equal(await scene.catalog.find('volumes', byId(clone.id)), undefined);
});

test('when the request dies before the snapshots are taken, the job takes them', async (t) => {
  const scene = await openScene(t);
  const { group, volumes } = await makeGroup(scene);
  for (const { id } of volumes) await writeAt(scene, id, 0, 'before');
  const beginSnapshots = async (): Promise<never> => {
    throw new OperatingError('io', 'the process ends here');
  };
  const engine: VolumeEngine = Object.create(scene.engine, {
    beginSnapshots: { value: beginSnapshots },
  });
  const { id } = await askGroupSnapshot({ ...scene, engine }, { groupId: group.id });
  const made = await fromSource({ ...scene, engine }, { sourceGroupId: group.id });
  await scene.work();
  assert.equal((await showGroupSnapshot(scene, max, id)).status, 'available');
  for (const member of await members(scene, id)) {
    assert.ok((await scene.engine.findSnapshot(member.id)) !== undefined);
  }
  assert.equal((await showGroup(scene, max, made.id)).status, 'available');
  for (const clone of await volumesOf(scene.catalog, made.id)) {
    assert.equal(await readAt(scene, clone.id, 0, 6), 'before');
  }
});

test('name, description and status of a group snapshot change for whoever may', async (t) => {
  const scene = await openScene(t);
  const group = await askGroup(scene);
  const { id } = await askGroupSnapshot(scene, { groupId: group.id });
  await scene.work();
  const list = { where: { name: 'snap' }, limit: 9, projects: 'own' } as const;
  assert.equal((await listGroupSnapshots(scene, max, list)).rows.length, 1);
  assert.equal((await listGroupSnapshots(scene, bob, list)).rows.length, 0);
  assert.equal((await updateGroupSnapshot(scene, max, id, { name: 'new' })).name, 'new');
  await assert.rejects(updateGroupSnapshot(scene, bob, id, { name: 'x' }), { code: 'not_found' });
  await assert.rejects(resetGroupSnapshotStatus(scene, max, id, 'error'), { code: 'forbidden' });
  await assert.rejects(resetGroupSnapshotStatus(scene, ann, newId(), 'error'), {
    code: 'not_found',
  });
  assert.equal((await resetGroupSnapshotStatus(scene, ann, id, 'error')).status, 'error');
});
