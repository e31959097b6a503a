import { bindNative, type NativeLibrary } from '../base/native-library.ts';
import { type KernelQueue, type OnEnd, type QueueCalls, queueCalls } from './kernel-queue.ts';
import { put, take, words } from './kernel-words.ts';

/** A read for the kernel's queue. */
export interface QueuedRead {
  /** Where its bytes go, and what its end is told by. */
  readonly slot: number;
  /** Of a file that was opened with `O_DIRECT`. */
  readonly descriptor: number;
  /** Both are multiples of `slotAlignment`. */
  readonly positionBytes: number;
  readonly lengthBytes: number;
}

/** Reads past the page cache in the kernel's queue, and the memory that they go to. */
export interface ReadQueue {
  /** What slot `slot` holds: `slotBytes` of them, from a multiple of `slotAlignment` on. */
  bytesOf(slot: number): Uint8Array;
  /** Like those of `KernelQueue`. */
  begin(reads: readonly QueuedRead[]): number;
  reap(onEnd: OnEnd): void;
  wait(onEnd: OnEnd): Promise<void>;
}

export const slotAlignment = 4096;
/** The longest read, and how many there are at a time: 1 MiB of memory. */
export const slotBytes = 16 * 1024;
export const slotCount = 64;

/** The number of the call, the same on all processors (asm/unistd.h). */
const cachestatNumber = 451;

export interface DirectReadCalls {
  /**
   * How many pages of a range are in memory, without any being read. Undefined where the kernel
   * does not tell: before Linux 6.5.
   */
  cachedPages(descriptor: number, positionBytes: number, lengthBytes: number): number | undefined;
  /** Undefined when the host has no queue left (`fs.aio-max-nr`). */
  openQueue(): ReadQueue | undefined;
}

/** Undefined where they are not to be had. */
export const directReadCalls: DirectReadCalls | undefined = bindNative(bind);

function bind({ library }: NativeLibrary): DirectReadCalls | undefined {
  if (queueCalls === undefined) return undefined;
  const calls = queueCalls;
  const types = ['int64', 'int', 'void *', 'void *', 'uint'];
  const cachestat = library.func('syscall', 'int64', types);
  // struct cachestat_range; and struct cachestat, the first of whose five says what is in memory.
  const range = words(2);
  const found = words(5);
  return {
    cachedPages(descriptor, positionBytes, lengthBytes) {
      put(range, 0, positionBytes);
      put(range, 1, lengthBytes);
      const result: unknown = cachestat(cachestatNumber, descriptor, range, found, 0);
      return Number(result) === 0 ? take(found, 0) : undefined;
    },
    openQueue() {
      const queue = calls.open(slotCount);
      return queue === undefined ? undefined : new SlotQueue(queue, calls);
    },
  };
}

/** The kernel writes into memory that this keeps. */
class SlotQueue implements ReadQueue {
  readonly #queue: KernelQueue;
  readonly #memory = Buffer.allocUnsafeSlow(slotCount * slotBytes + slotAlignment);
  readonly #startBytes: number;
  readonly #address: number;

  constructor(queue: KernelQueue, calls: QueueCalls) {
    this.#queue = queue;
    const address = calls.addressOf(this.#memory);
    this.#startBytes = (slotAlignment - (address % slotAlignment)) % slotAlignment;
    this.#address = address + this.#startBytes;
  }

  bytesOf(slot: number): Uint8Array {
    const from = this.#startBytes + slot * slotBytes;
    return this.#memory.subarray(from, from + slotBytes);
  }

  begin(reads: readonly QueuedRead[]): number {
    const place = (slot: number): number => this.#address + slot * slotBytes;
    return this.#queue.begin(
      reads.map((read) => ({ ...read, operation: 'read', address: place(read.slot) })),
    );
  }

  reap(onEnd: OnEnd): void {
    this.#queue.reap(onEnd);
  }

  wait(onEnd: OnEnd): Promise<void> {
    return this.#queue.wait(onEnd);
  }
}
