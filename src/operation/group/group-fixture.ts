/** Groups with volumes in them, for tests. */
import { must } from '../../base/assert.ts';
import type { GroupRow, GroupSnapshotRow, VolumeRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { max, type Scene } from '../operation-fixture.ts';
import { makeVolume } from '../requests-fixture.ts';
import { defaultTypeName } from '../type/seed-volume-types.ts';
import { createGroupSnapshot, type NewGroupSnapshot } from './create-group-snapshot.ts';
import { createGroup, type NewGroup } from './create-group.ts';
import { volumesOf } from './find-group.ts';
import { defaultGroupTypeName } from './seed-group-types.ts';

export async function askGroup(
  scene: Scene,
  given: Partial<NewGroup> = {},
  caller: Caller = max,
): Promise<GroupRow> {
  return await createGroup(scene, caller, {
    name: 'group',
    description: null,
    groupType: defaultGroupTypeName,
    volumeTypes: [defaultTypeName],
    availabilityZone: null,
    ...given,
  });
}

/** A group with so many volumes, all available. */
export async function makeGroup(
  scene: Scene,
  volumeCount = 2,
): Promise<{ group: GroupRow; volumes: VolumeRow[] }> {
  const group = await askGroup(scene);
  for (let index = 0; index < volumeCount; index += 1) {
    const given = { name: `disk ${index}`, volumeType: defaultTypeName, groupId: group.id };
    await makeVolume(scene, given);
  }
  return { group, volumes: await volumesOf(scene.catalog, group.id) };
}

export async function askGroupSnapshot(
  scene: Scene,
  given: Partial<NewGroupSnapshot> & { groupId: string },
  caller: Caller = max,
): Promise<GroupSnapshotRow> {
  const rest = { name: 'snap', description: 'why' };
  return await createGroupSnapshot(scene, caller, { ...rest, ...given });
}

/** The n-th of a list, which is there. */
export function nth<T>(list: readonly T[], index: number): T {
  return must(list[index], `number ${index}`);
}
