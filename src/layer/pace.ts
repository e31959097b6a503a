/** A call that took longer waited for something: for the disk, or for the journal of the files. */
const slowMs = 1;
/** So many times as long as a slow call took, none is made in place; and at most so long. */
const restTimes = 8;
const restMsMax = 50;

/**
 * Whether calls that usually end in microseconds may be made in place, where a slow one would hold
 * up everything else. After a slow call they may not for a while, so that little of the time goes
 * with slow ones.
 */
export class Pace {
  readonly #now: () => number;
  #restUntil = -Infinity;

  /** `now` is in milliseconds and never goes back. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  get isFast(): boolean {
    return this.#restUntil === -Infinity || this.#hasRested();
  }

  /** Notes a call made in place that began at `startMs`, in the time of `now`. */
  note(startMs: number): void {
    const now = this.#now();
    const tookMs = now - startMs;
    if (tookMs > slowMs) this.#restUntil = now + Math.min(restTimes * tookMs, restMsMax);
  }

  #hasRested(): boolean {
    if (this.#now() < this.#restUntil) return false;
    this.#restUntil = -Infinity;
    return true;
  }
}
