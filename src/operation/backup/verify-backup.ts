/**
 * Verifying a backup on demand: the request, and its job. The job runs beside others of the same
 * backup, and ends when the backup is not there to stay any more.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { healBackup } from '../../backup/heal-backup.ts';
import { verifyBackup as readBack, type BackupDamage } from '../../backup/verify-backup.ts';
import { isOperatingError, OperatingError } from '../../base/errors.ts';
import type { CatalogWriter } from '../../catalog/catalog.ts';
import type { BackupRow, JobRow, Verification, VerifyDepth } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import type { JobContext, JobHandler } from '../../job/job.ts';
import { type FailureCause, recordFailure } from '../message.ts';
import type { OperationNeeds, Starting } from '../needs.ts';
import { byId } from '../scope.ts';
import { isOneOf } from '../states.ts';
import { damageText } from './damage-text.ts';
import { clearDrill, type DrillNeeds, drillNow } from './drill-backup.ts';
import { findBackup, invalidBackup } from './find-backup.ts';
import { watchBackup } from './watch-backup.ts';

/** The depths that reading the store alone can reach. */
export type StoreDepth = Exclude<VerifyDepth, 'filesystem'>;

/** A backup in these statuses is whole, and may be read. */
export const readable = ['available', 'restoring'] as const;

const rangesMax = 100;

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

export type VerifyNeeds = Pick<
  OperationNeeds,
  'catalog' | 'clock' | 'engine' | 'repositories' | 'journalFolder'
>;

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
  const damage = await checkBackup(needs, row, { signal: context.signal, progress, depth });
  if (damage === undefined) return false;
  const found = await healDamage(needs, row, damage, context.signal);
  await keepDamage(needs, job, row, { depth, damage: found });
  return found.reason === null || found.isHealed;
}

/** Damage, and whether all of it was made good: then `ranges` is what had been damaged. */
export interface HealedDamage extends BackupDamage {
  readonly isHealed: boolean;
}

/** Stores anew what the volume, or a snapshot of it, still has of what is damaged. */
export async function healDamage(
  { engine, repositories }: VerifyNeeds,
  { id, container, volumeId, snapshotId }: BackupRow,
  damage: BackupDamage,
  signal: AbortSignal,
): Promise<HealedDamage> {
  const { ranges } = damage;
  if (ranges.length === 0) return { ...damage, isHealed: false };
  try {
    const repository = await repositories.open(container, { create: false });
    const where = { backupId: id, volumeId, snapshotId, ranges };
    const left = await healBackup({ engine, repository, ...where, signal });
    if (left.length === 0) return { ...damage, isHealed: true };
    return { ...damage, ranges: left, isHealed: false };
  } catch (error) {
    // What is damaged is told all the same.
    if (!isOperatingError(error) || isOperatingError(error, 'aborted')) throw error;
    return { ...damage, isHealed: false };
  }
}

/** Keeps what was found, with a message where that is damage. */
export async function keepDamage(
  { catalog, clock }: Pick<VerifyNeeds, 'catalog' | 'clock'>,
  cause: FailureCause,
  row: BackupRow,
  { depth, damage }: { depth: VerifyDepth; damage: HealedDamage },
): Promise<void> {
  await catalog.transact(async (transaction) => {
    const found = await keepOutcome(transaction, row.id, { depth, at: clock.now(), damage });
    if (!found || damage.reason === null) return;
    await recordFailure(transaction, clock, {
      job: cause,
      resource: 'VOLUME_BACKUP',
      action: 'verify backup',
      error: damageText(row, damage),
      advice: damage.isHealed
        ? 'It was stored anew from another copy, and is whole again.'
        : 'Back up the volume again, and verify other backups of it.',
    });
  });
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
    const damage = { ranges: [], reason, isHealed: false };
    await keepOutcome(transaction, row.id, { depth: 'filesystem', at: drill.at, damage });
  });
}

export interface Checking {
  readonly depth: StoreDepth;
  readonly signal: AbortSignal;
  readonly progress: (bytesDone: number, bytesTotal: number) => void;
  readonly pace?: (bytes: number) => Promise<void>;
}

/** What is wrong with a backup; undefined when nobody wants to know any more. */
export async function checkBackup(
  { catalog, clock, repositories, journalFolder }: Omit<VerifyNeeds, 'engine'>,
  { id, container, storedId }: BackupRow,
  { depth, signal, progress, pace }: Checking,
): Promise<BackupDamage | undefined> {
  const watch = watchBackup({ catalog, clock, backupId: id });
  const { signal: lost } = watch;
  const placePath = join(journalFolder, `${id}.verify-${depth}`);
  try {
    return await readBack({
      repository: await repositories.open(container, { create: false }),
      backupId: storedId ?? id,
      depth,
      placePath,
      signal: AbortSignal.any([signal, lost]),
      ...(pace === undefined ? {} : { pace }),
      onProgress: ({ bytesDone, bytesTotal }) => {
        progress(bytesDone, bytesTotal);
        watch.look();
      },
    });
  } catch (error) {
    if (!lost.aborted || signal.aborted || !isOperatingError(error, 'aborted')) throw error;
    await rm(placePath, { force: true });
    return undefined;
  }
}

/** Keeps what was found in the backup's row; false when the backup is gone. */
export async function keepOutcome(
  transaction: CatalogWriter,
  backupId: string,
  { depth, at, damage }: { depth: VerifyDepth; at: number; damage: HealedDamage },
): Promise<boolean> {
  const verification: Verification = {
    depth,
    outcome: damage.reason === null ? 'good' : damage.isHealed ? 'healed' : 'damaged',
    at,
    damage: damage.ranges.slice(0, rangesMax).map((range) => ({ ...range })),
    reason: damage.reason,
  };
  const where = { ...byId(backupId), status: readable };
  const changes = { verification, verifiedAt: at };
  return (await transaction.change('backups', where, changes)) !== undefined;
}
