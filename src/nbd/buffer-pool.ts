import { KiB, roundUp } from '../base/bytes.ts';
import { bytesIntoPage, pageBytes } from '../base/page-memory.ts';

const unitBytes = 64 * KiB;

/**
 * Long buffers for payloads and replies, used again rather than made anew: fresh memory of this
 * size costs more (page faults, collection) than copying into it.
 *
 * Invariants: a buffer is lent to one user at a time; at most `freeBytesMax` lie here unused. A
 * buffer that is not given back is simply lost to the collector.
 */
export class BufferPool {
  readonly #freeBytesMax: number;
  readonly #free = new Map<number, ArrayBuffer[]>();
  readonly #lent = new WeakSet<ArrayBufferLike>();
  #freeBytes = 0;

  constructor(freeBytesMax: number) {
    this.#freeBytesMax = freeBytesMax;
  }

  /**
   * A buffer of `lengthBytes` with any content. What lies behind the first `headBytes` of a long
   * one begins with a page of memory, so that a disk can put it there itself.
   */
  lend(lengthBytes: number, headBytes?: number): Buffer {
    if (lengthBytes < unitBytes) return Buffer.allocUnsafe(lengthBytes);
    const sizeBytes = roundUp(lengthBytes + 2 * pageBytes, unitBytes);
    let memory: ArrayBufferLike | undefined = this.#free.get(sizeBytes)?.pop();
    if (memory === undefined) memory = Buffer.allocUnsafeSlow(sizeBytes).buffer;
    else this.#freeBytes -= sizeBytes;
    this.#lent.add(memory);
    if (headBytes === undefined) return Buffer.from(memory, 0, lengthBytes);
    const intoPage = (bytesIntoPage(new Uint8Array(memory)) ?? 0) + headBytes;
    return Buffer.from(memory, (pageBytes - (intoPage % pageBytes)) % pageBytes, lengthBytes);
  }

  /** Takes back what was lent; other buffers are ignored. */
  giveBack(buffer: Buffer): void {
    const memory = buffer.buffer;
    if (buffer.length < unitBytes || !(memory instanceof ArrayBuffer)) return;
    if (!this.#lent.delete(memory) || memory.byteLength > this.#freeBytesMax) return;
    // Those of other sizes go first, for whoever asked for them may be gone.
    if (this.#freeBytes + memory.byteLength > this.#freeBytesMax) this.#keepOnly(memory.byteLength);
    if (this.#freeBytes + memory.byteLength > this.#freeBytesMax) return;
    const alike = this.#free.get(memory.byteLength);
    if (alike === undefined) this.#free.set(memory.byteLength, [memory]);
    else alike.push(memory);
    this.#freeBytes += memory.byteLength;
  }

  #keepOnly(sizeBytes: number): void {
    const alike = this.#free.get(sizeBytes) ?? [];
    this.#free.clear();
    this.#free.set(sizeBytes, alike);
    this.#freeBytes = alike.length * sizeBytes;
  }
}
