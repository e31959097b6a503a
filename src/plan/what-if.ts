/** What a plan would keep and delete, before it is saved. */
import { isOperatingError, OperatingError } from '../base/errors.ts';
import type { PlanRow } from '../catalog/plan-tables.ts';
import type { BackupRow, VolumeRow } from '../catalog/tables.ts';
import type { Caller } from '../identity/caller.ts';
import { authorize } from '../identity/policy.ts';
import { storedIdOf } from '../operation/backup/find-backup.ts';
import { spaceOfBackup } from '../operation/backup/backup-space.ts';
import type { Changing, OperationNeeds } from '../operation/needs.ts';
import { everyRow } from '../catalog/every-row.ts';
import { itemsOf, type MadeItem } from './items.ts';
import { covers, delayFor, scheduleOf } from './plan.ts';
import { check } from './plans.ts';
import { keep, type Item, type Reason, retentionOf } from './retention.ts';
import { zoneOf } from './zone.ts';

export interface WhatIf {
  /** The plan as it would be saved; with the id of one that is, to compare with what that made. */
  readonly plan: PlanRow;
  /** Until when runs are thought to go well from now on; now: only what is there is looked at. */
  readonly until: number;
  /** Only this volume; undefined: every volume that would be under the plan. */
  readonly volumeId: string | undefined;
}

export interface Judged {
  readonly id: string;
  readonly volumeId: string;
  readonly at: number;
  /** It is not there yet: a run until then would make it. */
  readonly future: boolean;
  /** Why it is kept; empty: it is deleted. */
  readonly reasons: readonly Reason[];
}

export interface Outcome {
  readonly volumeCount: number;
  /** The next runs, without their spread. */
  readonly nextRuns: readonly number[];
  /** Oldest first. */
  readonly items: readonly Judged[];
  readonly freed: Freed;
}

/** What the store gives back when the backups that are there already, and would go, are gone. */
export interface Freed {
  readonly backupCount: number;
  /** At least so much is freed. The same as `bytesMax` where it is measured what they share. */
  readonly bytesMin: number;
  /**
   * What they brought into the store when they were made. What a backup that stays shares with them
   * stays as well, so that it is at most so much.
   */
  readonly bytesMax: number;
}

/** Future runs that are thought of, of all volumes together. */
const futureMax = 200_000;
const volumesMax = 1000;
const measuredMax = 1000;

/** A person waits for the answer, who changes the rules and asks again. */
const exactWithinMs = 1000;

export async function whatIf(
  needs: Changing & Pick<OperationNeeds, 'repositories'>,
  caller: Caller,
  { plan, until, volumeId }: WhatIf,
): Promise<Outcome> {
  const { catalog, clock } = needs;
  authorize(caller, 'firn:get_plan');
  const now = clock.now();
  check(plan, now);
  const volumes: VolumeRow[] = [];
  const where = {
    projectId: caller.projectId,
    ...(volumeId === undefined ? {} : { id: volumeId }),
  };
  for await (const volume of everyRow(catalog, 'volumes', where)) {
    if (volumeId === undefined && !covers(plan, volume)) continue;
    if (volumes.length >= volumesMax) break;
    volumes.push(volume);
  }
  if (volumeId !== undefined && volumes.length === 0) {
    throw new OperatingError('not_found', `Volume ${volumeId} could not be found.`);
  }
  const { items } = await itemsOf(catalog, plan, volumeId);
  const outcome = judge(plan, { now, until, items, volumeIds: volumes.map(({ id }) => id) });
  const goes = new Set(outcome.items.filter(({ reasons }) => reasons.length === 0).map(idOf));
  const going = items.flatMap(({ id, row }) => {
    return goes.has(id) && 'bytesStored' in row ? [row] : [];
  });
  const exact = await bytesTogether(needs, going);
  const bytesMin = exact ?? (await exclusiveBytes(needs, going));
  const bytesMax = exact ?? Math.max(bytesMin, outcome.freed.bytesMax);
  return { ...outcome, freed: { ...outcome.freed, bytesMin, bytesMax } };
}

/**
 * What the store gives back when these are gone, to the byte. Undefined where it takes long to say,
 * or cannot be said.
 */
async function bytesTogether(
  { repositories }: Pick<OperationNeeds, 'repositories'>,
  backups: readonly BackupRow[],
): Promise<number | undefined> {
  const signal = AbortSignal.timeout(exactWithinMs);
  let sum = 0;
  try {
    for (const [container, rows] of Map.groupBy(backups, (row) => row.container)) {
      const repository = await repositories.open(container, { create: false });
      sum += await repository.spaceOf(new Set(rows.map(storedIdOf)), signal);
    }
    return sum;
  } catch (error) {
    if (isOperatingError(error) || signal.aborted) return undefined;
    throw error;
  }
}

const idOf = ({ id }: { id: string }): string => id;

/** What these backups alone hold in the store; those that are not measured count nothing. */
async function exclusiveBytes(
  needs: Pick<OperationNeeds, 'repositories'>,
  rows: readonly BackupRow[],
): Promise<number> {
  let sum = 0;
  for (const row of rows.slice(0, measuredMax)) {
    const space = await spaceOfBackup(needs, row);
    if (space === undefined) break;
    sum += space.exclusiveBytes;
  }
  return sum;
}

/** The pure part: `items` are there, runs are thought of for `volumeIds`. */
export function judge(
  plan: PlanRow,
  scene: {
    readonly now: number;
    readonly until: number;
    readonly items: readonly MadeItem[];
    readonly volumeIds: readonly string[];
  },
): Outcome {
  const { now, until, items, volumeIds } = scene;
  const schedule = scheduleOf(plan);
  const countMax = Math.floor(futureMax / Math.max(1, volumeIds.length));
  const slots = until > now ? schedule.between(now, until, countMax) : [];
  const options = { now: Math.max(now, until), zone: zoneOf(plan.timeZone) };
  const retention = retentionOf(plan.retention);
  const judged: Judged[] = [];
  const of = Map.groupBy(items, (item) => item.volumeId);
  for (const volumeId of new Set([...of.keys(), ...volumeIds])) {
    const future = volumeIds.includes(volumeId) ? futureItems(plan, volumeId, slots) : [];
    const all: Item[] = [...(of.get(volumeId) ?? []), ...future];
    const kept = keep(all, retention, options);
    const futureIds = new Set(future.map(({ id }) => id));
    for (const { id, at } of all) {
      const reasons = kept.get(id) ?? [];
      judged.push({ id, volumeId, at, future: futureIds.has(id), reasons });
    }
  }
  judged.sort((one, other) => one.at - other.at);
  const goes = new Set(judged.filter(({ reasons }) => reasons.length === 0).map(({ id }) => id));
  return {
    volumeCount: volumeIds.length,
    nextRuns: schedule.upcoming(now, 5),
    items: judged,
    freed: freedBy(items.filter(({ id }) => goes.has(id))),
  };
}

function futureItems(plan: PlanRow, volumeId: string, slots: readonly number[]): Item[] {
  const delay = delayFor(plan, volumeId);
  return slots.map((slot) => ({
    id: `${volumeId}@${slot}`,
    at: slot + delay,
    good: true,
    verified: false,
    held: false,
  }));
}

function freedBy(items: readonly MadeItem[]): Freed {
  const backups = items.filter((item) => item.kind === 'backup');
  const bytesMax = backups.reduce((sum, { row }) => sum + storedBytes(row), 0);
  return { backupCount: backups.length, bytesMin: 0, bytesMax };
}

function storedBytes(row: MadeItem['row']): number {
  return 'bytesStored' in row ? row.bytesStored : 0;
}
