import { must } from '../base/assert.ts';
import { type Turning, eventLoop } from './cold-reads.ts';
import { type QueuedRead, type ReadQueue, slotAlignment, slotBytes } from './native-reads.ts';
import { slotCount } from './native-reads.ts';
import { QueueWatch } from './queue-watch.ts';

/** Refusals in a row after which the kernel is not asked for a while, and for how long. */
const refusalsMax = 64;
const restMs = 1000;

/** Gets the bytes that were read, which hold until it returns; undefined where that failed. */
export type OnBytes = (bytes: Uint8Array | undefined) => void;

/** A read of whole sectors. */
export interface DirectRead {
  /** Opened for direct reads; it stays open until `onEnd` was called. */
  readonly descriptor: number;
  readonly positionBytes: number;
  readonly lengthBytes: number;
  readonly onEnd: OnBytes;
}

/**
 * Reads of a few sectors that memory does not have, straight from the disk into memory of our own.
 *
 * All that come in one turn of the event loop are begun by one system call, which costs a third of
 * what the page cache does for each, and a virtual disk is told once. They end by themselves
 * (`QueueWatch`). There are at most `slotCount` at a time. What the kernel refuses, because it has
 * to wait or because something was written there meanwhile, is to be read the usual way.
 */
export class DirectReads {
  readonly #queue: ReadQueue;
  readonly #watch: QueueWatch;
  readonly #loop: Turning;
  readonly #free = Array.from({ length: slotCount }, (_, slot) => slot);
  readonly #bySlot: (DirectRead | undefined)[] = [];
  #toBegin: QueuedRead[] = [];
  #refusals = 0;
  #restUntilMs = -Infinity;

  constructor(queue: ReadQueue, loop: Turning = eventLoop) {
    this.#queue = queue;
    this.#watch = new QueueWatch(queue, (slot, result) => this.#end(slot, result), loop);
    this.#loop = loop;
  }

  /** Takes a read, if it can do so now; answers whether it did. */
  begin(read: DirectRead): boolean {
    const { descriptor, positionBytes, lengthBytes } = read;
    const isSectors = positionBytes % slotAlignment === 0 && lengthBytes % slotAlignment === 0;
    if (!isSectors || lengthBytes > slotBytes || lengthBytes === 0 || this.#rests) return false;
    const slot = this.#free.pop();
    if (slot === undefined) return false;
    this.#bySlot[slot] = read;
    this.#toBegin.push({ slot, descriptor, positionBytes, lengthBytes });
    if (this.#toBegin.length === 1) process.nextTick(this.#beginAll);
    return true;
  }

  get #rests(): boolean {
    return this.#restUntilMs > -Infinity && this.#loop.now() < this.#restUntilMs;
  }

  readonly #beginAll = (): void => {
    const reads = this.#toBegin;
    this.#toBegin = [];
    const begun = this.#queue.begin(reads);
    this.#watch.noteBegun(begun);
    for (const { slot } of reads.slice(begun)) this.#end(slot, -1);
  };

  #end(slot: number, result: number): void {
    const { lengthBytes, onEnd } = must(this.#bySlot[slot], 'a read under way');
    const isDone = result === lengthBytes;
    this.#refusals = isDone ? 0 : this.#refusals + 1;
    if (isDone) this.#restUntilMs = -Infinity;
    else if (this.#refusals >= refusalsMax) this.#restUntilMs = this.#loop.now() + restMs;
    onEnd(isDone ? this.#queue.bytesOf(slot).subarray(0, lengthBytes) : undefined);
    this.#bySlot[slot] = undefined;
    this.#free.push(slot);
  }
}
