/** Reads that wait in the thread pool at a time, for one file. */
const inPoolMax = 4;
/** How long a read is looked for in memory before it goes to the pool: a few answers of an SSD. */
const patienceMs = 0.3;
/** Reads in a row that are not there yet, after which the later ones are not looked for. */
const missesMax = 4;

/** How the reads of one file are made. */
export interface ReadCalls {
  /** Reads what is in memory; answers the bytes read, or a negative number. */
  readCached(target: Uint8Array, positionBytes: number): number;
  /** Asks the disk for the bytes, without waiting for them. */
  fetch(positionBytes: number, lengthBytes: number): void;
  /** Reads, and waits as long as it takes. */
  readInPool(target: Uint8Array, positionBytes: number): Promise<number>;
}

/** The time in milliseconds, and the next turn of the event loop. */
export interface Turning {
  now(): number;
  soon(work: () => void): void;
}

export const eventLoop: Turning = {
  now: () => performance.now(),
  soon: (work) => void setImmediate(work),
};

interface Waiting {
  readonly target: Uint8Array;
  readonly positionBytes: number;
  readonly sinceMs: number;
  readonly resolve: (read: Promise<number> | number) => void;
}

/**
 * Reads of bytes that are not in memory, many at a time and without a thread for each.
 *
 * The disk is asked for all of them at once. In each turn of the event loop those that wait are
 * looked for in memory, the oldest first, which costs less than waking a thread as long as the disk
 * is fast. What has not come after a while waits in the thread pool, a few at a time, and whenever
 * one of them is back the others are looked for again. No read is left behind: the oldest that
 * still waits takes the place in the pool that has become free.
 */
export class ColdReads {
  readonly #calls: ReadCalls;
  readonly #loop: Turning;
  #waiting: Waiting[] = [];
  #inPool = 0;
  #isWatching = false;

  constructor(calls: ReadCalls, loop: Turning = eventLoop) {
    this.#calls = calls;
    this.#loop = loop;
  }

  read(target: Uint8Array, positionBytes: number): Promise<number> {
    this.#calls.fetch(positionBytes, target.byteLength);
    return new Promise((resolve) => {
      this.#waiting.push({ target, positionBytes, sinceMs: this.#loop.now(), resolve });
      this.#watch();
    });
  }

  #watch(): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    this.#loop.soon(() => {
      this.#isWatching = false;
      this.#look();
    });
  }

  #look(): void {
    let misses = 0;
    this.#waiting = this.#waiting.filter(({ target, positionBytes, resolve }) => {
      if (misses === missesMax) return true;
      const isThere = this.#calls.readCached(target, positionBytes) === target.byteLength;
      if (isThere) resolve(target.byteLength);
      else misses += 1;
      return !isThere;
    });
    const impatientMs = this.#loop.now() - patienceMs;
    for (let [oldest] = this.#waiting; oldest !== undefined; [oldest] = this.#waiting) {
      if (this.#inPool === inPoolMax || oldest.sinceMs > impatientMs) break;
      this.#waiting.shift();
      oldest.resolve(this.#readInPool(oldest));
    }
    const youngest = this.#waiting.at(-1);
    if (youngest !== undefined && youngest.sinceMs > impatientMs) this.#watch();
  }

  async #readInPool({ target, positionBytes }: Waiting): Promise<number> {
    this.#inPool += 1;
    try {
      return await this.#calls.readInPool(target, positionBytes);
    } finally {
      this.#inPool -= 1;
      this.#look();
    }
  }
}
