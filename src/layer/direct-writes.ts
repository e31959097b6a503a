import * as fs from 'node:fs';
import { KiB } from '../base/bytes.ts';
import { errnoOf } from '../base/errors.ts';
import { bytesIntoPage, pageBytes } from '../base/page-memory.ts';

/** Of a shorter write the copy into the page cache is cheaper than a wait for the disk. */
const longBytes = 256 * KiB;

/**
 * Long writes of one file that go past the page cache, by a second descriptor that is opened for
 * the first of them: half of the work of a restore was to copy into the cache what nobody reads
 * soon. The kernel sees to it that reads through the cache find what was written, and a sync is
 * needed as after any write.
 *
 * Which writes do is a matter of their memory: a disk takes it only from the start of a page, where
 * whoever writes much has it on purpose.
 */
export class DirectWrites {
  readonly #descriptor: number;
  #direct: number | undefined;
  #isPossible = true;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  /** Whether a write is to go past the cache. */
  takes(content: Uint8Array, positionBytes: number): boolean {
    const { byteLength } = content;
    const isWhole = positionBytes % pageBytes === 0 && byteLength % pageBytes === 0;
    if (byteLength < longBytes || !isWhole || !this.#isPossible) return false;
    return bytesIntoPage(content) === 0 && this.#open() !== undefined;
  }

  /**
   * Writes what `takes` has accepted. Answers how much of it was written: the rest is to be written
   * the usual way, which tells what is wrong.
   */
  write(content: Uint8Array, positionBytes: number): Promise<number> {
    const direct = this.#open();
    if (direct === undefined) return Promise.resolve(0);
    return new Promise((resolve) => {
      fs.write(direct, content, 0, content.byteLength, positionBytes, (error, count) => {
        // Of a file system or a disk that wants other memory.
        if (error !== null && errnoOf(error) === 'EINVAL') this.#isPossible = false;
        resolve(error === null ? count : 0);
      });
    });
  }

  /** Nothing is being written any more, and nothing will be. */
  close(): void {
    this.#isPossible = false;
    if (this.#direct !== undefined) fs.closeSync(this.#direct);
    this.#direct = undefined;
  }

  #open(): number | undefined {
    if (this.#direct !== undefined || !this.#isPossible) return this.#direct;
    const flags = fs.constants.O_WRONLY | fs.constants.O_DIRECT;
    try {
      this.#direct = fs.openSync(`/proc/self/fd/${this.#descriptor}`, flags);
    } catch {
      // Of a file system without such writes, or no descriptor is left.
      this.#isPossible = false;
    }
    return this.#direct;
  }
}
