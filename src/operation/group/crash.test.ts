/** Jobs of groups end as if nothing had happened when a crash ended them at any of their calls. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { must } from '../../base/assert.ts';
import { crashEverywhere } from '../crash-fixture.ts';
import { max, type Scene } from '../operation-fixture.ts';
import { readAt, writeAt } from '../requests-fixture.ts';
import { createGroupFromSource } from './create-group-from-source.ts';
import { deleteGroupSnapshot } from './delete-group-snapshot.ts';
import { deleteGroup } from './delete-group.ts';
import { snapshotsOf } from './find-group-snapshot.ts';
import { volumesOf } from './find-group.ts';
import { askGroupSnapshot, makeGroup } from './group-fixture.ts';
import { showGroupSnapshot } from './group-snapshots.ts';
import { showGroup } from './list-groups.ts';

/** One group for all the crashes of a test. */
function oneGroup(): (scene: Scene) => Promise<string> {
  let groupId: string | undefined;
  return async (scene) => {
    if (groupId !== undefined) return groupId;
    const { group, volumes } = await makeGroup(scene);
    for (const { id } of volumes) await writeAt(scene, id, 0, 'precious');
    groupId = group.id;
    return groupId;
  };
}

async function copyOf(scene: Scene, sourceGroupId: string) {
  const source = { sourceGroupId };
  return await createGroupFromSource(scene, max, { name: null, description: null, source });
}

test('taking a group snapshot survives a crash', async (t) => {
  const group = oneGroup();
  await crashEverywhere(
    t,
    async (scene) => askGroupSnapshot(scene, { groupId: await group(scene) }),
    async (scene, { id }) => {
      assert.equal((await showGroupSnapshot(scene, max, id)).status, 'available');
      const members = await snapshotsOf(scene.catalog, id);
      assert.deepEqual(
        members.map(({ status }) => status),
        ['available', 'available'],
      );
      for (const member of members) assert.ok(await scene.engine.findSnapshot(member.id));
    },
  );
});

test('deleting a group snapshot survives a crash', async (t) => {
  const group = oneGroup();
  await crashEverywhere(
    t,
    async (scene) => {
      const { id } = await askGroupSnapshot(scene, { groupId: await group(scene) });
      await scene.work();
      const members = await snapshotsOf(scene.catalog, id);
      await deleteGroupSnapshot(scene, max, id);
      return { id, members };
    },
    async (scene, { id, members }) => {
      await assert.rejects(showGroupSnapshot(scene, max, id), { code: 'not_found' });
      assert.equal((await snapshotsOf(scene.catalog, id)).length, 0);
      for (const member of members) {
        assert.equal(await scene.engine.findSnapshot(member.id), undefined);
      }
    },
  );
});

test('making a group from a group survives a crash', async (t) => {
  const group = oneGroup();
  await crashEverywhere(
    t,
    async (scene) => copyOf(scene, await group(scene)),
    async (scene, { id }) => {
      assert.equal((await showGroup(scene, max, id)).status, 'available');
      const clones = await volumesOf(scene.catalog, id);
      assert.equal(clones.length, 2);
      for (const clone of clones) {
        assert.equal(clone.status, 'available');
        assert.equal(await readAt(scene, clone.id, 0, 8), 'precious');
        assert.equal(await scene.engine.findSnapshot(clone.id), undefined);
      }
    },
  );
});

test('deleting a group survives a crash', async (t) => {
  const group = oneGroup();
  await crashEverywhere(
    t,
    async (scene) => {
      const { id } = await copyOf(scene, await group(scene));
      await scene.work();
      const volumes = await volumesOf(scene.catalog, id);
      await deleteGroup(scene, max, id, { deleteVolumes: true });
      return { id, volume: must(volumes[0], 'a volume') };
    },
    async (scene, { id, volume }) => {
      await assert.rejects(showGroup(scene, max, id), { code: 'not_found' });
      assert.equal((await volumesOf(scene.catalog, id)).length, 0);
      await assert.rejects(scene.engine.openVolume(volume.id), { code: 'not_found' });
    },
  );
});
