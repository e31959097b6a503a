import { must } from '../../base/assert.ts';
import type { CatalogWriter } from '../../catalog/catalog.ts';
import type { GroupRow, GroupStatus } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import type { Changing } from '../needs.ts';
import { byId } from '../scope.ts';
import { invalidVolume } from '../volume/find-volume.ts';
import { demandAvailable, findGroup, invalidGroup } from './find-group.ts';
import { joiningVolumes, leavingVolumes } from './members.ts';

export interface GroupUpdate {
  readonly name?: string | null;
  readonly description?: string | null;
  /** Ids of volumes. */
  readonly addVolumes: readonly string[];
  readonly removeVolumes: readonly string[];
}

/** Changes the name, the description, and which volumes are members: all of it, or nothing. */
export async function updateGroup(
  { catalog, clock }: Changing,
  caller: Caller,
  groupId: string,
  update: GroupUpdate,
): Promise<GroupRow> {
  authorize(caller, 'group:update');
  return await catalog.transact(async (transaction) => {
    const group = await findGroup(transaction, caller, groupId);
    demandAvailable(group);
    refuseBoth(update);
    const joining = await joiningVolumes(transaction, caller, group, update.addVolumes);
    const leaving = await leavingVolumes(transaction, group, update.removeVolumes);
    const fields = changedFields(group, update);
    if (Object.keys(fields).length === 0 && joining.length === 0 && leaving.length === 0) {
      throw invalidGroup(
        `Cannot update group ${group.id} because no valid name, description, add_volumes, or ` +
          'remove_volumes were provided.',
      );
    }
    const updatedAt = clock.now();
    await putInto(transaction, group.id, joining, updatedAt);
    await putInto(transaction, null, leaving, updatedAt);
    const changed = await transaction.change('groups', byId(group.id), { ...fields, updatedAt });
    return must(changed, 'a row just read');
  });
}

/** Sets a group's status by hand; what its jobs do is not touched. For administrators. */
export async function resetGroupStatus(
  { catalog, clock }: Changing,
  caller: Caller,
  groupId: string,
  status: GroupStatus,
): Promise<GroupRow> {
  authorize(caller, 'group:reset_status');
  const changes = { status, updatedAt: clock.now() };
  const changed = await catalog.change('groups', byId(groupId), changes);
  return changed ?? (await findGroup(catalog, caller, groupId));
}

function refuseBoth({ addVolumes, removeVolumes }: GroupUpdate): void {
  const both = addVolumes.filter((id) => removeVolumes.includes(id));
  if (both.length === 0) return;
  const listed = both.map((id) => `'${id}'`).join(', ');
  throw invalidVolume(`UUIDs [${listed}] are in both add and remove volume list.`);
}

function changedFields(group: GroupRow, update: GroupUpdate): Partial<GroupRow> {
  const { name, description } = update;
  return {
    ...(name === undefined || name === group.name ? {} : { name }),
    ...(description === undefined || description === group.description ? {} : { description }),
  };
}

async function putInto(
  transaction: CatalogWriter,
  groupId: string | null,
  volumeIds: readonly string[],
  updatedAt: number,
): Promise<void> {
  for (const id of volumeIds) {
    await transaction.change('volumes', byId(id), { groupId, updatedAt });
  }
}
