/** A call that took longer waited for something: for the disk, or for the journal of the files. */
const slowMs = 1;
/** How long calls are not made in place after a slow one. */
const restMs = 50;

/**
 * Whether calls that usually end in microseconds may be made in place, where a slow one would hold
 * up everything else. After a slow call they may not for a while, so at most one in `restMs` is.
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
    if (now - startMs > slowMs) this.#restUntil = now + restMs;
  }

  #hasRested(): boolean {
    if (this.#now() < this.#restUntil) return false;
    this.#restUntil = -Infinity;
    return true;
  }
}
