/**
 * Offsets of time zones, fast: Intl is asked twice a day of the calendar, not once an instant.
 *
 * An offset is the milliseconds that local time is ahead of UTC. Zones and their changes are those
 * of the IANA data that Node carries.
 */
import { must } from '../base/assert.ts';

const minuteMs = 60_000;
const dayMs = 86_400_000;

/** True for a name of the IANA data, such as `Europe/Berlin`, or `UTC`. */
export function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

interface Day {
  readonly first: number;
  /** From here on, `last` counts. */
  readonly changesAt: number;
  readonly last: number;
}

export class Zone {
  readonly #format: Intl.DateTimeFormat;
  readonly #days = new Map<number, Day>();

  constructor(timeZone: string) {
    this.#format = new Intl.DateTimeFormat('en-US-u-hc-h23', {
      timeZone,
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
      era: 'short',
    });
  }

  /** How far local time is ahead of UTC at `ms`. */
  offset(ms: number): number {
    const index = Math.floor(ms / dayMs);
    let day = this.#days.get(index);
    if (day === undefined) {
      day = this.#lookUp(index * dayMs);
      this.#days.set(index, day);
    }
    return ms < day.changesAt ? day.first : day.last;
  }

  /** The instant `ms` as if local time were UTC: its UTC fields are the local ones. */
  toLocal(ms: number): number {
    return ms + this.offset(ms);
  }

  #lookUp(start: number): Day {
    const end = start + dayMs;
    const first = this.#ask(start);
    const last = this.#ask(end - minuteMs);
    if (first === last) return { first, last, changesAt: end };
    let before = start;
    let after = end - minuteMs;
    while (after - before > minuteMs) {
      const middle = before + Math.floor((after - before) / 2 / minuteMs) * minuteMs;
      if (this.#ask(middle) === first) before = middle;
      else after = middle;
    }
    return { first, last, changesAt: after };
  }

  #ask(ms: number): number {
    const parts = new Map(this.#format.formatToParts(ms).map(({ type, value }) => [type, value]));
    const number = (type: string): number =>
      Number(must(parts.get(type as Intl.DateTimeFormatPartTypes), type));
    const local = Date.UTC(
      number('year'),
      number('month') - 1,
      number('day'),
      number('hour'),
      number('minute'),
      number('second'),
    );
    return local - Math.floor(ms / 1000) * 1000;
  }
}

const zones = new Map<string, Zone>();

/** The zone with this name, whose offsets are kept. */
export function zoneOf(timeZone: string): Zone {
  const known = zones.get(timeZone) ?? new Zone(timeZone);
  zones.set(timeZone, known);
  return known;
}
