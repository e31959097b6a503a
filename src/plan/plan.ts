/** What a plan is, and which volumes are under it. */
import { isJsonObject, type JsonObject } from '../base/json.ts';
import type { PlanAction, PlanRow } from '../catalog/plan-tables.ts';
import type { Metadata, VolumeRow } from '../catalog/tables.ts';
import { delayOf } from './spread.ts';
import { Schedule } from './schedule.ts';

/** The property of a volume that names its plan; several names have commas between them. */
export const planProperty = 'firn:plan';

/** Which volumes a plan names, besides those that name it by their property. */
export interface Selection {
  readonly volumes?: readonly string[];
  /** Entries that a volume has to have, all of them. */
  readonly metadata?: Metadata;
  /** Every volume of the project. */
  readonly all?: boolean;
}

const minuteMs = 60_000;

export function selectionOf({ selection }: Pick<PlanRow, 'selection'>): Selection {
  const { volumes, metadata, all } = selection;
  return {
    ...(Array.isArray(volumes) ? { volumes: volumes.map(String) } : {}),
    ...(isJsonObject(metadata) ? { metadata: textsOf(metadata) } : {}),
    all: all === true,
  };
}

function textsOf(entries: JsonObject): Metadata {
  const texts = Object.entries(entries).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  return Object.fromEntries(texts);
}

/** The names of plans that a volume's property gives. */
export function namedPlans(metadata: Metadata): string[] {
  const text = metadata[planProperty];
  if (text === undefined) return [];
  const names = text.split(',').map((name) => name.trim());
  return [...new Set(names.filter((name) => name !== ''))];
}

/** Whether a volume of the plan's project is under it. */
export function covers(
  plan: Pick<PlanRow, 'name' | 'selection'>,
  volume: Pick<VolumeRow, 'id' | 'metadata'>,
): boolean {
  const { volumes, metadata, all } = selectionOf(plan);
  if (all === true || volumes?.includes(volume.id) === true) return true;
  if (namedPlans(volume.metadata).includes(plan.name)) return true;
  const wanted = Object.entries(metadata ?? {});
  return wanted.length > 0 && wanted.every(([key, value]) => volume.metadata[key] === value);
}

/** Parsed schedules; few texts are in use, and a plan is asked for each of its volumes. */
const schedules = new Map<string, Schedule>();
const schedulesMax = 1000;

export function scheduleOf({
  schedule,
  timeZone,
}: Pick<PlanRow, 'schedule' | 'timeZone'>): Schedule {
  const key = `${timeZone} ${schedule}`;
  let found = schedules.get(key);
  if (found === undefined) {
    found = new Schedule(schedule, timeZone);
    if (schedules.size >= schedulesMax) schedules.clear();
    schedules.set(key, found);
  }
  return found;
}

/** How many milliseconds after an instant of the plan this volume's run begins. */
export function delayFor(plan: PlanRow, volumeId: string): number {
  return delayOf(plan.id, volumeId, plan.spreadMinutes * minuteMs);
}

/** When the volume is due next after `now`; null when the plan is off, or never comes again. */
export function nextDue(plan: PlanRow, volumeId: string, now: number): number | null {
  if (!plan.enabled) return null;
  const delay = delayFor(plan, volumeId);
  const next = scheduleOf(plan).next(now - delay);
  return next === undefined ? null : next + delay;
}

/** What a plan makes, if it makes something. */
export function madeBy(action: PlanAction): 'snapshot' | 'backup' | undefined {
  return action === 'snapshot' || action === 'backup' ? action : undefined;
}
