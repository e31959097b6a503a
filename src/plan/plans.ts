/** The verbs of plans. */
import { isOperatingError, OperatingError } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import type { JsonObject } from '../base/json.ts';
import type { CatalogReader } from '../catalog/catalog.ts';
import type { PlanAction, PlanRow } from '../catalog/plan-tables.ts';
import type { Caller } from '../identity/caller.ts';
import { authorize } from '../identity/policy.ts';
import type { Reading } from '../operation/needs.ts';
import { readPage, type PageOf, type PageRequest } from '../operation/page.ts';
import { byId, scopeOf } from '../operation/scope.ts';
import { everyRow } from '../catalog/every-row.ts';
import { findVolume } from '../operation/volume/find-volume.ts';
import { plansMax, plansOf, syncProject } from './membership.ts';
import { callerOf, type PlanNeeds } from './needs.ts';
import { scheduleOf, type Selection } from './plan.ts';
import type { Retention } from './retention.ts';
import { deleteMade } from './delete-made.ts';

/** What its owner says of a plan. */
export interface PlanInput {
  readonly name: string;
  readonly description: string | null;
  readonly enabled: boolean;
  readonly action: PlanAction;
  readonly selection: Selection;
  readonly schedule: string;
  readonly timeZone: string;
  readonly spreadMinutes: number;
  readonly retention: Retention;
  readonly options: JsonObject;
}

const minuteMs = 60_000;

/** Makes a plan; the volumes that it names have their first runs at once. */
export async function createPlan(
  needs: PlanNeeds,
  caller: Caller,
  input: PlanInput,
): Promise<PlanRow> {
  const { catalog, clock } = needs;
  authorize(caller, 'firn:change_plan');
  const { projectId, userId } = caller;
  const plan: PlanRow = {
    ...fieldsOf(input),
    id: newId(),
    projectId,
    userId,
    createdAt: clock.now(),
    updatedAt: null,
  };
  check(plan, clock.now());
  await refuseDuplicate(
    plan.name,
    catalog.transact(async (transaction) => {
      if ((await plansOf(transaction, projectId)).length >= plansMax) {
        throw new OperatingError('quota_exceeded', `A project has at most ${plansMax} plans.`);
      }
      await refuseForeignVolumes(transaction, caller, input.selection);
      await transaction.insert('plans', plan);
    }),
  );
  await syncProject(needs, projectId);
  return plan;
}

/** Changes what `changes` names. What it made before stays under its rules, the new ones. */
export async function updatePlan(
  needs: PlanNeeds,
  caller: Caller,
  planId: string,
  changes: Partial<PlanInput>,
): Promise<PlanRow> {
  const { catalog, clock } = needs;
  authorize(caller, 'firn:change_plan');
  const plan = await catalog.transact(async (transaction) => {
    const row = await findPlan(transaction, caller, planId);
    const fields = { ...partFields(changes), updatedAt: clock.now() };
    check({ ...row, ...fields }, clock.now());
    if (changes.selection !== undefined) {
      await refuseForeignVolumes(transaction, caller, changes.selection);
    }
    const changed = transaction.change('plans', byId(row.id), fields);
    return (await refuseDuplicate(changes.name ?? row.name, changed)) ?? row;
  });
  await syncProject(needs, plan.projectId);
  return plan;
}

/**
 * Deletes a plan. What it made stays as if made by hand, or is deleted too; when it made something,
 * the caller has to say which.
 */
export async function deletePlan(
  needs: PlanNeeds,
  caller: Caller,
  planId: string,
  made: 'keep' | 'delete' | undefined,
): Promise<void> {
  const { catalog } = needs;
  authorize(caller, 'firn:change_plan');
  const plan = await findPlan(catalog, caller, planId);
  const where = { projectId: plan.projectId, planId: plan.id };
  const count = await catalog.count('planItems', where);
  if (count > 0 && made === undefined) {
    throw new OperatingError(
      'invalid_input',
      `Plan ${plan.name} made ${count} snapshots or backups that may be there still. Say what ` +
        'becomes of them: made=keep keeps them as if made by hand, made=delete deletes them.',
      { field: 'made' },
    );
  }
  if (made === 'delete') await deleteMade(needs, callerOf(plan, caller.requestId), plan);
  await catalog.transact(async (transaction) => {
    await transaction.remove('planItems', where);
    await transaction.remove('protections', where);
    await transaction.remove('plans', byId(plan.id));
  });
  await syncProject(needs, plan.projectId);
}

/** Makes the volumes of a plan due now; of one volume, or of all. Returns how many. */
export async function runPlanNow(
  needs: PlanNeeds,
  caller: Caller,
  planId: string,
  volumeId: string | undefined,
): Promise<number> {
  const { catalog, clock } = needs;
  authorize(caller, 'firn:change_plan');
  const plan = await findPlan(catalog, caller, planId);
  if (!plan.enabled) {
    throw new OperatingError('invalid_state', `Plan ${plan.name} is off; enable it first.`);
  }
  if (volumeId !== undefined) await findVolume(catalog, caller, volumeId);
  const of = { projectId: plan.projectId, planId: plan.id };
  const where = volumeId === undefined ? of : { ...of, volumeId };
  let count = 0;
  for await (const row of everyRow(catalog, 'protections', where)) {
    if (row.state === 'running') continue;
    const due = { nextAt: clock.now() };
    const changed = await catalog.change('protections', { ...byId(row.id), state: row.state }, due);
    count += changed === undefined ? 0 : 1;
  }
  return count;
}

export async function listPlans(
  { catalog }: Reading,
  caller: Caller,
  page: PageRequest<'plans'> & { readonly name?: string },
): Promise<PageOf<'plans'>> {
  authorize(caller, 'firn:get_plan');
  const { projectId } = caller;
  const where = { projectId, ...(page.name === undefined ? {} : { name: page.name }) };
  return await readPage(catalog, 'plans', where, page, (id) =>
    catalog.find('plans', { id, projectId }),
  );
}

export async function showPlan(
  { catalog }: Reading,
  caller: Caller,
  planId: string,
): Promise<PlanRow> {
  authorize(caller, 'firn:get_plan');
  return await findPlan(catalog, caller, planId);
}

/** The plan; rejects with `not_found` when there is none for this caller. */
export async function findPlan(
  reader: CatalogReader,
  caller: Caller,
  planId: string,
): Promise<PlanRow> {
  const row = await reader.find('plans', { id: planId, projectId: scopeOf(caller) });
  if (row !== undefined) return row;
  throw new OperatingError('not_found', `Plan ${planId} could not be found.`);
}

function fieldsOf(
  input: PlanInput,
): Omit<PlanRow, 'id' | 'projectId' | 'userId' | 'createdAt' | 'updatedAt'> {
  const { selection, retention, ...others } = input;
  return { ...others, selection: jsonOf(selection), retention: jsonOf(retention) };
}

function partFields(changes: Partial<PlanInput>): Partial<PlanRow> {
  const { selection, retention, ...others } = changes;
  return {
    ...others,
    ...(selection === undefined ? {} : { selection: jsonOf(selection) }),
    ...(retention === undefined ? {} : { retention: jsonOf(retention) }),
  };
}

function jsonOf(value: Selection | Retention): JsonObject {
  return JSON.parse(JSON.stringify(value)) as JsonObject;
}

/** Throws `invalid_input` for a plan that makes no sense. */
export function check(plan: PlanRow, now: number): void {
  if (plan.name.includes(',') || plan.name.trim() !== plan.name || plan.name === '') {
    const why = 'it has no comma, no blank at its ends, and at least one character';
    throw new OperatingError('invalid_input', `The name of a plan: ${why}.`, { field: 'name' });
  }
  const schedule = scheduleOf(plan);
  if (schedule.next(now) === undefined) {
    const message = `The schedule "${plan.schedule}" names no day that comes.`;
    throw new OperatingError('invalid_input', message, { field: 'schedule' });
  }
  const interval = schedule.interval(now);
  if (plan.spreadMinutes * minuteMs >= interval) {
    const max = Math.max(0, Math.ceil(interval / minuteMs) - 1);
    const message = `spread_minutes is at most ${max} with this schedule: less than its interval.`;
    throw new OperatingError('invalid_input', message, { field: 'spread_minutes' });
  }
}

async function refuseForeignVolumes(
  reader: CatalogReader,
  caller: Caller,
  { volumes = [] }: Selection,
): Promise<void> {
  for (const id of volumes) {
    const found = await reader.find('volumes', { id, projectId: caller.projectId });
    if (found !== undefined) continue;
    const message = `Volume ${id} could not be found in this project.`;
    throw new OperatingError('invalid_input', message, { field: 'volumes' });
  }
}

async function refuseDuplicate<R>(name: string, work: Promise<R>): Promise<R> {
  try {
    return await work;
  } catch (error) {
    if (!isOperatingError(error, 'exists')) throw error;
    const message = `There is a plan named "${name}" already in this project.`;
    throw new OperatingError('exists', message, { cause: error, field: 'name' });
  }
}
