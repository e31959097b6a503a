import type { Where } from '../../catalog/catalog.ts';
import type { SnapshotRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import type { Reading } from '../needs.ts';
import { readPage, type PageOf, type PageRequest } from '../page.ts';
import { listScope, scopeOf, type Projects } from '../scope.ts';
import { findSnapshot } from './find-snapshot.ts';

export interface SnapshotList extends PageRequest<'snapshots'> {
  readonly where: Omit<Where<'snapshots'>, 'projectId'>;
  readonly projects: Projects;
}

export async function listSnapshots(
  { catalog }: Reading,
  caller: Caller,
  list: SnapshotList,
): Promise<PageOf<'snapshots'>> {
  authorize(caller, 'volume:get_all_snapshots');
  const projectId = listScope(caller, list.projects);
  return await readPage(catalog, 'snapshots', { ...list.where, projectId }, list, (id) =>
    catalog.find('snapshots', { id, projectId: scopeOf(caller) }),
  );
}

export async function showSnapshot(
  { catalog }: Reading,
  caller: Caller,
  snapshotId: string,
): Promise<SnapshotRow> {
  authorize(caller, 'volume:get_snapshot');
  return await findSnapshot(catalog, caller, snapshotId);
}
