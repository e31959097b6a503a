import { must } from '../../base/assert.ts';
import { isOperatingError } from '../../base/errors.ts';
import type { BackupRow, BackupStatus, Metadata } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import type { Changing, OperationNeeds } from '../needs.ts';
import { notesOf, ownedMetadata } from './backup-metadata.ts';
import { findBackup, invalidBackup, storedIdOf } from './find-backup.ts';
import { byId } from '../scope.ts';

export interface BackupUpdate {
  readonly name?: string | null;
  readonly description?: string | null;
  readonly metadata?: Metadata;
}

/** Changes name, description or, whole, metadata of the record; what is stored stays as it is. */
export async function updateBackup(
  { catalog, clock }: Changing,
  caller: Caller,
  backupId: string,
  update: BackupUpdate,
): Promise<BackupRow> {
  authorize(caller, 'backup:update');
  const { metadata } = update;
  return await catalog.transact(async (transaction) => {
    const row = await findBackup(transaction, caller, backupId);
    const changed = await transaction.change(
      'backups',
      { id: row.id, projectId: row.projectId },
      {
        ...update,
        ...(metadata === undefined
          ? {}
          : { metadata: { ...ownedMetadata(metadata), ...notesOf(row.metadata) } }),
        updatedAt: clock.now(),
      },
    );
    return must(changed, 'a row just read');
  });
}

/**
 * Sets a backup's status by hand; what its jobs do is not touched. For administrators. Nothing
 * becomes `available` that the store does not hold whole.
 */
export async function resetBackupStatus(
  needs: Changing & Pick<OperationNeeds, 'repositories'>,
  caller: Caller,
  backupId: string,
  status: BackupStatus,
): Promise<BackupRow> {
  authorize(caller, 'volume_extension:backup_admin_actions:reset_status');
  const { catalog, clock, repositories } = needs;
  if (status === 'available') {
    await demandStored(repositories, await findBackup(catalog, caller, backupId));
  }
  const where = byId(backupId);
  const changed = await catalog.change('backups', where, { status, updatedAt: clock.now() });
  return changed ?? (await findBackup(catalog, caller, backupId));
}

/** A backup is there when its manifest is there. */
async function demandStored(
  repositories: OperationNeeds['repositories'],
  row: BackupRow,
): Promise<void> {
  try {
    const repository = await repositories.open(row.container, { create: false });
    await repository.readManifest(storedIdOf(row));
  } catch (error) {
    if (!isOperatingError(error, 'not_found')) throw error;
    throw invalidBackup(`Backup ${row.id} is not stored, so that it cannot be available.`);
  }
}
