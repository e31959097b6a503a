import * as fs from 'node:fs';
import { pageBytes } from '../base/page-memory.ts';
import { DirectReads, type OnBytes } from './direct-reads.ts';
import { directReadCalls } from './native-reads.ts';
import { ReadHabits } from './read-habits.ts';

/** Files with a second descriptor, at most so many in a process. */
const filesMax = 256;
let files = 0;

/** With fewer than these under way, a read through memory is answered sooner. */
const readsMin = 4;
/** Reads of what memory lacks that are under way, of all files, whichever way they go. */
let readsUnderWay = 0;

/** All files share one queue; null where there is none. */
let shared: DirectReads | null | undefined;

function openShared(): DirectReads | null {
  const queue = directReadCalls?.openQueue();
  return queue === undefined ? null : new DirectReads(queue);
}

/**
 * The reads of a file that go past the page cache (`ReadHabits`, `DirectReads`), by a second
 * descriptor that is opened for the first of them. What was written to the file and is in memory
 * only, these reads see too: the kernel sees to it, or refuses them.
 */
export class DirectFile {
  readonly #descriptor: number;
  readonly #habits = new ReadHabits();
  #direct: number | undefined;
  /** False once there is no such descriptor, or the kernel does not tell what is in memory. */
  #isPossible = directReadCalls !== undefined;
  /** Where memory had something lately. */
  #thereAt = -1;
  /** A read that has just been found missing, so that it is not looked for twice. */
  #missed = { positionBytes: -1, isToPass: false };

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  /**
   * True when a range is known not to be in memory, without the kernel beginning to read it. It is
   * only asked for where most reads miss; `begin` or `read` is to follow.
   */
  lacks(positionBytes: number, lengthBytes: number): boolean {
    if (!this.#isPossible || !this.#habits.isCold) return false;
    if (positionBytes === this.#missed.positionBytes) return true;
    const pages = directReadCalls?.cachedPages(this.#descriptor, positionBytes, lengthBytes);
    if (pages === undefined) this.#isPossible = false;
    if (pages !== 0) return false;
    const isToPass = this.#habits.noteMiss(positionBytes, lengthBytes);
    this.#missed = { positionBytes, isToPass };
    return true;
  }

  /** True when memory has all of a range; not where the kernel does not tell. */
  has(positionBytes: number, lengthBytes: number): boolean {
    const endPage = Math.ceil((positionBytes + lengthBytes) / pageBytes);
    const pages = endPage - Math.floor(positionBytes / pageBytes);
    const cached = directReadCalls?.cachedPages(this.#descriptor, positionBytes, lengthBytes);
    if (cached !== pages) return false;
    this.noteHit(positionBytes);
    return true;
  }

  /** Notes a read that memory has served. */
  noteHit(positionBytes: number): void {
    this.#habits.noteHit();
    this.#thereAt = positionBytes;
  }

  /** Notes what has come to be in memory. */
  noteThere(positionBytes: number): void {
    this.#thereAt = positionBytes;
  }

  /** Begins a read of what memory lacks, if it is to go past it; answers whether it did. */
  begin(positionBytes: number, lengthBytes: number, onEnd: OnBytes): boolean {
    const { isToPass } = this.#missed;
    if (positionBytes !== this.#missed.positionBytes || !isToPass) return false;
    if (readsUnderWay < readsMin) return false;
    if (shared === undefined) shared = openShared();
    this.#direct ??= this.#open();
    const descriptor = this.#direct;
    if (shared === null || descriptor === undefined) return false;
    const counted: OnBytes = (bytes) => {
      readsUnderWay -= 1;
      onEnd(bytes);
    };
    if (!shared.begin({ descriptor, positionBytes, lengthBytes, onEnd: counted })) return false;
    readsUnderWay += 1;
    this.#missed.positionBytes = -1;
    return true;
  }

  /**
   * Fills `target` with what memory lacks, if that is to go past it; else undefined. Resolves with
   * false when it is to be read the usual way after all.
   */
  read(target: Uint8Array, positionBytes: number): Promise<boolean> | undefined {
    if (positionBytes !== this.#missed.positionBytes) {
      this.#habits.noteMiss(positionBytes, target.byteLength);
      return undefined;
    }
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const isBegun = this.begin(positionBytes, target.byteLength, (bytes) => {
      if (bytes !== undefined) target.set(bytes);
      resolve(bytes !== undefined);
    });
    this.#missed.positionBytes = -1;
    return isBegun ? promise : undefined;
  }

  /** Counts a read that goes through memory. */
  async passedBy(read: () => Promise<number>): Promise<number> {
    this.#missed.positionBytes = -1;
    readsUnderWay += 1;
    try {
      return await read();
    } finally {
      readsUnderWay -= 1;
    }
  }

  /** Nothing is being read any more. */
  close(): void {
    if (this.#direct === undefined) return;
    fs.closeSync(this.#direct);
    this.#direct = undefined;
    files -= 1;
  }

  #open(): number | undefined {
    if (!this.#isPossible || this.#thereAt < 0 || files === filesMax) return undefined;
    // Of a file that lies over another one (overlayfs) the kernel speaks of the wrong memory.
    if (directReadCalls?.cachedPages(this.#descriptor, this.#thereAt, 1) === 0) {
      this.#isPossible = false;
      return undefined;
    }
    const flags = fs.constants.O_RDONLY | fs.constants.O_DIRECT;
    try {
      const direct = fs.openSync(`/proc/self/fd/${this.#descriptor}`, flags);
      files += 1;
      return direct;
    } catch {
      // Of a file system without such reads.
      this.#isPossible = false;
      return undefined;
    }
  }
}
