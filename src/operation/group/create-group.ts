import { newId } from '../../base/ids.ts';
import type { CatalogReader, CatalogWriter } from '../../catalog/catalog.ts';
import type { GroupRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import { availabilityZoneFor } from '../availability-zones.ts';
import type { Changing } from '../needs.ts';
import { demandQuota } from '../quota.ts';
import { groupChanges } from '../states.ts';
import { volumeTypeFor } from '../volume/volume-type-for.ts';
import { groupTypeFor } from './find-group-type.ts';

export interface NewGroup {
  readonly name: string | null;
  readonly description: string | null;
  /** Id or name. */
  readonly groupType: string;
  /** Ids or names. */
  readonly volumeTypes: readonly string[];
  readonly availabilityZone: string | null;
}

/** Makes a group without volumes. */
export async function createGroup(
  { catalog, clock }: Changing,
  caller: Caller,
  input: NewGroup,
): Promise<GroupRow> {
  authorize(caller, 'group:create');
  return await catalog.transact(async (transaction) => {
    const groupType = await groupTypeFor(transaction, caller, input.groupType);
    const group: GroupRow = {
      id: newId(),
      projectId: caller.projectId,
      userId: caller.userId,
      name: input.name,
      description: input.description,
      status: groupChanges.create.to,
      groupTypeId: groupType.id,
      volumeTypeIds: await volumeTypeIds(transaction, caller, input.volumeTypes),
      availabilityZone: availabilityZoneFor(input.availabilityZone),
      groupSnapshotId: null,
      sourceGroupId: null,
      createdAt: clock.now(),
      updatedAt: null,
    };
    await insertGroup(transaction, group);
    return group;
  });
}

/** Adds a group's row, if the quota allows it. */
export async function insertGroup(transaction: CatalogWriter, group: GroupRow): Promise<void> {
  await demandQuota(transaction, group.projectId, { groups: 1 });
  await transaction.insert('groups', group);
}

/** A type that is named twice, by id and by name, counts once. */
async function volumeTypeIds(
  reader: CatalogReader,
  caller: Caller,
  names: readonly string[],
): Promise<string[]> {
  const ids = new Set<string>();
  for (const name of names) ids.add((await volumeTypeFor(reader, caller, name)).id);
  return [...ids];
}
