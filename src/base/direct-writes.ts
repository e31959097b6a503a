import { DirectDescriptor } from './direct-descriptor.ts';
import { longBytes } from './page-memory.ts';

/**
 * Long writes of one file that go past the page cache: a good part of the work of a backup or a
 * restore was to copy into the cache what nobody reads soon. The kernel sees to it that reads
 * through the cache find what was written, and a sync is needed as after any write.
 */
export class DirectWrites {
  readonly #file: DirectDescriptor;

  constructor(descriptor: number) {
    this.#file = new DirectDescriptor(descriptor, 'write');
  }

  /** Whether a write is to go past the cache. */
  takes(content: Uint8Array, positionBytes: number): boolean {
    return content.byteLength >= longBytes && this.#file.takes(content, positionBytes);
  }

  /** Writes what `takes` has accepted, as far as it can (`DirectDescriptor.move`). */
  write(content: Uint8Array, positionBytes: number): Promise<number> {
    return this.#file.move(content, positionBytes);
  }

  close(): void {
    this.#file.close();
  }
}
