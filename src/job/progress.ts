import { assertBytes } from '../base/assert.ts';
import type { Scheduled, Scheduler } from './scheduler.ts';

/** Progress is written at most once in this time. */
const intervalMs = 500;

export interface Progress {
  readonly bytesDone: number;
  readonly bytesTotal: number;
}

/** Keeps the newest progress of a job, and hands it on to be written now and then. */
export class ProgressKeeper {
  #latest: Progress | undefined;
  #timer: Scheduled | undefined;
  #writing: Promise<void> = Promise.resolve();
  readonly #scheduler: Scheduler;
  readonly #write: (progress: Progress) => Promise<void>;

  /** `write` deals with its own errors. */
  constructor(scheduler: Scheduler, write: (progress: Progress) => Promise<void>) {
    this.#scheduler = scheduler;
    this.#write = write;
  }

  report(bytesDone: number, bytesTotal: number): void {
    assertBytes(bytesDone, 'bytesDone');
    assertBytes(bytesTotal, 'bytesTotal');
    const progress = { bytesDone, bytesTotal };
    this.#latest = progress;
    this.#timer ??= this.#scheduler.after(intervalMs, () => this.#writeLatest());
  }

  /** Ends the writing, and returns the newest progress, for the job's last change. */
  async end(): Promise<Partial<Progress>> {
    this.#timer?.cancel();
    await this.#writing;
    return this.#latest ?? {};
  }

  #writeLatest(): void {
    this.#timer = undefined;
    const progress = this.#latest;
    if (progress === undefined) return;
    this.#writing = this.#writing.then(() => this.#write(progress));
  }
}
