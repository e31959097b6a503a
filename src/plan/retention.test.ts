import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { expiryOf, keep, retentionRules, type Item, type Retention } from './retention.ts';
import { zoneOf } from './zone.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

function item(at: number, facts: Partial<Item> = {}): Item {
  return { id: String(at), at, good: true, verified: false, held: false, ...facts };
}

const timeZones = [
  'UTC',
  'Europe/Berlin',
  'America/St_Johns',
  'Australia/Lord_Howe',
  'Asia/Kolkata',
];

const retentions: fc.Arbitrary<Retention> = fc.record(
  Object.fromEntries(retentionRules.map((rule) => [rule, fc.integer({ min: 1, max: 12 })])),
  { requiredKeys: [] },
);

const histories = fc.uniqueArray(
  fc.record({
    at: fc.integer({ min: Date.UTC(2019, 0, 1), max: Date.UTC(2027, 0, 1) }),
    good: fc.boolean(),
    verified: fc.boolean(),
    held: fc.integer({ min: 0, max: 9 }).map((digit) => digit === 0),
  }),
  { selector: ({ at }) => at, maxLength: 60 },
);

/** The same rules in the slowest and plainest words: Intl says what is in one period. */
function oracle(
  items: readonly Item[],
  rules: Retention,
  now: number,
  timeZone: string,
): Set<string> {
  const kept = new Set(items.filter((each) => each.held).map((each) => each.id));
  const good = items.filter((each) => each.good);
  const later = (one: Item): number => good.filter((other) => other.at > one.at).length;
  for (const each of good) {
    if (later(each) === 0) kept.add(each.id);
    const isNewestVerified = good.every((other) => !other.verified || other.at <= each.at);
    if (each.verified && isNewestVerified) kept.add(each.id);
  }
  if (Object.keys(rules).length === 0) return new Set(items.map((each) => each.id));
  for (const each of good) {
    if (later(each) < (rules.last ?? 0)) kept.add(each.id);
    if (now - each.at < (rules.withinDays ?? 0) * dayMs) kept.add(each.id);
  }
  for (const period of ['hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const) {
    const label = (each: Item): string => labelOf(each.at, period, timeZone);
    for (const each of good) {
      const newer = good.filter((other) => other.at > each.at);
      const isLast = newer.every((other) => label(other) !== label(each));
      const periods = new Set(newer.map(label));
      if (isLast && periods.size < (rules[period] ?? 0)) kept.add(each.id);
    }
  }
  return kept;
}

/** A text that instants of one local period share. */
function labelOf(at: number, period: string, timeZone: string): string {
  const zoned = localFields(at, timeZone);
  const [year, month, day, hour] = zoned;
  if (period === 'hourly') return zoned.join('-');
  if (period === 'daily') return `${year}-${month}-${day}`;
  if (period === 'monthly') return `${year}-${month}`;
  if (period === 'yearly') return `${year}`;
  const date = new Date(Date.UTC(year, month - 1, day, hour));
  const monday = new Date(date);
  monday.setUTCDate(date.getUTCDate() - ((date.getUTCDay() + 6) % 7));
  return monday.toISOString().slice(0, 10);
}

function localFields(at: number, timeZone: string): [number, number, number, number] {
  const text = new Date(at).toLocaleString('sv-SE', { timeZone });
  const [, year, month, day, hour] = /^(\d+)-(\d+)-(\d+) (\d+)/.exec(text) ?? [];
  return [Number(year), Number(month), Number(day), Number(hour)];
}

test('what is kept is what a naive oracle keeps, over random rules and histories', () => {
  fc.assert(
    fc.property(histories, retentions, fc.constantFrom(...timeZones), (facts, rules, timeZone) => {
      const items = facts.map((each) => item(each.at, each));
      const now = Date.UTC(2027, 0, 1);
      const kept = keep(items, rules, { now, zone: zoneOf(timeZone) });
      assert.deepEqual([...kept.keys()].sort(), [...oracle(items, rules, now, timeZone)].sort());
    }),
    { numRuns: 300 },
  );
});

test('applied after every run, the rules keep what they keep when applied once', () => {
  fc.assert(
    fc.property(histories, retentions, fc.constantFrom(...timeZones), (facts, rules, timeZone) => {
      const zone = zoneOf(timeZone);
      const items = facts.map(({ at }) => item(at)).sort((one, other) => one.at - other.at);
      let there: Item[] = [];
      for (const each of items) {
        there.push(each);
        const kept = keep(there, rules, { now: each.at, zone });
        there = there.filter(({ id }) => kept.has(id));
      }
      const now = items.at(-1)?.at ?? 0;
      const once = keep(items, rules, { now, zone });
      assert.deepEqual(there.map(({ id }) => id).sort(), [...once.keys()].sort());
    }),
    { numRuns: 200 },
  );
});

test('the newest good and the newest verified are kept whatever the rules say', () => {
  const now = Date.UTC(2026, 5, 1);
  const items = [
    item(now - 5 * dayMs, { verified: true }),
    item(now - 4 * dayMs),
    item(now - 3 * dayMs),
    item(now - 2 * dayMs, { good: false, verified: true }),
  ];
  const kept = keep(items, { withinDays: 1 }, { now, zone: zoneOf('UTC') });
  assert.deepEqual(
    [...kept].map(([id, reasons]) => [Number(id), reasons]),
    [
      [now - 3 * dayMs, ['newest']],
      [now - 5 * dayMs, ['newest verified']],
    ],
  );
});

test('grandfather, father and son on a calendar with a leap day', () => {
  const days = Array.from({ length: 800 }, (_none, day) =>
    item(Date.UTC(2023, 11, 1) + day * dayMs + hourMs),
  );
  const now = Date.UTC(2023, 11, 1) + 800 * dayMs;
  const rules = { daily: 7, weekly: 4, monthly: 12, yearly: 3 };
  const kept = [...keep(days, rules, { now, zone: zoneOf('UTC') }).keys()];
  const dates = kept.map((id) => new Date(Number(id)).toISOString().slice(0, 10)).sort();
  assert.deepEqual(dates.slice(0, 4), ['2024-12-31', '2025-03-31', '2025-04-30', '2025-05-31']);
  const leap = keep(days.slice(0, 100), { monthly: 2 }, { now, zone: zoneOf('UTC') });
  assert.ok(leap.has(String(Date.UTC(2024, 1, 29) + hourMs)), 'February ends on the 29th');
});

test('the expected end of an item is that of the last rule that keeps it', () => {
  const zone = zoneOf('UTC');
  const each = item(Date.UTC(2026, 1, 10, 13));
  const after = (reasons: Parameters<typeof expiryOf>[1], rules: Retention): string => {
    const at = expiryOf(each, reasons, rules, { zone, interval: dayMs });
    return at === undefined ? 'never' : new Date(at).toISOString();
  };
  assert.equal(after(['last'], { last: 3 }), '2026-02-13T13:00:00.000Z');
  assert.equal(after(['daily'], { daily: 7 }), '2026-02-17T00:00:00.000Z');
  assert.equal(after(['weekly'], { weekly: 2 }), '2026-02-23T00:00:00.000Z');
  assert.equal(after(['last', 'monthly'], { last: 3, monthly: 2 }), '2026-04-01T00:00:00.000Z');
  assert.equal(after(['yearly'], { yearly: 1 }), '2027-01-01T00:00:00.000Z');
  assert.equal(after(['held', 'last'], { last: 1 }), 'never');
});
