import * as fs from 'node:fs';
import { ColdReads } from './cold-reads.ts';
import { DirectDescriptor } from '../base/direct-descriptor.ts';
import { DirectFile } from './direct-file.ts';
import type { OnBytes } from './direct-reads.ts';
import { DirectWrites } from '../base/direct-writes.ts';
import { Serial } from '../base/serial.ts';
import type { OpenFile, Reading } from './file-operations.ts';
import { nativeCalls } from './native.ts';
import { Pace } from './pace.ts';
import { queuedSyncs } from './queued-syncs.ts';

/**
 * Requests up to this size are served in place when memory can: a trip to the thread pool costs
 * about 40 µs, which is what copying this much costs. Longer ones go to the pool, where the copying
 * does not hold up other requests.
 */
const inPlaceBytesMax = 128 * 1024;
/** Of reads of this size, what memory is sure to have is read in place, too. */
const readInPlaceBytesMax = 256 * 1024;

/** A file that is synced after so few writes in place has its writes begun at once. */
const fewWrites = 64;
/** What is looked at to see whether memory has a long range. */
const probeBytes = 4096;
/** Where that goes which is read for nothing else. */
const probed = Buffer.allocUnsafeSlow(probeBytes);

/** Reads through memory that `readNow` has begun, of all files; they hold 512 KiB at most. */
const begunMax = 32;
const begunBytesMax = 16 * 1024;
let begunThroughMemory = 0;

/** All files of a process share their disk's pace. */
const writePace = new Pace();

/**
 * A file by its descriptor.
 *
 * What the page cache can serve is served in place, in microseconds; what would wait for the disk
 * goes to the thread pool, so that a slow disk never holds up this thread. For reads the kernel
 * says which it is. For writes it does not: they are made in place until one of them was slow.
 * Where a sync follows every few writes, the disk begins with each of them at once, so that it is
 * done with most of them when the sync comes.
 */
export class DescriptorFile implements OpenFile {
  readonly #descriptor: number;
  readonly #coldReads: ColdReads;
  readonly #direct: DirectFile;
  readonly #directReads: DirectDescriptor;
  readonly #directWrites: DirectWrites;
  readonly #longWrites = new Serial();
  /** False once the file system has said that it cannot tell what is in memory. */
  #tellsCached = nativeCalls !== undefined;
  /** Writes in place since the last sync began. */
  #unsyncedWrites = 0;
  #isSyncedOften = false;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
    this.#direct = new DirectFile(descriptor);
    this.#directReads = new DirectDescriptor(descriptor, 'read');
    this.#directWrites = new DirectWrites(descriptor);
    this.#coldReads = new ColdReads({
      readCached: (target, at) => {
        const count = nativeCalls?.readCached(descriptor, target, at) ?? -1;
        if (count === target.byteLength) this.#direct.noteThere(at);
        return count;
      },
      fetch: (at, lengthBytes) => nativeCalls?.fetch(descriptor, at, lengthBytes),
      readInPool: (target, at) => this.#readInPool(target, at),
    });
  }

  read(target: Uint8Array, positionBytes: number): Promise<number> {
    if (!this.#tellsCached) return this.#readInPool(target, positionBytes);
    if (target.byteLength > inPlaceBytesMax) return this.#readLong(target, positionBytes);
    if (this.readNow(target, positionBytes) === 'done') return Promise.resolve(target.byteLength);
    if (!this.#tellsCached) return this.#readInPool(target, positionBytes);
    const reading = this.#direct.read(target, positionBytes);
    if (reading === undefined) return this.#readThroughMemory(target, positionBytes);
    return reading.then((isDone) =>
      isDone ? target.byteLength : this.#readInPool(target, positionBytes),
    );
  }

  write(content: Uint8Array, positionBytes: number): Promise<void> {
    if (this.writeNow(content, positionBytes)) return written;
    return this.#writeInPool(content, positionBytes);
  }

  readNow(target: Uint8Array, positionBytes: number, onEnd?: OnBytes): Reading {
    const { byteLength } = target;
    if (!this.#tellsCached) return 'refused';
    if (this.#direct.lacks(positionBytes, byteLength)) {
      if (onEnd === undefined) return 'refused';
      if (this.#direct.begin(positionBytes, byteLength, onEnd)) return 'begun';
      if (byteLength > begunBytesMax || begunThroughMemory === begunMax) return 'refused';
      void this.#beginThroughMemory(positionBytes, byteLength, onEnd);
      return 'begun';
    }
    const done = nativeCalls?.readCached(this.#descriptor, target, positionBytes);
    if (done === -2) this.#tellsCached = false;
    if (done !== byteLength) return 'refused';
    this.#direct.noteHit(positionBytes);
    return 'done';
  }

  locate(positionBytes: number, lengthBytes: number): number | undefined {
    if (!this.#tellsCached || !this.#direct.has(positionBytes, lengthBytes)) return undefined;
    // What is being read just now is counted as there; it comes in order.
    const lastBytes = Math.min(probeBytes, lengthBytes);
    const last = positionBytes + lengthBytes - lastBytes;
    return this.#has(probed.subarray(0, lastBytes), last) ? this.#descriptor : undefined;
  }

  writeNow(content: Uint8Array, positionBytes: number): boolean {
    const { byteLength } = content;
    if (byteLength > inPlaceBytesMax || !writePace.isFast) return false;
    const from = performance.now();
    try {
      const done = fs.writeSync(this.#descriptor, content, 0, byteLength, positionBytes);
      this.#unsyncedWrites += 1;
      if (this.#isSyncedOften) {
        nativeCalls?.beginWriting(this.#descriptor, positionBytes, byteLength);
      }
      return done === byteLength;
    } catch {
      return false;
    } finally {
      writePace.note(from);
    }
  }

  async beginWriting(): Promise<void> {
    await nativeCalls?.beginWritingInPool(this.#descriptor);
  }

  datasync(): Promise<void> {
    const writes = this.#unsyncedWrites;
    this.#isSyncedOften = writes > 0 && writes <= fewWrites;
    this.#unsyncedWrites = 0;
    const queued = writes === 1 ? queuedSyncs()?.begin(this.#descriptor) : undefined;
    return queued ?? settle((done) => fs.fdatasync(this.#descriptor, done));
  }

  truncate(lengthBytes: number): Promise<void> {
    return settle((done) => fs.ftruncate(this.#descriptor, lengthBytes, done));
  }

  punch(positionBytes: number, lengthBytes: number): Promise<void> {
    if (nativeCalls === undefined) {
      const message = 'EOPNOTSUPP: there is no call that makes holes';
      return Promise.reject(Object.assign(new Error(message), { code: 'EOPNOTSUPP' }));
    }
    return nativeCalls.punchHole(this.#descriptor, positionBytes, lengthBytes);
  }

  async sizeBytes(): Promise<number> {
    return (await this.#facts()).size;
  }

  /** The blocks of stat(2) have 512 bytes, whatever those of the file system have. */
  async allocatedBytes(): Promise<number> {
    return (await this.#facts()).blocks * 512;
  }

  close(): Promise<void> {
    this.#direct.close();
    this.#directReads.close();
    this.#directWrites.close();
    return settle((done) => fs.close(this.#descriptor, done));
  }

  #facts(): Promise<fs.Stats> {
    return new Promise((resolve, reject) => {
      fs.fstat(this.#descriptor, (error, facts) => {
        if (error === null) resolve(facts);
        else reject(error);
      });
    });
  }

  #readThroughMemory(target: Uint8Array, positionBytes: number): Promise<number> {
    return this.#direct.passedBy(() => this.#coldReads.read(target, positionBytes));
  }

  async #beginThroughMemory(
    positionBytes: number,
    lengthBytes: number,
    onEnd: OnBytes,
  ): Promise<void> {
    begunThroughMemory += 1;
    const target = Buffer.allocUnsafe(lengthBytes);
    let count = 0;
    try {
      count = await this.#readThroughMemory(target, positionBytes);
    } catch {
      // The ordinary read, which follows, says why.
    }
    begunThroughMemory -= 1;
    onEnd(count === lengthBytes ? target : undefined);
  }

  /**
   * What memory lacks of a long range, a copy or a backup mostly wants, and once: it goes past
   * memory where that can be. Else the disk is asked for it as a whole; the kernel alone asks for
   * pieces of it.
   */
  async #readLong(target: Uint8Array, positionBytes: number): Promise<number> {
    const { byteLength } = target;
    const isThere =
      this.#has(target.subarray(0, probeBytes), positionBytes) &&
      this.#has(target.subarray(-probeBytes), positionBytes + byteLength - probeBytes);
    if (isThere) {
      const isShort = byteLength <= readInPlaceBytesMax;
      if (isShort && this.#has(target, positionBytes)) return byteLength;
    } else if (this.#directReads.takes(target, positionBytes)) {
      const done = await this.#directReads.move(target, positionBytes);
      if (done === byteLength) return done;
    } else await nativeCalls?.fetchInPool(this.#descriptor, positionBytes, byteLength);
    return this.#readInPool(target, positionBytes);
  }

  #has(target: Uint8Array, positionBytes: number): boolean {
    return nativeCalls?.readCached(this.#descriptor, target, positionBytes) === target.byteLength;
  }

  #readInPool(target: Uint8Array, positionBytes: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const next = (done: number): void => {
        const left = target.byteLength - done;
        fs.read(this.#descriptor, target, done, left, positionBytes + done, (error, count) => {
          if (error !== null) reject(error);
          else if (count === left || count === 0) resolve(done + count);
          else next(done + count);
        });
      };
      next(0);
    });
  }

  /** Long ones one at a time: the kernel lets in no more, and the others would spin on its lock. */
  #writeInPool(content: Uint8Array, positionBytes: number): Promise<void> {
    if (content.byteLength <= inPlaceBytesMax) return this.#writeFrom(0, content, positionBytes);
    return this.#longWrites.run(async () => {
      const isDirect = this.#directWrites.takes(content, positionBytes);
      const done = isDirect ? await this.#directWrites.write(content, positionBytes) : 0;
      if (done < content.byteLength) await this.#writeFrom(done, content, positionBytes);
    });
  }

  #writeFrom(start: number, content: Uint8Array, positionBytes: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const next = (done: number): void => {
        const left = content.byteLength - done;
        fs.write(this.#descriptor, content, done, left, positionBytes + done, (error, count) => {
          if (error !== null) reject(error);
          else if (count === left) resolve();
          else next(done + count);
        });
      };
      next(start);
    });
  }
}

const written = Promise.resolve();

function settle(start: (done: (error: Error | null | undefined) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}
