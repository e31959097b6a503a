import { sealedBytesMax } from './block-table.ts';
import { directoryBytesMax } from './pack-format.ts';

/** What one writer fills and puts at a time. */
const keptMax = 3;

/**
 * Buffers for packs, used again by the next writer: the collector would take its time with those of
 * the last.
 */
export class PackBuffers {
  readonly #free: Buffer[] = [];
  readonly #bytes: number;

  /** `packBytes`: the size at which a pack is closed. */
  constructor(packBytes: number) {
    // Room for one block over that, the directory and the trailer.
    this.#bytes = packBytes + sealedBytesMax + directoryBytesMax + 4096;
  }

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#bytes);
  }

  give(buffer: Buffer): void {
    if (this.#free.length < keptMax) this.#free.push(buffer);
  }
}
