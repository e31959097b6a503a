/**
 * Which of the things that a plan made it keeps, and why.
 *
 * - A thing is kept while at least one rule keeps it; without any rule everything is kept.
 * - `last`: the newest so many. `withinDays`: what is younger than so many days of 24 hours.
 * - `hourly` … `yearly`: the newest thing of each of the newest so many hours, days, weeks (from
 *   Monday), months or years of the plan's time zone that have one.
 * - Whatever the rules say: the newest good one is kept, the newest verified good one is kept, and
 *   so is what is held. What failed is no good one, counts for no rule, and goes.
 *
 * Applied again, or after every run rather than once, the rules keep the same: the newest thing of
 * a period stays its newest, and newer periods only come.
 */
import type { JsonObject } from '../base/json.ts';
import type { Zone } from './zone.ts';

export interface Retention {
  readonly last?: number;
  readonly withinDays?: number;
  readonly hourly?: number;
  readonly daily?: number;
  readonly weekly?: number;
  readonly monthly?: number;
  readonly yearly?: number;
}

export const retentionRules = [
  'last',
  'withinDays',
  'hourly',
  'daily',
  'weekly',
  'monthly',
  'yearly',
] as const;

export type RetentionRule = (typeof retentionRules)[number];

/** Why a thing is kept. */
export type Reason = RetentionRule | 'no rule' | 'newest' | 'newest verified' | 'held';

/** A snapshot or backup as retention sees it. */
export interface Item {
  readonly id: string;
  /** The instant whose data it holds. */
  readonly at: number;
  /** It is there and can be used. */
  readonly good: boolean;
  /** It was read back and found good. */
  readonly verified: boolean;
  readonly held: boolean;
}

const dayMs = 86_400_000;
const hourMs = 3_600_000;

type Period = 'hourly' | 'daily' | 'weekly' | 'monthly' | 'yearly';

/** Numbers that are equal for local instants of one period, and differ otherwise. */
const periodOf: Record<Period, (local: number) => number> = {
  hourly: (local) => Math.floor(local / hourMs),
  daily: (local) => Math.floor(local / dayMs),
  // 1970-01-01 was a Thursday: weeks begin three days before it.
  weekly: (local) => Math.floor((local / dayMs + 3) / 7),
  monthly: (local) => {
    const date = new Date(local);
    return date.getUTCFullYear() * 12 + date.getUTCMonth();
  },
  yearly: (local) => new Date(local).getUTCFullYear(),
};

const periods: readonly Period[] = ['hourly', 'daily', 'weekly', 'monthly', 'yearly'];

/** The rules of a plan's row. */
export function retentionOf(json: JsonObject): Retention {
  const rules = retentionRules.map((rule) => [rule, json[rule]] as const);
  return Object.fromEntries(rules.filter(([, count]) => typeof count === 'number'));
}

/** The reasons to keep each item at `now`; those without any are not in the answer. */
export function keep(
  items: readonly Item[],
  retention: Retention,
  { now, zone }: { now: number; zone: Zone },
): Map<string, Reason[]> {
  const kept = new Map<string, Reason[]>();
  const because = (item: Item | undefined, reason: Reason): void => {
    if (item === undefined) return;
    const reasons = kept.get(item.id);
    if (reasons === undefined) kept.set(item.id, [reason]);
    else reasons.push(reason);
  };
  for (const item of items) if (item.held) because(item, 'held');
  const newestFirst = items.filter((item) => item.good).sort((one, other) => other.at - one.at);
  because(newestFirst[0], 'newest');
  because(
    newestFirst.find((item) => item.verified),
    'newest verified',
  );
  if (retentionRules.every((rule) => retention[rule] === undefined)) {
    for (const item of items) because(item, 'no rule');
    return kept;
  }
  for (const item of newestFirst.slice(0, retention.last ?? 0)) because(item, 'last');
  const youngerThan = now - (retention.withinDays ?? 0) * dayMs;
  for (const item of newestFirst) if (item.at > youngerThan) because(item, 'withinDays');
  for (const period of periods) {
    const count = retention[period] ?? 0;
    if (count === 0) continue;
    for (const item of newestOfEach(newestFirst, periodOf[period], count, zone)) {
      because(item, period);
    }
  }
  return kept;
}

/** The newest item of each of the newest `count` periods. */
function newestOfEach(
  newestFirst: readonly Item[],
  numberOf: (local: number) => number,
  count: number,
  zone: Zone,
): Item[] {
  const found: Item[] = [];
  let current: number | undefined;
  for (const item of newestFirst) {
    const period = numberOf(zone.toLocal(item.at));
    if (period === current) continue;
    if (found.length === count) break;
    found.push(item);
    current = period;
  }
  return found;
}

/** When the period that holds a local instant has left the newest `count` ones. */
const endOf: Record<Period, (local: number, count: number) => number> = {
  hourly: (local, count) => (periodOf.hourly(local) + count) * hourMs,
  daily: (local, count) => (periodOf.daily(local) + count) * dayMs,
  weekly: (local, count) => ((periodOf.weekly(local) + count) * 7 - 3) * dayMs,
  monthly: (local, count) => Date.UTC(1970, periodOf.monthly(local) - 1970 * 12 + count, 1),
  yearly: (local, count) => Date.UTC(periodOf.yearly(local) + count, 0, 1),
};

/**
 * When an item is expected to go, if the plan runs as it should every `interval` milliseconds: when
 * the last of the reasons ends that keep it now. Undefined when none ends by itself.
 */
export function expiryOf(
  item: Item,
  reasons: readonly Reason[],
  retention: Retention,
  { zone, interval }: { zone: Zone; interval: number },
): number | undefined {
  const ends = reasons.map((reason) => {
    if (reason === 'held' || reason === 'no rule') return Infinity;
    if (reason === 'newest' || reason === 'newest verified') return item.at + interval;
    const count = retention[reason] ?? 0;
    if (reason === 'last') return item.at + count * interval;
    if (reason === 'withinDays') return item.at + count * dayMs;
    const local = zone.toLocal(item.at);
    return item.at + endOf[reason](local, count) - local;
  });
  const last = Math.max(...ends);
  return Number.isFinite(last) ? last : undefined;
}
