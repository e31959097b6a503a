import * as fs from 'node:fs';
import { errnoOf } from './errors.ts';
import { bytesIntoPage, pageBytes } from './page-memory.ts';

type Transfer = (
  descriptor: number,
  memory: Uint8Array,
  positionBytes: number,
  done: (error: Error | null, count: number) => void,
) => void;

const transfers: Readonly<Record<'read' | 'write', { flag: number; run: Transfer }>> = {
  read: {
    flag: fs.constants.O_RDONLY,
    run: (fd, memory, at, done) => fs.read(fd, memory, 0, memory.byteLength, at, done),
  },
  write: {
    flag: fs.constants.O_WRONLY,
    run: (fd, memory, at, done) => fs.write(fd, memory, 0, memory.byteLength, at, done),
  },
};

/**
 * A second descriptor of a file, for long reads or writes past the page cache; it is opened for the
 * first of them. Which ones do is a matter of their memory: a disk moves bytes only from and to the
 * start of a page, where whoever moves many has them on purpose.
 */
export class DirectDescriptor {
  readonly #descriptor: number;
  readonly #direction: 'read' | 'write';
  #direct: number | undefined;
  #isPossible = true;

  constructor(descriptor: number, direction: 'read' | 'write') {
    this.#descriptor = descriptor;
    this.#direction = direction;
  }

  /** Whether whole pages are to be moved, from or to whole pages of memory. */
  takes(memory: Uint8Array, positionBytes: number): boolean {
    const isWhole = positionBytes % pageBytes === 0 && memory.byteLength % pageBytes === 0;
    if (!isWhole || !this.#isPossible) return false;
    return bytesIntoPage(memory) === 0 && this.#open() !== undefined;
  }

  /**
   * Moves what `takes` has accepted. Answers how much of it was moved: the rest is to be moved the
   * usual way, which tells what is wrong.
   */
  move(memory: Uint8Array, positionBytes: number): Promise<number> {
    const direct = this.#open();
    if (direct === undefined) return Promise.resolve(0);
    return new Promise((resolve) => {
      transfers[this.#direction].run(direct, memory, positionBytes, (error, count) => {
        // Of a file system or a disk that wants other memory.
        if (error !== null && errnoOf(error) === 'EINVAL') this.#isPossible = false;
        resolve(error === null ? count : 0);
      });
    });
  }

  /** Nothing is being moved any more, and nothing will be. */
  close(): void {
    this.#isPossible = false;
    if (this.#direct !== undefined) fs.closeSync(this.#direct);
    this.#direct = undefined;
  }

  #open(): number | undefined {
    if (this.#direct !== undefined || !this.#isPossible) return this.#direct;
    const flags = transfers[this.#direction].flag | fs.constants.O_DIRECT;
    try {
      this.#direct = fs.openSync(`/proc/self/fd/${this.#descriptor}`, flags);
    } catch {
      // Of a file system without such ways, or no descriptor is left.
      this.#isPossible = false;
    }
    return this.#direct;
  }
}
