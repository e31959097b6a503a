import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId } from '../../base/ids.ts';
import type { VolumeRow } from '../../catalog/tables.ts';
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
import { updateQuotaSet } from '../quota-sets.ts';
import { askSnapshot, askVolume, makeVolume } from '../requests-fixture.ts';
import { byId } from '../scope.ts';
import { createVolumeType, deleteVolumeType } from '../type/change-volume-types.ts';
import { defaultTypeName } from '../type/seed-volume-types.ts';
import { deleteVolume } from '../volume/delete-volume.ts';
import { resetVolumeStatus } from '../volume/reset-volume-status.ts';
import { deleteGroup, deleteGroupJob } from './delete-group.ts';
import { volumesOf } from './find-group.ts';
import { askGroup, askGroupSnapshot, makeGroup, nth } from './group-fixture.ts';
import { listGroups, memberIds, showGroup } from './list-groups.ts';
import { refuseReplication } from './refuse-replication.ts';
import { resetGroupStatus, updateGroup } from './update-group.ts';

const gently = { deleteVolumes: false };
const whole = { deleteVolumes: true };
const none = { addVolumes: [], removeVolumes: [] };

async function volumeOf(scene: Scene, id: string): Promise<VolumeRow | undefined> {
  return await scene.catalog.find('volumes', byId(id));
}

test('a group is there at once, with its types, for its project alone', async (t) => {
  const scene = await openScene(t);
  const group = await askGroup(scene, { name: 'db', volumeTypes: [defaultTypeName] });
  const shown = await showGroup(scene, max, group.id);
  assert.deepEqual(shown, group);
  assert.deepEqual([shown.status, shown.volumeTypeIds.length], ['available', 1]);
  await assert.rejects(showGroup(scene, bob, group.id), {
    code: 'not_found',
    message: `Group ${group.id} could not be found.`,
  });
  const list = { where: {}, limit: 10, projects: 'every' } as const;
  assert.equal((await listGroups(scene, bob, list)).rows.length, 0);
  assert.equal((await listGroups(scene, ann, list)).rows.length, 1);
});

test('what a group cannot be made of changes nothing', async (t) => {
  const scene = await openScene(t);
  const cases: [Parameters<typeof askGroup>[1], string, RegExp][] = [
    [{ groupType: 'none' }, 'not_found', /^Group type none could not be found\.$/],
    [{ volumeTypes: ['none'] }, 'not_found', /^Volume type with name none could not be found\.$/],
    [{ availabilityZone: 'mars' }, 'invalid_input', /Availability zone 'mars' is invalid\.$/],
  ];
  for (const [given, code, message] of cases) {
    await assert.rejects(askGroup(scene, given), { code, message });
  }
  await assert.rejects(askGroup(scene, {}, callerIn('alpha', ['reader'])), { code: 'forbidden' });
  await updateQuotaSet(scene, ann, 'alpha', { groups: 0 });
  await assert.rejects(askGroup(scene), {
    code: 'quota_exceeded',
    message: 'GroupLimitExceeded: Maximum number of groups allowed (0) exceeded.',
  });
  assert.equal(await scene.catalog.count('groups', { projectId: 'alpha' }), 0);
});

test('a volume begins its life in a group that supports its type', async (t) => {
  const scene = await openScene(t);
  const { group, volumes } = await makeGroup(scene, 1);
  assert.deepEqual(
    volumes.map(({ groupId }) => groupId),
    [group.id],
  );
  const gold = await createVolumeType(scene, ann, {
    name: 'gold',
    description: null,
    isPublic: true,
    extraSpecs: {},
  });
  const groupId = group.id;
  const cases: [Parameters<typeof askVolume>[1], RegExp][] = [
    [{ groupId }, /volume_type must be provided when creating a volume in a group\.$/],
    [{ groupId, volumeType: gold.name }, /^Invalid input received: Invalid volume_type provided/],
    [{ groupId: newId(), volumeType: gold.name }, /^Group .* could not be found\.$/],
  ];
  for (const [given, message] of cases) await assert.rejects(askVolume(scene, given), { message });
  await resetGroupStatus(scene, ann, groupId, 'deleting');
  await assert.rejects(askVolume(scene, { groupId, volumeType: defaultTypeName }), {
    message: 'Invalid Group: Group status must be available, but current status is: deleting.',
  });
  assert.equal((await volumesOf(scene.catalog, groupId)).length, 1);
});

test('volumes join and leave a group, all that are named or none', async (t) => {
  const scene = await openScene(t);
  const group = await askGroup(scene);
  const [first, second] = [await makeVolume(scene), await makeVolume(scene)];
  const addVolumes = [first.id, second.id];
  await updateGroup(scene, max, group.id, { name: 'new', addVolumes, removeVolumes: [] });
  const members = await memberIds(scene, [group.id, newId()]);
  assert.deepEqual(members.get(group.id)?.toSorted(), addVolumes.toSorted());
  assert.equal((await showGroup(scene, max, group.id)).name, 'new');
  const third = await makeVolume(scene);
  const mixed = { addVolumes: [third.id, newId()], removeVolumes: [first.id] };
  await assert.rejects(updateGroup(scene, max, group.id, mixed), /because volume cannot be found/);
  assert.equal((await volumeOf(scene, first.id))?.groupId, group.id);
  assert.equal((await volumeOf(scene, third.id))?.groupId, null);
  await updateGroup(scene, max, group.id, { ...none, removeVolumes: [first.id] });
  assert.equal((await volumeOf(scene, first.id))?.groupId, null);
  await deleteVolume(scene, max, first.id, { cascade: false, force: false });
});

test('volumes that cannot join or leave are told why', async (t) => {
  const scene = await openScene(t);
  const { group, volumes } = await makeGroup(scene, 1);
  const member = nth(volumes, 0);
  const other = await askGroup(scene);
  const foreign = await askVolume(scene, {}, bob);
  const fresh = await askVolume(scene);
  const refusal = (id: string, why: string): string =>
    `Invalid volume: Cannot add volume ${id} to group ${group.id} ${why}`;
  const add = (id: string, caller = max) =>
    updateGroup(scene, caller, group.id, { ...none, addVolumes: [id] });
  await assert.rejects(add(foreign.id), {
    message: refusal(foreign.id, 'because volume cannot be found.'),
  });
  await assert.rejects(add(foreign.id, ann), {
    message: refusal(foreign.id, 'as they belong to different projects.'),
  });
  await assert.rejects(add(fresh.id), {
    message: refusal(
      fresh.id,
      'because volume is in an invalid state: creating. Valid states are: ' +
        "('available', 'in-use').",
    ),
  });
  const taken = updateGroup(scene, max, other.id, { ...none, addVolumes: [member.id] });
  await assert.rejects(taken, /because it is already in group/);
  await assert.rejects(updateGroup(scene, max, other.id, { ...none, removeVolumes: [member.id] }), {
    message:
      `Invalid volume: Cannot remove volume ${member.id} from group ${other.id} because it is ` +
      'not in the group.',
  });
  const both = { addVolumes: [member.id], removeVolumes: [member.id] };
  await assert.rejects(updateGroup(scene, max, group.id, both), {
    message: `Invalid volume: UUIDs ['${member.id}'] are in both add and remove volume list.`,
  });
  await assert.rejects(updateGroup(scene, max, group.id, { ...none, name: 'group' }), {
    code: 'invalid_state',
    message: /because no valid name, description, add_volumes, or remove_volumes were provided\.$/,
  });
  await resetVolumeStatus(scene, ann, member.id, { status: 'maintenance' });
  await assert.rejects(
    updateGroup(scene, max, group.id, { ...none, removeVolumes: [member.id] }),
    /Valid states are: \('available', 'in-use', 'error', 'error_deleting'\)\.$/,
  );
});

test('a volume type is not deleted while a group supports it', async (t) => {
  const scene = await openScene(t);
  const facts = { name: 'gold', description: null, isPublic: true, extraSpecs: {} };
  const gold = await createVolumeType(scene, ann, facts);
  const group = await askGroup(scene, { volumeTypes: ['gold'] });
  await assert.rejects(deleteVolumeType(scene, ann, gold.id), { code: 'invalid_state' });
  await deleteGroup(scene, max, group.id, gently);
  await scene.work();
  await deleteVolumeType(scene, ann, gold.id);
});

test('a member is deleted with its group only', async (t) => {
  const scene = await openScene(t);
  const { group, volumes } = await makeGroup(scene);
  for (const force of [false, true]) {
    const deletion = deleteVolume(scene, ann, nth(volumes, 0).id, { cascade: true, force });
    await assert.rejects(deletion, { code: 'invalid_state', message: /belong to a group/ });
  }
  await assert.rejects(deleteGroup(scene, max, group.id, gently), {
    message:
      `Invalid Group: Group ${group.id} still contains volumes. The delete-volumes flag is ` +
      'required to delete it.',
  });
  await deleteGroup(scene, max, group.id, whole);
  const statuses = (await volumesOf(scene.catalog, group.id)).map(({ status }) => status);
  assert.deepEqual(statuses, ['deleting', 'deleting']);
  await scene.work();
  await assert.rejects(showGroup(scene, max, group.id), { code: 'not_found' });
  for (const { id } of volumes) {
    assert.equal(await volumeOf(scene, id), undefined);
    await assert.rejects(scene.engine.openVolume(id), { code: 'not_found' });
  }
});

test('a group that is needed is not deleted', async (t) => {
  const scene = await openScene(t);
  const { group, volumes } = await makeGroup(scene, 1);
  const { id: volumeId } = nth(volumes, 0);
  const refused = async (message: RegExp): Promise<void> => {
    await assert.rejects(deleteGroup(scene, max, group.id, whole), {
      code: 'invalid_state',
      message,
    });
  };
  await askSnapshot(scene, { volumeId });
  await refused(/^Invalid Group: Volume in group still has dependent snapshots\.$/);
  await askGroupSnapshot(scene, { groupId: group.id });
  await refused(/^Invalid Group: Group has existing snapshots\.$/);
  const second = await makeGroup(scene, 1);
  await createAttachment(scene, max, {
    volumeId: nth(second.volumes, 0).id,
    instanceId: null,
    connector: { host: 'h' },
    mode: null,
    completeAtOnce: true,
  });
  await assert.rejects(deleteGroup(scene, max, second.group.id, whole), {
    message: `Invalid Group: Volume in group ${second.group.id} is attached. Need to detach first.`,
  });
  const third = await makeGroup(scene, 1);
  await askVolume(scene, { sourceVolumeId: nth(third.volumes, 0).id });
  await assert.rejects(deleteGroup(scene, max, third.group.id, whole), /just being copied/);
  await scene.work();
  await resetGroupStatus(scene, ann, third.group.id, 'creating');
  await assert.rejects(deleteGroup(scene, max, third.group.id, whole), {
    message:
      'Invalid Group: Group status must be available or error, but current status is: creating',
  });
});

test('a deletion of a group that fails can be asked for again', async (t) => {
  const scene = await openScene(t);
  const { group, volumes } = await makeGroup(scene, 2);
  await deleteGroup(scene, max, group.id, whole);
  const job = await scene.jobs.next();
  assert.ok(job !== undefined);
  await deleteGroupJob(scene).fail(job, new Error('no'));
  await scene.catalog.change('jobs', { id: job.id }, { state: 'failed' });
  assert.equal((await showGroup(scene, max, group.id)).status, 'error_deleting');
  assert.equal((await volumeOf(scene, nth(volumes, 0).id))?.status, 'error_deleting');
  const message = { projectId: 'alpha', resourceId: group.id };
  assert.equal(
    (await scene.catalog.find('messages', message))?.eventId,
    'VOLUME_VOLUME_GROUP_112_001',
  );
  await deleteGroup(scene, max, group.id, whole);
  await scene.work();
  await assert.rejects(showGroup(scene, max, group.id), { code: 'not_found' });
});

test('a volume that an administrator rescues outlives its group', async (t) => {
  const scene = await openScene(t);
  const { group, volumes } = await makeGroup(scene, 2);
  await deleteGroup(scene, max, group.id, whole);
  const { id } = nth(volumes, 0);
  await resetVolumeStatus(scene, ann, id, { status: 'available' });
  const job = await scene.jobs.next();
  assert.ok(job !== undefined);
  await deleteGroupJob(scene).run(job, jobContext());
  const rescued = await volumeOf(scene, id);
  assert.deepEqual([rescued?.status, rescued?.groupId], ['available', null]);
  await (await scene.engine.openVolume(id)).close();
});

test('nothing is replicated, and the status is set by administrators', async (t) => {
  const scene = await openScene(t);
  const group = await askGroup(scene);
  await assert.rejects(refuseReplication(scene, max, 'group:enable_replication', group.id), {
    message: `Invalid group type: Group ${group.id} is not a replication group type.`,
  });
  await assert.rejects(resetGroupStatus(scene, max, group.id, 'error'), { code: 'forbidden' });
  assert.equal((await resetGroupStatus(scene, ann, group.id, 'error')).status, 'error');
  await assert.rejects(resetGroupStatus(scene, ann, newId(), 'error'), { code: 'not_found' });
});
