import type { Clock } from '../base/clock.ts';
import type { Scheduled, Scheduler } from './scheduler.ts';

interface Entry {
  readonly atMs: number;
  readonly work: () => void;
}

/** How many turns of the event loop let work that was started come to its next wait. */
const settleTurnCount = 20;

/** For tests: a clock and a scheduler that move only when they are told to. */
export class SimulatedTime implements Clock, Scheduler {
  #nowMs = 1_790_000_000_000;
  readonly #entries = new Set<Entry>();

  now(): number {
    return this.#nowMs;
  }

  after(delayMs: number, work: () => void): Scheduled {
    const entry = { atMs: this.#nowMs + delayMs, work };
    this.#entries.add(entry);
    return { cancel: () => this.#entries.delete(entry) };
  }

  /** Lets one millisecond pass, in which nothing is called. */
  tick(): void {
    this.#nowMs += 1;
  }

  /** Calls what becomes due within the next `durationMs`, each at its own time and in order. */
  async advance(durationMs: number): Promise<void> {
    const endMs = this.#nowMs + durationMs;
    for (;;) {
      await this.settle();
      const due = [...this.#entries].filter((entry) => entry.atMs <= endMs);
      const [next] = due.sort((one, other) => one.atMs - other.atMs);
      if (next === undefined) break;
      this.#entries.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.work();
    }
    this.#nowMs = endMs;
  }

  /** Lets promises that can be settled without time going on be settled. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < settleTurnCount; turn += 1) await new Promise(setImmediate);
  }
}
