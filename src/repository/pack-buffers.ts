import { hugeBuffer } from '../base/page-memory.ts';
import { sealedBytesMax } from './block-table.ts';
import { directoryBytesMax } from './pack-format.ts';

/** What one writer fills and puts at a time. */
const keptMax = 3;
/** What is kept while nobody writes. */
const keptIdleMax = 1;

/**
 * Buffers for packs, used again while somebody writes. What is not needed any more goes back to the
 * system at once: the collector would take its time.
 */
export class PackBuffers {
  readonly #free: Buffer<ArrayBuffer>[] = [];
  readonly #bytes: number;
  #lent = 0;

  /** `packBytes`: the size at which a pack is closed. */
  constructor(packBytes: number) {
    // Room for one block over that, the directory and the trailer.
    this.#bytes = packBytes + sealedBytesMax + directoryBytesMax + 4096;
  }

  take(): Buffer<ArrayBuffer> {
    this.#lent += 1;
    return this.#free.pop() ?? hugeBuffer(this.#bytes);
  }

  give(buffer: Buffer<ArrayBuffer>): void {
    this.#lent -= 1;
    this.#free.push(buffer);
    const kept = this.#lent === 0 ? keptIdleMax : keptMax;
    // A buffer that is transferred leaves no memory behind.
    for (const { buffer: memory } of this.#free.splice(kept)) memory.transfer(0);
  }
}
