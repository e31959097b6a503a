import type { RateLimitTime } from './rate-limit.ts';

/** Time that goes on when the test says so. */
export class HandTime implements RateLimitTime {
  #nowMs = 0;
  #timers: { at: number; work: () => void }[] = [];

  now(): number {
    return this.#nowMs;
  }

  after(ms: number, work: () => void): () => void {
    const timer = { at: this.#nowMs + ms, work };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((each) => each !== timer);
    };
  }

  /** Goes on by so many milliseconds, and calls what is due on the way. */
  async pass(ms: number): Promise<void> {
    const end = this.#nowMs + ms;
    for (;;) {
      const due = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((each) => each !== due);
      this.#nowMs = Math.max(this.#nowMs, due.at);
      due.work();
      await new Promise(setImmediate);
    }
    this.#nowMs = end;
  }
}
