import { assert } from '../base/assert.ts';
import { roundUp } from '../base/bytes.ts';
import { firstHugePageIn, hugePageBytes, pageBytes } from '../base/page-memory.ts';
import { blockBytes, chunkBlocks, chunkBytes, idBytes } from './block.ts';
import { patchBytesMax } from './patch.ts';
import { sealBytes } from './seal.ts';

/** Room for one sealed block, whole or patch. */
export const sealedStride = blockBytes + sealBytes + 35;
const patchStride = patchBytesMax + 30;

const idsAt = 0;
const baseIdsAt = idsAt + chunkBlocks * idBytes;
const numbersAt = baseIdsAt + chunkBlocks * idBytes;
const numberBytes = chunkBlocks * 4;
/** The plain begins at a page, so that it can be written past the page cache. */
const plainAt = roundUp(numbersAt + 5 * numberBytes, pageBytes);

/** A chunk that does not shrink fits, and one that does with what lies between its blocks. */
const arrivalBytes = roundUp(chunkBlocks * sealedStride, pageBytes) + 4 * pageBytes;
/** A room for each block; then what arrives from packs, from a page on. */
const sealedAt = plainAt + chunkBytes;
const roomBytes = roundUp(chunkBlocks * sealedStride, pageBytes);
const sealedBytes = roomBytes + arrivalBytes;
const patchesAt = sealedAt + sealedBytes;
const slotBytes = patchesAt + chunkBlocks * patchStride + hugePageBytes;

/**
 * The memory that one chunk of blocks lives in while threads work on it: 16 blocks in the plain,
 * the same sealed, and what the threads have to tell each other about each.
 */
export class Slot {
  readonly memory: SharedArrayBuffer;
  /** Where sealed blocks are read to. */
  readonly arrivals: Arrivals;
  /** 16 plain blocks. */
  readonly plain: Uint8Array<SharedArrayBuffer>;
  readonly sealed: Uint8Array<SharedArrayBuffer>;
  /** The place of each sealed block in `sealed`. */
  readonly offsets: Uint32Array;
  readonly lengths: Uint32Array;
  /** What is to be done with each block: see the tasks in `worker.ts`. */
  readonly modes: Uint32Array;
  /** What came out for each block. */
  readonly results: Uint32Array;
  /** The length of each patch. */
  readonly patchLengths: Uint32Array;
  /** Where all of it begins in the memory. */
  readonly #start: number;

  constructor(memory = new SharedArrayBuffer(slotBytes)) {
    assert(memory.byteLength === slotBytes, 'the memory is that of a slot');
    this.memory = memory;
    const start = firstHugePageIn(memory, slotBytes - hugePageBytes);
    this.#start = start;
    this.plain = new Uint8Array(memory, start + plainAt, chunkBytes);
    this.sealed = new Uint8Array(memory, start + sealedAt, sealedBytes);
    this.arrivals = new Arrivals(this.sealed.subarray(roomBytes));
    const numbers = (n: number) =>
      new Uint32Array(memory, start + numbersAt + n * numberBytes, chunkBlocks);
    this.offsets = numbers(0);
    this.lengths = numbers(1);
    this.modes = numbers(2);
    this.results = numbers(3);
    this.patchLengths = numbers(4);
  }

  /** The id of a block, in place. */
  id(block: number): Uint8Array<SharedArrayBuffer> {
    return new Uint8Array(this.memory, this.#start + idsAt + block * idBytes, idBytes);
  }

  /** The id of the base that a block is patched against, in place. */
  baseId(block: number): Uint8Array<SharedArrayBuffer> {
    return new Uint8Array(this.memory, this.#start + baseIdsAt + block * idBytes, idBytes);
  }

  block(block: number): Uint8Array<SharedArrayBuffer> {
    return this.plain.subarray(block * blockBytes, (block + 1) * blockBytes);
  }

  sealedBlock(block: number): Uint8Array<SharedArrayBuffer> {
    const offset = this.offsets[block] ?? 0;
    return this.sealed.subarray(offset, offset + (this.lengths[block] ?? 0));
  }

  /** The room for a sealed block, which `sealedBlock` begins with from now on. */
  takeRoom(block: number): Uint8Array<SharedArrayBuffer> {
    const start = block * sealedStride;
    this.offsets[block] = start;
    return this.sealed.subarray(start, start + sealedStride);
  }

  /** Says that a sealed block is `bytes`; they are copied unless they lie in the arrivals. */
  placeSealed(block: number, bytes: Uint8Array): void {
    assert(bytes.length <= sealedStride, 'a sealed block fits its room');
    this.lengths[block] = bytes.length;
    if (bytes.buffer === this.memory) {
      this.offsets[block] = bytes.byteOffset - this.sealed.byteOffset;
    } else this.takeRoom(block).set(bytes);
  }

  /** The room for a patch's plaintext. */
  patch(block: number): Uint8Array<SharedArrayBuffer> {
    const start = this.#start + patchesAt + block * patchStride;
    return new Uint8Array(this.memory, start, this.patchLengths[block] ?? 0);
  }
}

/**
 * Memory for what is read from packs, used again: fresh memory costs its page faults, and its
 * collection a fifth of a restore. The threads see it, so that nothing is copied on its way to
 * them.
 */
export class Arrivals {
  readonly #memory: Uint8Array<SharedArrayBuffer>;
  #usedBytes = 0;

  constructor(memory: Uint8Array<SharedArrayBuffer>) {
    this.#memory = memory;
  }

  /** Forgets what was taken: nobody writes or reads there any more. */
  begin(): this {
    this.#usedBytes = 0;
    return this;
  }

  /**
   * Memory for a range of that length, as `into` of a store's `get` may be at its best: from a page
   * on, with what lies around the range in the first page and the last. Undefined when there is no
   * room for it.
   */
  take(lengthBytes: number): Uint8Array | undefined {
    const start = this.#usedBytes;
    const end = start + roundUp(lengthBytes, pageBytes) + pageBytes;
    if (end > arrivalBytes) return undefined;
    this.#usedBytes = end;
    return this.#memory.subarray(start, end);
  }
}

/**
 * A bounded number of slots, which are made when they are first needed. Several pools may share
 * what lies idle, as what writes and what reads seldom run at the same time.
 */
export class SlotPool {
  readonly #idle: Slot[];
  readonly #waiting: ((slot: Slot) => void)[] = [];
  #left: number;

  constructor(count: number, idle: Slot[] = []) {
    assert(count > 0, 'there is a slot');
    this.#left = count;
    this.#idle = idle;
  }

  /** A slot that nobody else has; waits for one, first come first served. */
  async take(): Promise<Slot> {
    if (this.#left === 0) return new Promise((resolve) => this.#waiting.push(resolve));
    this.#left -= 1;
    return this.#idle.pop() ?? new Slot();
  }

  give(slot: Slot): void {
    const next = this.#waiting.shift();
    if (next !== undefined) return next(slot);
    this.#left += 1;
    this.#idle.push(slot);
  }

  /** Replaces a slot that its taker will not give back, because something may still write to it. */
  lose(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#left += 1;
    else next(new Slot());
  }
}
