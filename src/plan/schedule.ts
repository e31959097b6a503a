/** When a plan runs. */
import { Cron } from 'croner';
import { OperatingError } from '../base/errors.ts';
import { isTimeZone, type Zone, zoneOf } from './zone.ts';

/** The words that stand for an expression. */
export const namedSchedules = {
  hourly: '0 * * * *',
  daily: '0 1 * * *',
  weekly: '0 1 * * 0',
  monthly: '0 1 1 * *',
} as const;

const dayMs = 86_400_000;
const hourMs = 3_600_000;

/** Schedules that never come, such as 30 February, are refused by looking so far ahead. */
const yearsAhead = 8;

const knownMax = 4;

/**
 * The instants that a cron expression of five fields names in a time zone.
 *
 * Where clocks go forward over an instant, it comes when they have; where they go back over one, it
 * comes once, but hourly ones go on each hour.
 */
export class Schedule {
  readonly #zoned: Cron;
  /** The same expression in a zone without changes, which is ten times faster. */
  readonly #plain: Cron;
  /** The starts of the days that it names, and the times of each. */
  readonly #days: Cron;
  readonly #times: readonly number[];
  readonly #zone: Zone;
  /** Stretches without an instant, and the one that follows each. */
  readonly #known: { from: number; readonly next: number }[] = [];

  /** Throws `invalid_input` for what is no schedule, or no time zone. */
  constructor(text: string, timeZone: string) {
    const fields = fieldsOf(text);
    if (!isTimeZone(timeZone)) {
      const message = `There is no time zone "${timeZone}"; write one as in Europe/Berlin, or UTC.`;
      throw new OperatingError('invalid_input', message, { field: 'time_zone' });
    }
    this.#zone = zoneOf(timeZone);
    const plain = { utcOffset: 0, paused: true };
    try {
      this.#zoned = new Cron(fields.join(' '), { timezone: timeZone, paused: true });
      this.#plain = new Cron(fields.join(' '), plain);
      this.#days = new Cron(`0 0 ${fields.slice(2).join(' ')}`, plain);
      this.#times = timesOf(fields);
    } catch (cause) {
      throw invalidSchedule(text, 'it is no cron expression', cause);
    }
  }

  /** The first instant after `ms`; undefined when there is none in years. */
  next(ms: number): number | undefined {
    const known = this.#known.find(({ from, next }) => from <= ms && ms < next);
    if (known !== undefined) return known.next;
    const found = this.#find(ms);
    if (found !== undefined) this.#keep(ms, found);
    return found;
  }

  /** Thousands of volumes of one plan are asked for within the same few intervals. */
  #keep(ms: number, next: number): void {
    const same = this.#known.find((each) => each.next === next);
    if (same !== undefined) same.from = Math.min(same.from, ms);
    else if (this.#known.unshift({ from: ms, next }) > knownMax) this.#known.pop();
  }

  #find(ms: number): number | undefined {
    const local = this.#plain.nextRun(new Date(this.#zone.toLocal(ms)));
    if (local === null) return undefined;
    const guess = local.getTime() - this.#zone.offset(ms);
    const found = this.#isQuiet(ms, guess) ? guess : this.#zoned.nextRun(new Date(ms))?.getTime();
    if (found === undefined || found - ms > yearsAhead * 366 * dayMs) return undefined;
    return found;
  }

  /** The first `count` instants after `ms`. */
  upcoming(ms: number, count: number): number[] {
    const found: number[] = [];
    for (let at = this.next(ms); at !== undefined && found.length < count; at = this.next(at)) {
      found.push(at);
    }
    return found;
  }

  /** All instants after `from` up to `to`, at most `countMax`. */
  between(from: number, to: number, countMax: number): number[] {
    const found: number[] = [];
    let day: Date | null = new Date(startOfDay(this.#zone.toLocal(from)) - 1);
    for (;;) {
      day = this.#days.nextRun(day);
      if (day === null) return found;
      const start = day.getTime() - this.#zone.offset(day.getTime());
      if (start - dayMs > to) return found;
      for (const at of this.#ofDay(day.getTime())) {
        if (at > to || found.length >= countMax) return found;
        if (at > from) found.push(at);
      }
    }
  }

  /** How long it is from one instant to the next: the shortest of the coming few. */
  interval(ms: number): number {
    const instants = this.upcoming(ms, 5);
    const steps = instants.slice(1).map((at, index) => at - (instants[index] ?? at));
    return Math.min(366 * dayMs, ...steps);
  }

  /** The instants of the local day that begins at `localStart`, which the expression names. */
  #ofDay(localStart: number): number[] {
    const start = localStart - this.#zone.offset(localStart);
    if (this.#isQuiet(start, start + dayMs)) {
      return this.#times.map((time) => start + time);
    }
    const found: number[] = [];
    let at = this.next(start - hourMs - 1);
    while (at !== undefined && this.#zone.toLocal(at) < localStart + dayMs) {
      if (this.#zone.toLocal(at) >= localStart) found.push(at);
      at = this.next(at);
    }
    return found;
  }

  /** No clock changes from a few hours before `from` to a few after `to`. */
  #isQuiet(from: number, to: number): boolean {
    if (to - from > 45 * dayMs) return false;
    const offset = this.#zone.offset(from);
    for (let at = from - 3 * hourMs; at < to + 3 * hourMs; at += dayMs / 2) {
      if (this.#zone.offset(at) !== offset) return false;
    }
    return this.#zone.offset(to + 3 * hourMs) === offset;
  }
}

function startOfDay(local: number): number {
  return Math.floor(local / dayMs) * dayMs;
}

/** The times of a day that match, in milliseconds after its start. */
function timesOf(fields: readonly string[]): number[] {
  const start = Date.UTC(2000, 0, 1);
  const cron = new Cron(`${fields[0]} ${fields[1]} * * *`, { utcOffset: 0, paused: true });
  const times: number[] = [];
  let at = cron.nextRun(new Date(start - 1));
  while (at !== null && at.getTime() < start + dayMs) {
    times.push(at.getTime() - start);
    at = cron.nextRun(at);
  }
  return times;
}

/** The five fields of a schedule: of a named one, or of an expression. */
function fieldsOf(text: string): string[] {
  const named = new Map<string, string>(Object.entries(namedSchedules)).get(text);
  const fields = (named ?? text).trim().split(/\s+/);
  if (fields.length !== 5) {
    throw invalidSchedule(text, 'it has no five fields: minute hour day month weekday');
  }
  return fields;
}

function invalidSchedule(text: string, why: string, cause?: unknown): OperatingError {
  const words = Object.keys(namedSchedules).join(', ');
  const message =
    `The schedule "${text.slice(0, 100)}" cannot be used: ${why}. Write ${words}, or a cron ` +
    'expression such as "30 2 * * 1-5".';
  return new OperatingError('invalid_input', message, { field: 'schedule', cause });
}
