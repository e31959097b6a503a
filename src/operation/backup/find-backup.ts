import { OperatingError } from '../../base/errors.ts';
import type { CatalogReader } from '../../catalog/catalog.ts';
import type { BackupRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { scopeOf } from '../scope.ts';

/** The backup; rejects with `not_found` when there is none for this caller. */
export async function findBackup(
  reader: CatalogReader,
  caller: Caller,
  backupId: string,
): Promise<BackupRow> {
  const row = await reader.find('backups', { id: backupId, projectId: scopeOf(caller) });
  if (row === undefined) {
    throw new OperatingError('not_found', `Backup ${backupId} could not be found.`);
  }
  return row;
}

/** The id under which the repository has the backup of a record. */
export function storedIdOf({ id, storedId }: Pick<BackupRow, 'id' | 'storedId'>): string {
  return storedId ?? id;
}

/** A refusal in the shape that clients know. */
export function invalidBackup(reason: string): OperatingError {
  return new OperatingError('invalid_state', `Invalid backup: ${reason}`);
}
