import { setImmediate, setTimeout } from 'node:timers/promises';
import { monotonicMs } from '../base/clock.ts';
import { MiB } from '../base/bytes.ts';

/** What background work moves in a second while guests use their volumes. */
const loadedBytesPerSecond = 16 * MiB;
/** How long after a request of a guest its volumes count as in use. */
const restMs = 200;

/**
 * The pace of work in the background: full speed while no guest asks for anything, and a small,
 * steady part of the disk while some do.
 */
export class BackgroundPace {
  readonly #requests: () => number;
  readonly #now: () => number;
  readonly #sleep: (milliseconds: number) => Promise<unknown>;
  #seen: number | undefined;
  #busyUntil = -Infinity;

  /** `requests` counts the requests of guests so far; only that it changes matters. */
  constructor(
    requests: () => number,
    now: () => number = monotonicMs,
    sleep: (milliseconds: number) => Promise<unknown> = setTimeout,
  ) {
    this.#requests = requests;
    this.#now = now;
    this.#sleep = sleep;
  }

  /** Waits as long as the work just done calls for: it moved `bytes` in `workedMs`. */
  async after(bytes: number, workedMs: number): Promise<void> {
    const now = this.#now();
    const requests = this.#requests();
    if (requests !== (this.#seen ?? requests)) this.#busyUntil = now + restMs;
    this.#seen = requests;
    if (now >= this.#busyUntil) await setImmediate();
    else await this.#sleep(Math.max((bytes / loadedBytesPerSecond) * 1000, workedMs));
  }
}
