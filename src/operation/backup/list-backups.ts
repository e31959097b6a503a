import type { Where } from '../../catalog/catalog.ts';
import type { BackupRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import type { OperationNeeds, Reading } from '../needs.ts';
import { readPage, type PageOf, type PageRequest } from '../page.ts';
import { listScope, scopeOf, type Projects } from '../scope.ts';
import { findBackup, storedIdOf } from './find-backup.ts';

export interface BackupList extends PageRequest<'backups'> {
  readonly where: Omit<Where<'backups'>, 'projectId'>;
  readonly projects: Projects;
}

export async function listBackups(
  { catalog }: Reading,
  caller: Caller,
  list: BackupList,
): Promise<PageOf<'backups'>> {
  authorize(caller, 'backup:get_all');
  const projectId = listScope(caller, list.projects);
  return await readPage(catalog, 'backups', { ...list.where, projectId }, list, (id) =>
    catalog.find('backups', { id, projectId: scopeOf(caller) }),
  );
}

export async function showBackup(
  { catalog }: Reading,
  caller: Caller,
  backupId: string,
): Promise<BackupRow> {
  authorize(caller, 'backup:get');
  return await findBackup(catalog, caller, backupId);
}

/** How far other stores have a backup; empty for one that is not whole, and without such stores. */
export function copiesOf(
  { repositories }: Pick<OperationNeeds, 'repositories'>,
  row: BackupRow,
): readonly BackupCopy[] {
  const isWhole = row.status === 'available' || row.status === 'restoring';
  return isWhole ? repositories.copiesOf(row.container, storedIdOf(row)) : [];
}

type BackupCopy = ReturnType<OperationNeeds['repositories']['copiesOf']>[number];
