import { KiB, MiB, roundUp } from '../base/bytes.ts';
import { hugeBuffer, pageBytes } from '../base/page-memory.ts';

const unitBytes = 64 * KiB;
/** Buffers of up to half of this are cut from memory that several of them share. */
const sharedBytes = 4 * MiB;
/** Where a buffer begins behind a page, so that nobody takes it for memory that a disk uses. */
const besidePageBytes = 64;

/**
 * Long buffers for payloads and replies, used again rather than made anew: fresh memory of this
 * size costs more (page faults, collection) than copying into it.
 *
 * Invariants: a buffer is lent to one user at a time; at most `freeBytesMax` lie here unused. A
 * buffer that is not given back is simply lost to the collector.
 */
export class BufferPool {
  readonly #freeBytesMax: number;
  /** Memory that begins with a page, by its size. */
  readonly #free = new Map<number, Buffer[]>();
  /** The memory of each buffer that is lent. */
  readonly #lent = new WeakMap<Buffer, Buffer>();
  #freeBytes = 0;
  /** What was not cut yet. */
  #uncut: Buffer = Buffer.alloc(0);

  constructor(freeBytesMax: number) {
    this.#freeBytesMax = freeBytesMax;
  }

  /**
   * A buffer of `lengthBytes` with any content. What lies behind the first `headBytes` of a long
   * one begins with a page of memory, so that a disk can put it there itself.
   */
  lend(lengthBytes: number, headBytes?: number): Buffer {
    if (lengthBytes < unitBytes) return Buffer.allocUnsafe(lengthBytes);
    const sizeBytes = roundUp(lengthBytes + pageBytes, unitBytes);
    let memory = this.#free.get(sizeBytes)?.pop();
    if (memory === undefined) memory = this.#cut(sizeBytes);
    else this.#freeBytes -= sizeBytes;
    const start =
      headBytes === undefined ? besidePageBytes : (pageBytes - (headBytes % pageBytes)) % pageBytes;
    const buffer = memory.subarray(start, start + lengthBytes);
    this.#lent.set(buffer, memory);
    return buffer;
  }

  /** Takes back what was lent; other buffers are ignored. */
  giveBack(buffer: Buffer): void {
    const memory = this.#lent.get(buffer);
    if (memory === undefined) return;
    this.#lent.delete(buffer);
    const sizeBytes = memory.length;
    if (sizeBytes > this.#freeBytesMax) return;
    // Those of other sizes go first, for whoever asked for them may be gone.
    if (this.#freeBytes + sizeBytes > this.#freeBytesMax) this.#keepOnly(sizeBytes);
    if (this.#freeBytes + sizeBytes > this.#freeBytesMax) return;
    const alike = this.#free.get(sizeBytes);
    if (alike === undefined) this.#free.set(sizeBytes, [memory]);
    else alike.push(memory);
    this.#freeBytes += sizeBytes;
  }

  #cut(sizeBytes: number): Buffer {
    if (sizeBytes > sharedBytes / 2) return hugeBuffer(sizeBytes);
    if (this.#uncut.length < sizeBytes) this.#uncut = hugeBuffer(sharedBytes);
    const memory = this.#uncut.subarray(0, sizeBytes);
    this.#uncut = this.#uncut.subarray(sizeBytes);
    return memory;
  }

  #keepOnly(sizeBytes: number): void {
    const alike = this.#free.get(sizeBytes) ?? [];
    this.#free.clear();
    this.#free.set(sizeBytes, alike);
    this.#freeBytes = alike.length * sizeBytes;
  }
}
