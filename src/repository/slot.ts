import { assert } from '../base/assert.ts';
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
const plainAt = 4096;
const sealedAt = plainAt + chunkBytes;
const patchesAt = sealedAt + chunkBlocks * sealedStride;
const slotBytes = patchesAt + chunkBlocks * patchStride;

/**
 * The memory that one chunk of blocks lives in while threads work on it: 16 blocks in the plain,
 * the same sealed, and what the threads have to tell each other about each.
 */
export class Slot {
  readonly memory: SharedArrayBuffer;
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

  constructor(memory = new SharedArrayBuffer(slotBytes)) {
    assert(memory.byteLength === slotBytes, 'the memory is that of a slot');
    this.memory = memory;
    this.plain = new Uint8Array(memory, plainAt, chunkBytes);
    this.sealed = new Uint8Array(memory, sealedAt, chunkBlocks * sealedStride);
    const numbers = (n: number) =>
      new Uint32Array(memory, numbersAt + n * numberBytes, chunkBlocks);
    this.offsets = numbers(0);
    this.lengths = numbers(1);
    this.modes = numbers(2);
    this.results = numbers(3);
    this.patchLengths = numbers(4);
  }

  /** The id of a block, in place. */
  id(block: number): Uint8Array<SharedArrayBuffer> {
    return new Uint8Array(this.memory, idsAt + block * idBytes, idBytes);
  }

  /** The id of the base that a block is patched against, in place. */
  baseId(block: number): Uint8Array<SharedArrayBuffer> {
    return new Uint8Array(this.memory, baseIdsAt + block * idBytes, idBytes);
  }

  block(block: number): Uint8Array<SharedArrayBuffer> {
    return this.plain.subarray(block * blockBytes, (block + 1) * blockBytes);
  }

  sealedBlock(block: number): Uint8Array<SharedArrayBuffer> {
    const offset = this.offsets[block] ?? 0;
    return this.sealed.subarray(offset, offset + (this.lengths[block] ?? 0));
  }

  /** The room for a sealed block. */
  sealedRoom(block: number): Uint8Array<SharedArrayBuffer> {
    return this.sealed.subarray(block * sealedStride, (block + 1) * sealedStride);
  }

  /** The room for a patch's plaintext. */
  patch(block: number): Uint8Array<SharedArrayBuffer> {
    const start = patchesAt + block * patchStride;
    return new Uint8Array(this.memory, start, this.patchLengths[block] ?? 0);
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
