import { MiB } from '../base/bytes.ts';
import { monotonicMs } from '../base/clock.ts';

/** So much of a layer is written before the disk begins with it. */
const stepBytes = 4 * MiB;
/** What is written faster than one step in this time is left to the next sync. */
const stepMsLeast = 200;
/** After that the kernel has written by itself what was left to it (vm.dirty_expire_centisecs). */
const forgottenMs = 30_000;
/** As long as a sync is expected soon, the disk begins all the same, and sooner. */
const soonMs = 1000;
const soonStepBytes = MiB;

/**
 * Has the disk begin with what a layer was written before a sync asks for it, so that a snapshot,
 * which is there when that sync has ended, does not have to wait for all of it.
 *
 * To write a sector of its own to the disk costs the host as much as to take it in, and one that is
 * written again meanwhile is written twice. A guest that writes up to 20 MB/s does not notice; one
 * that writes as fast as it can would lose a third of its rate, so there it is left. But where
 * snapshots follow each other within a second, what is written has to be on the disk within that
 * second anyway, and the disk begins at once, however fast it is written.
 */
export class WriteBack {
  readonly #begin: () => Promise<void>;
  readonly #now: () => number;
  /** When a snapshot made it a head. */
  #headMs = -Infinity;
  /** Written since the last step or sync, from `#sinceMs` on. */
  #bytes = 0;
  #sinceMs = 0;
  #stepBytes = stepBytes;
  #soonUntil = -Infinity;
  #isUnderWay = false;
  /** When something was left to the next sync, which a step would write as well. */
  #leftMs = -Infinity;

  /** `begin` has the disk begin with all that was written, and never rejects. */
  constructor(begin: () => Promise<void>, now: () => number = monotonicMs) {
    this.#begin = begin;
    this.#now = now;
  }

  /** A new head takes over: one that was a head for less than a second will not last longer. */
  succeed(former: WriteBack): void {
    const now = this.#now();
    this.#headMs = now;
    if (now - former.#headMs >= soonMs) return;
    this.#soonUntil = now + soonMs;
    this.#stepBytes = soonStepBytes;
  }

  /** So many bytes more were written. */
  note(bytes: number): void {
    if (this.#bytes === 0) this.#sinceMs = this.#now();
    this.#bytes += bytes;
    if (this.#bytes < this.#stepBytes || this.#isUnderWay) return;
    const now = this.#now();
    const isSoon = now < this.#soonUntil;
    const isSlow = now - this.#sinceMs >= stepMsLeast;
    this.#bytes = 0;
    this.#stepBytes = isSoon ? soonStepBytes : stepBytes;
    if (isSoon || (isSlow && now - this.#leftMs >= forgottenMs)) void this.#step();
    else if (!isSlow) this.#leftMs = now;
  }

  /** A sync begins, which takes all that was written. */
  noteSync(): void {
    this.#bytes = 0;
    this.#leftMs = -Infinity;
  }

  async #step(): Promise<void> {
    this.#isUnderWay = true;
    try {
      await this.#begin();
    } finally {
      this.#isUnderWay = false;
    }
  }
}
