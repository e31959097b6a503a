/**
 * Which volumes are under which plans, as rows: a protection for each pair. They follow the plans
 * and the volumes: at once when somebody changes a plan, or a volume in this process, and by
 * `reconcile` for what other processes changed, and for clocks that were set back.
 */
import { newId } from '../base/ids.ts';
import {
  everyProject,
  type CatalogReader,
  type CatalogWriter,
  type ProjectScope,
} from '../catalog/catalog.ts';
import type { PlanRow, ProtectionRow } from '../catalog/plan-tables.ts';
import type { VolumeRow } from '../catalog/tables.ts';
import { everyPick, everyRow } from '../catalog/every-row.ts';
import { byId, ofVolume } from '../operation/scope.ts';
import type { PlanNeeds } from './needs.ts';
import { covers, namedPlans, nextDue, planProperty } from './plan.ts';

/** Plans that one project may have. */
export const plansMax = 200;

/** How many rows one transaction changes at most. */
const batchRows = 500;

const messageDays = 30;

/** What decides which plans a volume is under. */
type Member = Pick<VolumeRow, 'id' | 'projectId' | 'status' | 'metadata'>;
const memberFields = ['projectId', 'status', 'metadata'] as const;

/** What is compared of a protection that is there. */
type Known = Pick<ProtectionRow, 'id' | 'volumeId' | 'planName' | 'state' | 'nextAt'>;
const knownFields = ['volumeId', 'planName', 'state', 'nextAt'] as const;

interface Wanted {
  readonly id: string;
  readonly plan: PlanRow | undefined;
  readonly planName: string;
  readonly volume: Member;
}

export async function plansOf(reader: CatalogReader, projectId: string): Promise<PlanRow[]> {
  return await reader.list('plans', { where: { projectId }, limit: plansMax });
}

const idOf = (planId: string, volumeId: string): string => `${planId}:${volumeId}`;

/** The plan and the volume of a protection with this id; no plan's id for one that there is not. */
export function pairOf(id: string): { planId: string; volumeId: string } {
  const at = id.lastIndexOf(':');
  return { planId: id.slice(0, at), volumeId: id.slice(at + 1) };
}

function wantedFor(plans: readonly PlanRow[], volume: Member): Wanted[] {
  if (volume.status === 'deleting') return [];
  const covered = plans
    .filter((plan) => covers(plan, volume))
    .map((plan) => ({ id: idOf(plan.id, volume.id), plan, planName: plan.name, volume }));
  const unknown = namedPlans(volume.metadata)
    .filter((name) => !plans.some((plan) => plan.name === name))
    .map((name) => ({ id: `?${name}:${volume.id}`, plan: undefined, planName: name, volume }));
  return [...covered, ...unknown];
}

/** Puts right the protections of one volume, which may be gone. */
export async function syncVolume({ catalog, clock }: PlanNeeds, volumeId: string): Promise<void> {
  await catalog.transact(async (transaction) => {
    const volume = await transaction.find('volumes', byId(volumeId));
    const plans = volume === undefined ? [] : await plansOf(transaction, volume.projectId);
    const wanted = volume === undefined ? [] : wantedFor(plans, volume);
    const where = ofVolume(volumeId);
    const there = await transaction.list('protections', { where, limit: 1000 });
    await apply(transaction, clock.now(), wanted, there);
  });
}

/** Puts right the protections of one project, whose plans were changed. */
export async function syncProject(needs: PlanNeeds, projectId: string): Promise<void> {
  await sync(needs, { projectId });
}

/** Puts right the protections of all projects. */
export async function reconcile(needs: PlanNeeds): Promise<void> {
  await sync(needs, { projectId: everyProject });
}

async function sync(
  { catalog, clock }: PlanNeeds,
  where: { readonly projectId: ProjectScope },
): Promise<void> {
  const plans = Map.groupBy(
    await Array.fromAsync(everyRow(catalog, 'plans', where)),
    (plan) => plan.projectId,
  );
  const there = new Map<string, Known>();
  for await (const row of everyPick(catalog, 'protections', knownFields, where)) {
    there.set(row.id, row);
  }
  let wanted: Wanted[] = [];
  let known: Known[] = [];
  const flush = async (): Promise<void> => {
    const batch = { wanted, known };
    wanted = [];
    known = [];
    if (differs(batch.wanted, batch.known, clock.now())) {
      await catalog.transact((transaction) =>
        apply(transaction, clock.now(), batch.wanted, batch.known),
      );
    }
  };
  for await (const volume of everyPick(catalog, 'volumes', memberFields, where)) {
    for (const each of wantedFor(plans.get(volume.projectId) ?? [], volume)) {
      const row = there.get(each.id);
      there.delete(each.id);
      wanted.push(each);
      if (row !== undefined) known.push(row);
    }
    if (wanted.length >= batchRows) await flush();
  }
  await flush();
  known = [...there.values()];
  await flush();
}

function differs(wanted: readonly Wanted[], known: readonly Known[], now: number): boolean {
  const rows = new Map(known.map((row) => [row.id, row]));
  if (rows.size !== wanted.length) return true;
  return wanted.some((each) => {
    const row = rows.get(each.id);
    return row === undefined || correction(each, row, now) !== undefined;
  });
}

/** What has to change in a protection that stays; undefined when nothing has. */
function correction(
  { plan, planName }: Wanted,
  row: Known,
  now: number,
): Partial<ProtectionRow> | undefined {
  if (plan === undefined) return undefined;
  const renamed = row.planName === planName ? {} : { planName };
  if (row.state === 'running') return row.planName === planName ? undefined : renamed;
  const latest = nextDue(plan, row.volumeId, now);
  // Later than the schedule has it: the plan was changed, or the clock was set back.
  const isLate = row.nextAt === null || (latest !== null && row.nextAt > latest);
  const moved = latest === null || isLate ? { nextAt: latest } : {};
  const changes = {
    ...renamed,
    ...('nextAt' in moved && moved.nextAt === row.nextAt ? {} : moved),
  };
  return Object.keys(changes).length === 0 ? undefined : changes;
}

async function apply(
  transaction: CatalogWriter,
  now: number,
  wanted: readonly Wanted[],
  there: readonly Known[],
): Promise<void> {
  const rows = new Map(there.map((row) => [row.id, row]));
  for (const each of wanted) {
    const row = rows.get(each.id);
    rows.delete(each.id);
    if (row === undefined) await protect(transaction, now, each);
    else {
      const changes = correction(each, row, now);
      if (changes !== undefined) await transaction.change('protections', byId(row.id), changes);
    }
  }
  for (const id of rows.keys()) await transaction.remove('protections', byId(id));
}

/** A volume that comes under a plan has its first run at once, spread like all others. */
async function protect(transaction: CatalogWriter, now: number, wanted: Wanted): Promise<void> {
  const { id, plan, planName, volume } = wanted;
  const there = await transaction.find('protections', byId(id));
  if (there !== undefined) return;
  await transaction.insert('protections', {
    id,
    projectId: volume.projectId,
    volumeId: volume.id,
    planId: plan?.id ?? null,
    planName,
    state: plan === undefined ? 'unknown_plan' : 'waiting',
    nextAt: plan === undefined || !plan.enabled ? null : now,
    attempts: 0,
    runId: null,
    lastRunAt: null,
    lastGoodAt: null,
    lastError: plan === undefined ? `There is no plan named "${planName}" in this project.` : null,
    createdAt: now,
  });
  if (plan !== undefined) return;
  await transaction.insert('messages', {
    id: newId(),
    projectId: volume.projectId,
    requestId: null,
    resourceType: 'VOLUME',
    resourceId: volume.id,
    eventId: 'VOLUME_VOLUME_121_001',
    level: 'ERROR',
    userMessage:
      `protect volume: There is no plan named "${planName.slice(0, 100)}" in this project. ` +
      `Create it, or set the property ${planProperty} to the name of one that there is.`,
    createdAt: now,
    expiresAt: now + messageDays * 86_400_000,
  });
}
