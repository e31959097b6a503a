import type { CatalogWriter } from '../../catalog/catalog.ts';
import type { BackupRow, VolumeRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import type { Starting } from '../needs.ts';
import { backupChanges } from '../states.ts';
import { invalidBackup } from './find-backup.ts';

/**
 * How the volume came to be: `existing` before the restore, `restored` by it, `named` by a request
 * for a new volume, whose name and metadata then count more than the backup's.
 */
export type RestoreTarget = 'existing' | 'restored' | 'named';

/** Holds the backup and adds the job; the volume's row is in its status for the restore already. */
export async function startRestore(
  transaction: CatalogWriter,
  { clock, jobs }: Pick<Starting, 'clock' | 'jobs'>,
  caller: Caller,
  restore: { backup: BackupRow; volume: VolumeRow; target: RestoreTarget; instant?: boolean },
): Promise<void> {
  const { backup, volume, target, instant = false } = restore;
  const { from, during } = backupChanges.restore;
  const where = { id: backup.id, projectId: backup.projectId, status: from };
  const changes = { status: during, restoreVolumeId: volume.id, updatedAt: clock.now() };
  if ((await transaction.change('backups', where, changes)) === undefined) {
    throw invalidBackup('Backup status must be available');
  }
  await jobs.add(transaction, {
    kind: 'backup.restore',
    projectId: volume.projectId,
    subjectId: backup.id,
    requestId: caller.requestId,
    payload: { volumeId: volume.id, target, instant },
  });
}
