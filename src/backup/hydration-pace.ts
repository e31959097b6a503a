import { setTimeout as sleep } from 'node:timers/promises';
import { MiB } from '../base/bytes.ts';
import { monotonicMs } from '../base/clock.ts';

/** What hydration moves in a second while guests use their volumes. */
const loadedBytesPerSecond = 16 * MiB;
/** How long after a request of a guest its volumes count as in use. */
const restMs = 200;

/**
 * How fast volumes are filled: at full speed, or a limit, while no guest asks for anything; slowly
 * while some do. Several pieces may be under way at once and are counted together.
 */
export class HydrationPace {
  readonly #bytesPerSecond: number;
  readonly #now: () => number;
  readonly #sleep: (ms: number, signal: AbortSignal) => Promise<unknown>;
  #requests: number | undefined;
  #busyUntilMs = -Infinity;
  /** When the bytes that were moved so far are paid for. */
  #paidMs = -Infinity;

  constructor(
    bytesPerSecond = Infinity,
    now: () => number = monotonicMs,
    wait: (ms: number, signal: AbortSignal) => Promise<unknown> = waited,
  ) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#now = now;
    this.#sleep = wait;
  }

  /** Waits after a piece of work as long as it calls for. `requests` are those of guests so far. */
  async after(work: { bytes: number; requests: number }, signal: AbortSignal): Promise<void> {
    const now = this.#now();
    if (work.requests !== (this.#requests ?? work.requests)) this.#busyUntilMs = now + restMs;
    this.#requests = work.requests;
    const isBusy = now < this.#busyUntilMs;
    const rate = Math.min(this.#bytesPerSecond, isBusy ? loadedBytesPerSecond : Infinity);
    if (rate === Infinity) return;
    this.#paidMs = Math.max(this.#paidMs, now) + (work.bytes / rate) * 1000;
    await this.#sleep(this.#paidMs - now, signal);
  }
}

async function waited(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch (error) {
    // Whoever waits looks at the signal next.
    if (!signal.aborted) throw error;
  }
}
