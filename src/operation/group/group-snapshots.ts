import { must } from '../../base/assert.ts';
import type { Where } from '../../catalog/catalog.ts';
import type { GroupSnapshotRow, GroupSnapshotStatus } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import type { Changing, Reading } from '../needs.ts';
import { readPage, type PageOf, type PageRequest } from '../page.ts';
import { byId, listScope, scopeOf, type Projects } from '../scope.ts';
import { findGroupSnapshot } from './find-group-snapshot.ts';

export interface GroupSnapshotList extends PageRequest<'groupSnapshots'> {
  readonly where: Omit<Where<'groupSnapshots'>, 'projectId'>;
  readonly projects: Projects;
}

export async function listGroupSnapshots(
  { catalog }: Reading,
  caller: Caller,
  list: GroupSnapshotList,
): Promise<PageOf<'groupSnapshots'>> {
  authorize(caller, 'group:get_all_group_snapshots');
  const projectId = listScope(caller, list.projects);
  return await readPage(catalog, 'groupSnapshots', { ...list.where, projectId }, list, (id) =>
    catalog.find('groupSnapshots', { id, projectId: scopeOf(caller) }),
  );
}

export async function showGroupSnapshot(
  { catalog }: Reading,
  caller: Caller,
  groupSnapshotId: string,
): Promise<GroupSnapshotRow> {
  authorize(caller, 'group:get_group_snapshot');
  return await findGroupSnapshot(catalog, caller, groupSnapshotId);
}

export async function updateGroupSnapshot(
  { catalog, clock }: Changing,
  caller: Caller,
  groupSnapshotId: string,
  update: { readonly name?: string; readonly description?: string },
): Promise<GroupSnapshotRow> {
  authorize(caller, 'group:update_group_snapshot');
  return await catalog.transact(async (transaction) => {
    const { id } = await findGroupSnapshot(transaction, caller, groupSnapshotId);
    const changes = { ...update, updatedAt: clock.now() };
    return must(await transaction.change('groupSnapshots', byId(id), changes), 'a row just read');
  });
}

/** Sets the status by hand; what jobs do, and the members, are not touched. For administrators. */
export async function resetGroupSnapshotStatus(
  { catalog, clock }: Changing,
  caller: Caller,
  groupSnapshotId: string,
  status: GroupSnapshotStatus,
): Promise<GroupSnapshotRow> {
  authorize(caller, 'group:reset_group_snapshot_status');
  const changes = { status, updatedAt: clock.now() };
  const changed = await catalog.change('groupSnapshots', byId(groupSnapshotId), changes);
  return changed ?? (await findGroupSnapshot(catalog, caller, groupSnapshotId));
}
