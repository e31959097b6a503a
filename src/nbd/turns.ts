import { availableParallelism } from 'node:os';

/**
 * How long the event loop looks out for the next request before it sleeps. To wake a sleeping
 * thread takes longer than most clients need for their next request; QEMU's threads poll for the
 * same reason (`poll-max-ns`).
 */
const awakeMs = 0.1;
/** How often several are looked at in one turn of the event loop, as long as something comes. */
const looksMax = 4;

/** Something that is looked at in every turn of the event loop while it is busy. */
export interface Watched {
  /** Takes what has come; true when that was something. */
  poll(): boolean;
  /** It is not looked at any more until it is watched again. */
  rest(): void;
  /** True while there is more to do for it than one request at a time. */
  readonly isBusy: boolean;
}

const nobody: Watched = { poll: () => false, rest: () => undefined, isBusy: true };

/**
 * The turns of the event loop: who may go on, one in each turn, so that a connection with much to
 * do keeps nobody waiting for longer; and who is looked at in each, as long as something comes.
 */
export class Turns {
  readonly #waiting: (() => void)[] = [];
  /** With the time until which each is looked at. */
  readonly #watched = new Map<Watched, number>();
  readonly #awakeMs: number;
  readonly #now: () => number;
  #isLooking = false;

  /** Where there is one processor only, its time belongs to the client. */
  constructor(options: { awakeMs?: number; now?: () => number } = {}) {
    this.#now = options.now ?? (() => performance.now());
    this.#awakeMs = options.awakeMs ?? (availableParallelism() > 1 ? awakeMs : 0);
  }

  /** Resolves when it is the caller's turn, after all who asked before. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (this.#waiting.length === 1) setImmediate(this.#give);
    });
  }

  /** Looks at `watched` in every turn, until nothing has come for a while. */
  watch(watched: Watched): void {
    this.#watched.set(watched, this.#now() + this.#awakeMs);
    if (this.#isLooking) return;
    this.#isLooking = true;
    setImmediate(this.#look);
  }

  /** Keeps the loop from sleeping for a while: somebody's next request is expected soon. */
  stayAwake(): void {
    if (this.#awakeMs > 0) this.watch(nobody);
  }

  /** True while several are looked at. */
  get isShared(): boolean {
    return this.#watched.size > 1;
  }

  /** True while somebody else than `one` is looked at, for whom there is not much to do. */
  looksBeside(one: Watched): boolean {
    for (const watched of this.#watched.keys()) {
      if (watched !== one && !watched.isBusy) return true;
    }
    return false;
  }

  /** True while the loop does not sleep. */
  get isAwake(): boolean {
    return this.#isLooking;
  }

  readonly #give = (): void => {
    this.#waiting.shift()?.();
    if (this.#waiting.length > 0) setImmediate(this.#give);
  };

  readonly #look = (): void => {
    let looks = 1;
    // Of one alone, the next requests come while the loop turns.
    while (this.#lookOnce() && this.isShared && looks < looksMax) looks += 1;
    this.#isLooking = this.#watched.size > 0;
    if (this.#isLooking) setImmediate(this.#look);
  };

  /** True when something has come. */
  #lookOnce(): boolean {
    let hasCome = false;
    for (const [watched, until] of this.#watched) {
      const now = this.#now();
      if (watched.poll()) {
        hasCome = true;
        this.#watched.set(watched, now + this.#awakeMs);
      } else if (now >= until) {
        this.#watched.delete(watched);
        watched.rest();
      }
    }
    return hasCome;
  }
}
