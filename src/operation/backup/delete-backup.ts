import { isRefusal } from '../../base/errors.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import type { JobHandler } from '../../job/job.ts';
import { failureText } from '../failure.ts';
import { demandBackupService } from '../installation/binaries.ts';
import { recordFailure } from '../message.ts';
import { refuseWhileHeld } from '../hold/holds.ts';
import type { OperationNeeds, Starting } from '../needs.ts';
import { backupChanges, isOneOf } from '../states.ts';
import {
  dropBackupExports,
  refuseWhileBackupExported,
  removeBackupExports,
} from './backup-exports.ts';
import { findBackup, invalidBackup } from './find-backup.ts';
import { addPrune, untilAllowed } from './prune-repository.ts';
import { removeStoredBackup } from './remove-stored-backup.ts';
import { byId } from '../scope.ts';

const { from, during, failed } = backupChanges.delete;

/** Begins to delete a backup; with `force`, for administrators, whatever its status is. */
export async function deleteBackup(
  needs: Starting & Pick<OperationNeeds, 'exports' | 'keptBackups'>,
  caller: Caller,
  backupId: string,
  { force }: { force: boolean },
): Promise<void> {
  authorize(caller, force ? 'volume_extension:backup_admin_actions:force_delete' : 'backup:delete');
  const { catalog, clock, jobs } = needs;
  const ended = await catalog.transact(async (transaction) => {
    const row = await findBackup(transaction, caller, backupId);
    if (!force && !isOneOf(row.status, from)) {
      throw invalidBackup('Backup status must be available or error');
    }
    await demandBackupService(transaction);
    if (!force) await refuseWhileHeld(transaction, `Backup ${row.id}`, [row.id, row.volumeId]);
    if (!force) await refuseWhileBackupExported(transaction, row.id);
    const exported = await dropBackupExports(transaction, { backupId: row.id });
    await transaction.change(
      'backups',
      { id: row.id, projectId: row.projectId, status: row.status },
      { status: during, updatedAt: clock.now() },
    );
    await jobs.add(transaction, {
      kind: 'backup.delete',
      projectId: row.projectId,
      subjectId: row.id,
      requestId: caller.requestId,
    });
    return exported;
  });
  await removeBackupExports(needs, ended);
  jobs.wake();
}

export function deleteBackupJob(
  needs: Pick<OperationNeeds, 'catalog' | 'clock' | 'engine' | 'jobs' | 'repositories'>,
): JobHandler {
  const { catalog, clock } = needs;
  return {
    async run({ subjectId: id, requestId }) {
      const row = await catalog.find('backups', byId(id));
      if (row === undefined) return;
      const { projectId, container } = row;
      const isRemoved = await removeStoredBackup(needs, row);
      await catalog.transact(async (transaction) => {
        // What stays for another record may be in use by another installation as well.
        if (isRemoved) await addPrune(transaction, needs.jobs, { container, projectId, requestId });
        await transaction.remove('backups', byId(id));
      });
      needs.jobs.wake();
    },

    async fail(job, error) {
      await catalog.transact(async (transaction) => {
        const where = { ...byId(job.subjectId), status: during };
        const failReason = failureText(error, job.requestId);
        const changes = { status: failed, failReason, updatedAt: clock.now() };
        if ((await transaction.change('backups', where, changes)) === undefined) return;
        await recordFailure(transaction, clock, {
          job,
          resource: 'VOLUME_BACKUP',
          action: 'delete backup',
          error,
          advice: `Delete it again ${isRefusal(error) ? untilAllowed : 'when the cause is gone'}.`,
        });
      });
    },
  };
}
