import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ann, max, openScene } from '../operation-fixture.ts';
import {
  createGroupType,
  deleteGroupType,
  editGroupSpecs,
  updateGroupType,
} from './change-group-types.ts';
import { deleteGroup } from './delete-group.ts';
import { askGroup } from './group-fixture.ts';
import {
  listGroupTypes,
  showDefaultGroupType,
  showGroupSpecs,
  showGroupType,
} from './group-types.ts';
import { seedGroupTypes } from './seed-group-types.ts';

const secret = { name: 'secret', description: null, isPublic: false, groupSpecs: { a: 'b' } };

test('there is a default group type, once, that stays', async (t) => {
  const scene = await openScene(t);
  await seedGroupTypes(scene.catalog, scene.clock);
  const { rows } = await listGroupTypes(scene, max, { where: {}, limit: 10 });
  const row = await showDefaultGroupType(scene, max);
  assert.deepEqual(rows, [row]);
  assert.deepEqual(row.groupSpecs, { consistent_group_snapshot_enabled: '<is> True' });
  await assert.rejects(deleteGroupType(scene, ann, row.id), { code: 'invalid_state' });
  await assert.rejects(updateGroupType(scene, ann, row.id, { name: 'x' }), /cannot be renamed/);
});

test('a private group type is there for administrators only', async (t) => {
  const scene = await openScene(t);
  await assert.rejects(createGroupType(scene, max, secret), { code: 'forbidden' });
  const { id } = await createGroupType(scene, ann, secret);
  await assert.rejects(showGroupType(scene, max, id), {
    code: 'not_found',
    message: `Group type ${id} could not be found.`,
  });
  await assert.rejects(askGroup(scene, { groupType: 'secret' }), { code: 'not_found' });
  const list = { where: { isPublic: false }, limit: 10 };
  assert.equal((await listGroupTypes(scene, ann, list)).rows.length, 1);
  assert.deepEqual(
    (await listGroupTypes(scene, max, list)).rows.map(({ isPublic }) => isPublic),
    [true],
  );
  await updateGroupType(scene, ann, id, { isPublic: true });
  assert.equal((await showGroupType(scene, max, id)).name, 'secret');
});

test('names of group types are unique, specs are edited, used types stay', async (t) => {
  const scene = await openScene(t);
  const { id } = await createGroupType(scene, ann, { ...secret, isPublic: true });
  await assert.rejects(createGroupType(scene, ann, secret), {
    code: 'exists',
    message: 'Group Type secret already exists.',
  });
  const action = 'group:group_types_specs:create';
  await assert.rejects(
    editGroupSpecs(scene, max, action, id, (now) => now),
    { code: 'forbidden' },
  );
  await editGroupSpecs(scene, ann, action, id, (now) => ({ ...now, c: 'd' }));
  const all = 'group:group_types_specs:get_all';
  assert.deepEqual(await showGroupSpecs(scene, ann, all, id), { a: 'b', c: 'd' });
  await assert.rejects(showGroupSpecs(scene, max, all, id), { code: 'forbidden' });
  const group = await askGroup(scene, { groupType: id });
  await assert.rejects(deleteGroupType(scene, ann, id), {
    message: 'Target group type is still in use.',
  });
  await deleteGroup(scene, max, group.id, { deleteVolumes: false });
  await scene.work();
  await deleteGroupType(scene, ann, id);
  await assert.rejects(showGroupType(scene, ann, id), { code: 'not_found' });
});
