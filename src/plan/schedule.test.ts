import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { isOperatingError } from '../base/errors.ts';
import { Schedule } from './schedule.ts';
import { delayOf } from './spread.ts';
import { Zone } from './zone.ts';

const dayMs = 86_400_000;

function iso(instants: readonly number[]): string[] {
  return instants.map((at) => new Date(at).toISOString().slice(0, 16));
}

function after(schedule: string, timeZone: string, from: string, count: number): string[] {
  return iso(new Schedule(schedule, timeZone).upcoming(Date.parse(from), count));
}

test('named schedules and expressions, in UTC and in a zone', () => {
  assert.deepEqual(after('hourly', 'UTC', '2026-01-01T00:30Z', 2), [
    '2026-01-01T01:00',
    '2026-01-01T02:00',
  ]);
  assert.deepEqual(after('daily', 'Asia/Kolkata', '2026-01-01T00:00Z', 2), [
    '2026-01-01T19:30',
    '2026-01-02T19:30',
  ]);
  assert.deepEqual(after('30 2 * * 1-5', 'UTC', '2026-01-02T03:00Z', 2), [
    '2026-01-05T02:30',
    '2026-01-06T02:30',
  ]);
});

test('leap days, ends of months, and days that never come', () => {
  assert.deepEqual(after('0 0 29 2 *', 'UTC', '2026-01-01T00:00Z', 2), [
    '2028-02-29T00:00',
    '2032-02-29T00:00',
  ]);
  assert.deepEqual(after('0 0 31 * *', 'UTC', '2026-02-01T00:00Z', 2), [
    '2026-03-31T00:00',
    '2026-05-31T00:00',
  ]);
  assert.deepEqual(after('0 0 30 2 *', 'UTC', '2026-01-01T00:00Z', 1), []);
});

test('an instant that clocks skip comes when they have gone on; one that comes twice, once', () => {
  assert.deepEqual(after('30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00Z', 2), [
    '2026-03-29T01:00',
    '2026-03-30T00:30',
  ]);
  assert.deepEqual(after('30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00Z', 2), [
    '2026-10-25T00:30',
    '2026-10-26T01:30',
  ]);
  assert.deepEqual(after('hourly', 'Europe/Berlin', '2026-10-24T22:30Z', 4), [
    '2026-10-24T23:00',
    '2026-10-25T00:00',
    '2026-10-25T01:00',
    '2026-10-25T02:00',
  ]);
});

test('what is no schedule or no zone is refused with what to write', () => {
  for (const [schedule, zone, pattern] of [
    ['often', 'UTC', /five fields.*hourly, daily/],
    ['61 * * * *', 'UTC', /no cron expression/],
    ['* * * * * *', 'UTC', /five fields/],
    ['daily', 'Europe/Nowhere', /no time zone "Europe\/Nowhere"; write one as in/],
  ] as const) {
    assert.throws(
      () => new Schedule(schedule, zone),
      (error: unknown) => isOperatingError(error, 'invalid_input') && pattern.test(error.message),
    );
  }
});

const expressions = [
  'hourly',
  'daily',
  'weekly',
  'monthly',
  '*/15 * * * *',
  '30 2 * * *',
  '15 1,13 * * 1-5',
  '0 0 29 2 *',
  '0 3 1-7 * 0',
];

const zones = ['UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Africa/Cairo'];

test('all instants of a time are those that follow one another', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...expressions),
      fc.constantFrom(...zones),
      fc.integer({ min: Date.UTC(2024, 0, 1), max: Date.UTC(2027, 0, 1) }),
      fc.integer({ min: 0, max: 12 }),
      (expression, timeZone, from, days) => {
        const schedule = new Schedule(expression, timeZone);
        const to = from + days * dayMs;
        const one: number[] = [];
        for (let at = schedule.next(from); at !== undefined && at <= to;) {
          one.push(at);
          at = schedule.next(at);
        }
        assert.deepEqual(iso(schedule.between(from, to, 10_000)), iso(one));
      },
    ),
    { numRuns: 60 },
  );
});

test('what was asked before changes no answer', () => {
  // Around both changes of Berlin's clocks, to and fro.
  const near = [Date.UTC(2026, 2, 29), Date.UTC(2026, 9, 25)];
  const instant = fc
    .tuple(fc.constantFrom(...near), fc.integer({ min: -2 * dayMs, max: 2 * dayMs }))
    .map(([at, away]) => at + away);
  fc.assert(
    fc.property(
      fc.constantFrom(...expressions),
      fc.array(instant, { minLength: 2, maxLength: 30 }),
      (expression, instants) => {
        const asked = new Schedule(expression, 'Europe/Berlin');
        for (const at of instants) {
          assert.equal(asked.next(at), new Schedule(expression, 'Europe/Berlin').next(at));
        }
      },
    ),
    { numRuns: 100 },
  );
});

test('offsets are those of Intl, at any instant', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...zones, 'America/St_Johns', 'Pacific/Apia', 'Africa/Casablanca'),
      fc.integer({ min: Date.UTC(2011, 0, 1), max: Date.UTC(2027, 0, 1) }),
      (timeZone, at) => {
        const local = new Date(new Zone(timeZone).toLocal(at)).toISOString().slice(0, 19);
        const said = new Date(at).toLocaleString('sv-SE', { timeZone });
        assert.equal(local.replace('T', ' '), said);
      },
    ),
    { numRuns: 300 },
  );
});

test('the spread is the same each time, within its length, and even', () => {
  const delays = Array.from({ length: 1000 }, (_none, n) => delayOf('plan', `volume-${n}`, 1000));
  assert.equal(delayOf('plan', 'volume-1', 1000), delays[1]);
  assert.ok(delays.every((delay) => delay >= 0 && delay < 1000));
  for (let quarter = 0; quarter < 4; quarter += 1) {
    const count = delays.filter((delay) => Math.floor(delay / 250) === quarter).length;
    assert.ok(count > 180 && count < 320, `${count} of 1000 in quarter ${quarter}`);
  }
});
