/** One run of a plan for one volume: its start, what it does, and its end. */
import { isOperatingError, messageOf, OperatingError } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import type { CatalogReader } from '../catalog/catalog.ts';
import type { PlanRow, PlanRunRow, ProtectionRow } from '../catalog/plan-tables.ts';
import type { BackupRow } from '../catalog/tables.ts';
import { createBackup } from '../operation/backup/create-backup.ts';
import { drillBackup, verifyBackup } from '../operation/backup/verify-backup.ts';
import { byId, ofVolume } from '../operation/scope.ts';
import { createSnapshot } from '../operation/snapshot/create-snapshot.ts';
import { callerOf, newRunRequestId, type PlanNeeds } from './needs.ts';
import { madeBy } from './plan.ts';

/** How long a run that was kept and whose work nobody began is believed to be just beginning. */
const launchMs = 60_000;

/** A volume in another run, or without a backup to verify, is looked at again after this. */
const busyMs = 60_000;

export type RunOutcome =
  | { readonly state: 'done' }
  /** `isFinal`: trying again soon would find the same. */
  | { readonly state: 'failed'; readonly error: string; readonly isFinal?: true }
  | { readonly state: 'skipped'; readonly error: string };

/**
 * Takes a volume that is due, for this scheduler and no other, and begins its run. Undefined when
 * somebody else took it, or another plan works on the volume.
 */
export async function startRun(
  needs: PlanNeeds,
  plan: PlanRow,
  protection: ProtectionRow,
): Promise<PlanRunRow | undefined> {
  const { catalog, clock } = needs;
  const now = clock.now();
  const made = madeBy(plan.action);
  const mine = { ...byId(protection.id), nextAt: protection.nextAt, state: protection.state };
  if (made === undefined && (await newestBackup(catalog, protection.volumeId)) === undefined) {
    await catalog.change('protections', mine, { nextAt: now + busyMs });
    return undefined;
  }
  const run: PlanRunRow = {
    id: newId(),
    projectId: plan.projectId,
    planId: plan.id,
    planName: plan.name,
    volumeId: protection.volumeId,
    action: plan.action,
    state: 'running',
    subjectId: made === undefined ? null : newId(),
    jobId: null,
    requestId: newRunRequestId(),
    attempt: protection.attempts + 1,
    error: null,
    deleted: 0,
    dueAt: protection.nextAt ?? now,
    createdAt: now,
    updatedAt: now,
  };
  try {
    return await catalog.transact(async (transaction) => {
      const taken = await transaction.change('protections', mine, {
        state: 'running',
        runId: run.id,
        nextAt: null,
      });
      if (taken === undefined) return undefined;
      await transaction.insert('planRuns', run);
      const { subjectId: id, projectId, planId, volumeId } = run;
      if (id !== null && made !== undefined) {
        const item = { id, projectId, planId, volumeId, kind: made, createdAt: now };
        await transaction.insert('planItems', item);
      }
      return run;
    });
  } catch (error) {
    if (!isOperatingError(error, 'exists')) throw error;
    await catalog.change('protections', mine, { nextAt: now + busyMs });
    return undefined;
  }
}

/**
 * Asks for the work of a run, which may have been asked for before: a snapshot or backup has the
 * id that the run gave it, and a verification that waits is found again.
 */
export async function launch(needs: PlanNeeds, plan: PlanRow, run: PlanRunRow): Promise<void> {
  const caller = callerOf(plan, run.requestId);
  const volume = await needs.catalog.find('volumes', byId(run.volumeId));
  const of = volume?.name ?? null;
  const name = `${plan.name} ${new Date(run.createdAt).toISOString().slice(0, 16)}Z`.slice(-255);
  const making = {
    id: run.subjectId ?? newId(),
    volumeId: run.volumeId,
    name,
    description: `Made by plan ${plan.name}${of === null ? '' : ` of ${of}`}`,
    force: true,
  };
  try {
    if (plan.action === 'snapshot') {
      await createSnapshot(needs, caller, { ...making, metadata: { 'firn:plan': plan.name } });
    } else if (plan.action === 'backup') {
      await createBackup(needs, caller, {
        ...making,
        snapshotId: null,
        container: textIn(plan, 'container'),
        incremental: false,
        metadata: {},
        notes: { 'firn:plan': plan.name },
        availabilityZone: null,
      });
    } else {
      await prove(needs, plan, run);
    }
  } catch (error) {
    if (!isOperatingError(error, 'exists')) throw error;
  }
}

function textIn(plan: PlanRow, option: string): string | null {
  const value = plan.options[option];
  return typeof value === 'string' ? value : null;
}

async function newestBackup(
  reader: CatalogReader,
  volumeId: string,
): Promise<BackupRow | undefined> {
  const [backup] = await reader.list('backups', {
    where: { ...ofVolume(volumeId), status: 'available' },
    sort: [{ field: 'dataTimestamp', direction: 'desc' }],
    limit: 1,
  });
  return backup;
}

/** Verifies the newest backup of the volume, or tries whether it can be used. */
async function prove(needs: PlanNeeds, plan: PlanRow, run: PlanRunRow): Promise<void> {
  const { catalog } = needs;
  const backup = await newestBackup(catalog, run.volumeId);
  if (backup === undefined) {
    throw new OperatingError('invalid_state', 'The volume has no backup that could be verified.');
  }
  const asked = textIn(plan, 'depth');
  const depth = asked === 'objects' || asked === 'filesystem' ? asked : 'blocks';
  const caller = callerOf(plan, run.requestId);
  const job =
    plan.action === 'drill'
      ? await drillBackup(needs, caller, backup.id)
      : await verifyBackup(needs, caller, backup.id, { depth });
  await catalog.change('planRuns', byId(run.id), { subjectId: backup.id, jobId: job.id });
}

/** How a run that is running came out; undefined while it goes on. */
export async function outcomeOf(
  { catalog, clock }: Pick<PlanNeeds, 'catalog' | 'clock'>,
  run: PlanRunRow,
): Promise<RunOutcome | 'relaunch' | undefined> {
  const isLate = clock.now() - run.createdAt > launchMs;
  if (madeBy(run.action) === undefined) {
    return run.jobId === null ? (isLate ? 'relaunch' : undefined) : await proofOf(catalog, run);
  }
  const table = run.action === 'snapshot' ? 'snapshots' : 'backups';
  const subject = await catalog.find(table, byId(run.subjectId ?? ''));
  if (subject?.status === 'creating') return undefined;
  if (subject?.status === 'error') return { state: 'failed', error: await whyOf(catalog, run) };
  if (subject !== undefined) return { state: 'done' };
  const job = await catalog.find('jobs', { subjectId: run.subjectId ?? '' });
  if (job !== undefined) return { state: 'failed', error: 'It was deleted before it was done.' };
  return isLate ? 'relaunch' : undefined;
}

async function proofOf(reader: CatalogReader, run: PlanRunRow): Promise<RunOutcome | undefined> {
  const job = await reader.find('jobs', { id: run.jobId ?? '' });
  if (job?.state === 'queued' || job?.state === 'running') return undefined;
  if (job?.state === 'failed') {
    return { state: 'failed', error: job.error ?? 'The verification could not be done.' };
  }
  const backup = await reader.find('backups', byId(run.subjectId ?? ''));
  if (backup === undefined) return { state: 'skipped', error: 'The backup was deleted meanwhile.' };
  if (run.action === 'drill') return drillOutcome(backup);
  if (backup.verification?.outcome !== 'damaged') return { state: 'done' };
  return { state: 'failed', error: `Backup ${backup.id} is damaged.`, isFinal: true };
}

/** A test that could look at nothing has found no fault, and has proven nothing either. */
function drillOutcome({ id, drill }: BackupRow): RunOutcome {
  if (drill?.outcome === 'good') return { state: 'done' };
  if (drill?.outcome === 'damaged') {
    return {
      state: 'failed',
      error: `The restore test of backup ${id} found faults.`,
      isFinal: true,
    };
  }
  return { state: 'skipped', error: `Nothing on backup ${id} could be checked; see its log.` };
}

async function whyOf(reader: CatalogReader, run: PlanRunRow): Promise<string> {
  if (run.action === 'backup') {
    const backup = await reader.find('backups', byId(run.subjectId ?? ''));
    const reason = backup?.failReason ?? null;
    if (reason !== null) return reason;
  }
  const message = await reader.find('messages', {
    resourceId: run.subjectId ?? '',
    projectId: run.projectId,
  });
  return message?.userMessage ?? `The ${run.action} could not be made.`;
}

/** What a launch that was refused says. */
export function refusalOf(error: unknown): RunOutcome {
  if (isOperatingError(error)) return { state: 'failed', error: error.message };
  return { state: 'failed', error: `An internal error stopped it: ${messageOf(error)}` };
}
