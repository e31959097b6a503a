/**
 * Verifying a backup on demand: the request, and its job. The job runs beside others of the same
 * backup, and ends when the backup is not there to stay any more.
 */
import { OperatingError } from '../../base/errors.ts';
import type { BackupRow, JobRow, VerifyDepth } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import type { JobContext, JobHandler } from '../../job/job.ts';
import { recordFailure } from '../message.ts';
import type { Starting } from '../needs.ts';
import { byId } from '../scope.ts';
import { isOneOf } from '../states.ts';
import { keepDamage, keepOutcome, readable } from './keep-damage.ts';
import { proveBackup, type StoreDepth, type VerifyNeeds } from './prove-backup.ts';
import { clearDrill, type DrillNeeds, drillNow } from './drill-backup.ts';
import { findBackup, invalidBackup } from './find-backup.ts';

/** Begins to verify a backup; answers the job, which may be one that was asked for before. */
export async function verifyBackup(
  needs: Starting,
  caller: Caller,
  backupId: string,
  { depth }: { depth: VerifyDepth },
): Promise<JobRow> {
  authorize(caller, 'firn:verify_backup');
  return await addJob(needs, caller, backupId, depth);
}

/** Begins the restore test of a backup; answers the job in the same way. */
export async function drillBackup(
  needs: Starting,
  caller: Caller,
  backupId: string,
): Promise<JobRow> {
  authorize(caller, 'firn:drill_backup');
  return await addJob(needs, caller, backupId, 'drill');
}

async function addJob(
  { catalog, jobs }: Starting,
  caller: Caller,
  backupId: string,
  depth: VerifyDepth | 'drill',
): Promise<JobRow> {
  const job = await catalog.transact(async (transaction) => {
    const backup = await findBackup(transaction, caller, backupId);
    if (!isOneOf(backup.status, readable)) throw invalidBackup('Backup status must be available');
    const waiting = await transaction.list('jobs', {
      where: { subjectId: backup.id, kind: 'backup.verify', state: ['queued', 'running'] },
      limit: 100,
    });
    const same = waiting.find(({ payload }) => payload['depth'] === depth);
    if (same !== undefined) return same;
    const id = await jobs.add(transaction, {
      kind: 'backup.verify',
      projectId: backup.projectId,
      subjectId: backup.id,
      requestId: caller.requestId,
      payload: { depth },
    });
    return await transaction.find('jobs', { id });
  });
  jobs.wake();
  if (job === undefined) throw invalidBackup('Backup is gone');
  return job;
}

export function verifyBackupJob(needs: VerifyNeeds & DrillNeeds): JobHandler {
  const { catalog, clock } = needs;
  return {
    beside: true,

    async run(job, context) {
      const row = await catalog.find('backups', byId(job.subjectId));
      if (row === undefined || !isOneOf(row.status, readable)) return;
      const asked = job.payload['depth'];
      const depth = asked === 'objects' ? 'objects' : 'blocks';
      const work = { job, row, depth } as const;
      if (asked !== 'drill' && !(await verifyStored(needs, work, context))) return;
      if (asked === 'drill' || asked === 'filesystem') {
        await testRestore(needs, { ...work, isVerify: asked === 'filesystem' }, context);
      }
    },

    async fail(job, error) {
      await clearDrill(needs, job.subjectId);
      await catalog.transact(async (transaction) => {
        await recordFailure(transaction, clock, {
          job,
          resource: 'VOLUME_BACKUP',
          action: 'verify backup',
          error,
          advice: 'Verify it again when the cause is gone.',
        });
      });
    },
  };
}

interface Work {
  readonly job: JobRow;
  readonly row: BackupRow;
  readonly depth: StoreDepth;
}

/** True when the backup is there and whole. */
async function verifyStored(
  needs: VerifyNeeds,
  { job, row, depth }: Work,
  context: JobContext,
): Promise<boolean> {
  const progress = (done: number, total: number): void => context.progress(done, total);
  const found = await proveBackup(needs, row, { signal: context.signal, progress, depth });
  if (found === undefined) return false;
  await keepDamage(needs, job, row, { depth, damage: found, signal: context.signal });
  return found.reason === null || found.isHealed;
}

/** Restores for a test, and keeps what was found there. */
async function testRestore(
  needs: VerifyNeeds & DrillNeeds,
  { job, row, isVerify }: Work & { isVerify: boolean },
  { signal }: JobContext,
): Promise<void> {
  const { catalog, clock } = needs;
  const drill = await drillNow(needs, row, signal);
  await catalog.transact(async (transaction) => {
    const where = { ...byId(row.id), status: readable };
    if ((await transaction.change('backups', where, { drill })) === undefined) return;
    if (drill.outcome === 'damaged') {
      await recordFailure(transaction, clock, {
        job,
        resource: 'VOLUME_BACKUP',
        action: 'restore test of backup',
        error: new OperatingError('corrupt', `Backup ${row.id}: a check has found faults.`),
        advice: 'Look at the log of the test, and at the volume that was backed up.',
      });
    }
    if (!isVerify || drill.outcome === 'unchecked') return;
    const reason = drill.outcome === 'good' ? null : 'a check of a filesystem has found faults';
    const damage = { ranges: [], objects: [], reason, isHealed: false };
    await keepOutcome(transaction, row.id, { depth: 'filesystem', at: drill.at, damage });
  });
}
