import { newId } from '../base/ids.ts';
import type { CatalogWriter } from '../catalog/catalog.ts';
import type { PlanRow, PlanRunRow, ProtectionRow } from '../catalog/plan-tables.ts';
import { byId } from '../operation/scope.ts';
import type { PlanNeeds } from './needs.ts';
import { nextDue } from './plan.ts';
import type { RunOutcome } from './run.ts';

const minuteMs = 60_000;

/** How long after the first, second and third failure of a run it is tried again. */
const backOffMs = [minuteMs, 5 * minuteMs, 15 * minuteMs] as const;

const messageDays = 30;
const errorCharsMax = 255;

/**
 * Ends a run, once: keeps how it came out, and says when the volume is due next. After a failure
 * that is soon; after several, with a message, when the schedule says.
 */
export async function finishRun(
  { catalog, clock }: PlanNeeds,
  run: PlanRunRow,
  outcome: RunOutcome,
): Promise<boolean> {
  return await catalog.transact(async (transaction) => {
    const now = clock.now();
    const error = outcome.state === 'done' ? null : outcome.error.slice(0, errorCharsMax);
    const ended = await transaction.change(
      'planRuns',
      { ...byId(run.id), state: 'running' },
      { state: outcome.state, error, updatedAt: now },
    );
    if (ended === undefined) return false;
    const plan = await transaction.find('plans', byId(run.planId));
    const where = { ...byId(`${run.planId}:${run.volumeId}`), runId: run.id };
    const protection = await transaction.find('protections', where);
    const after = stateAfter(plan, protection, run, outcome, now);
    if (protection !== undefined) await transaction.change('protections', where, after.changes);
    if (after.tells) await tell(transaction, run, error ?? '', now);
    return true;
  });
}

function stateAfter(
  plan: PlanRow | undefined,
  protection: ProtectionRow | undefined,
  run: PlanRunRow,
  outcome: RunOutcome,
  now: number,
): { changes: Partial<ProtectionRow>; tells: boolean } {
  const due = plan === undefined ? null : nextDue(plan, run.volumeId, now);
  const ended = { runId: null, lastRunAt: now };
  if (outcome.state === 'skipped') {
    const waiting = { state: 'waiting', attempts: 0, nextAt: due, lastError: null } as const;
    return { changes: { ...ended, ...waiting }, tells: false };
  }
  if (outcome.state === 'done') {
    const good = { state: 'waiting', attempts: 0, lastGoodAt: now, lastError: null } as const;
    return { changes: { ...ended, ...good, nextAt: due }, tells: false };
  }
  const attempts = (protection?.attempts ?? 0) + 1;
  const lastError = outcome.error.slice(0, errorCharsMax);
  const wait = outcome.isFinal === true ? undefined : backOffMs[attempts - 1];
  if (wait === undefined || due === null) {
    const failing = { state: 'failing', attempts: 0, nextAt: due, lastError } as const;
    return { changes: { ...ended, ...failing }, tells: true };
  }
  const nextAt = Math.min(due, now + wait);
  return { changes: { ...ended, state: 'retrying', attempts, nextAt, lastError }, tells: false };
}

async function tell(
  transaction: CatalogWriter,
  run: PlanRunRow,
  error: string,
  now: number,
): Promise<void> {
  await transaction.insert('messages', {
    id: newId(),
    projectId: run.projectId,
    requestId: run.requestId,
    resourceType: 'VOLUME',
    resourceId: run.volumeId,
    eventId: 'VOLUME_VOLUME_122_001',
    level: 'ERROR',
    userMessage:
      `plan ${run.planName}: ${run.action} failed${times(run.attempt)}. ${error} ` +
      'Put the cause right; the plan goes on by itself at its next time.',
    createdAt: now,
    expiresAt: now + messageDays * 86_400_000,
  });
}

function times(count: number): string {
  return count === 1 ? '' : ` ${count} times`;
}
