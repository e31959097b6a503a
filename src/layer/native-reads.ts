import { bindNative, type NativeLibrary } from '../base/native-library.ts';

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

/** Hears how a read has ended: the bytes read, or the system's error, negative. */
export type OnRead = (slot: number, result: number) => void;

/**
 * Reads past the page cache, many for each system call, that end by themselves. None is waited for:
 * what the kernel cannot begin at once ends with an error (`EAGAIN`).
 */
export interface ReadQueue {
  /** What slot `slot` holds: `slotBytes` of them, from a multiple of `slotAlignment` on. */
  bytesOf(slot: number): Uint8Array;
  /** Begins reads, in order; answers how many. The others have not begun, and will not. */
  begin(reads: readonly QueuedRead[]): number;
  /** Tells of those that have ended, without a wait. */
  reap(onRead: OnRead): void;
  /** Waits in a thread for some to end, and tells of them. */
  wait(onRead: OnRead): Promise<void>;
}

export interface DirectReadCalls {
  /**
   * How many pages of a range are in memory, without any being read. Undefined where the kernel
   * does not tell: before Linux 6.5.
   */
  cachedPages(descriptor: number, positionBytes: number, lengthBytes: number): number | undefined;
  /** Undefined when the host has no queue left (`fs.aio-max-nr`). */
  openQueue(): ReadQueue | undefined;
}

export const slotAlignment = 4096;
/** The longest read, and how many there are at a time: 1 MiB of memory. */
export const slotBytes = 16 * 1024;
export const slotCount = 64;

/** The numbers of the calls (asm/unistd.h), which the C library has no names for. */
const callNumbers: Partial<Record<NodeJS.Architecture, Readonly<Record<Call, number>>>> = {
  x64: { io_setup: 206, io_getevents: 208, io_submit: 209, cachestat: 451 },
  arm64: { io_setup: 0, io_submit: 2, io_getevents: 4, cachestat: 451 },
};
type Call = 'io_setup' | 'io_submit' | 'io_getevents' | 'cachestat';

/** Do not wait for a disk (linux/fs.h). */
const RWF_NOWAIT = 8;
/** Sizes of struct iocb and struct io_event (linux/aio_abi.h), in words of 64 bits. */
const requestWords = 8;
const eventWords = 4;

/** Undefined where they are not to be had. */
export const directReadCalls: DirectReadCalls | undefined = bindNative(bind);

function bind({ koffi, library }: NativeLibrary): DirectReadCalls {
  const numbers = callNumbers[process.arch];
  if (numbers === undefined) throw new Error(`no call numbers for ${process.arch}`);
  const call = (...types: string[]): ReturnType<typeof library.func> =>
    library.func('syscall', 'int64', ['int64', ...types]);
  const cachestat = call('int', 'void *', 'void *', 'uint');
  const setup = call('uint', 'void *');
  const submit = call('int64', 'int64', 'void *');
  const getEvents = call('int64', 'int64', 'int64', 'void *', 'void *');
  // Of struct cachestat_range; of struct cachestat the first of five says what is in memory.
  const range = words(2);
  const found = words(5);
  return {
    cachedPages(descriptor, positionBytes, lengthBytes) {
      put(range, 0, positionBytes);
      put(range, 1, lengthBytes);
      const result: unknown = cachestat(numbers.cachestat, descriptor, range, found, 0);
      return Number(result) === 0 ? take(found, 0) : undefined;
    },
    openQueue() {
      const context = words(1);
      const result: unknown = setup(numbers.io_setup, slotCount, context);
      if (Number(result) !== 0) return undefined;
      const id = take(context, 0);
      return new KernelQueue({
        addressOf: (memory) => Number(koffi.address(memory)),
        submit: (count, requests) => Number(submit(numbers.io_submit, id, count, requests)),
        reap: (events) =>
          Number(getEvents(numbers.io_getevents, id, 0, slotCount, events, words(2))),
        wait: (events) =>
          new Promise((resolve) => {
            getEvents.async(
              numbers.io_getevents,
              id,
              1,
              slotCount,
              events,
              null,
              (error: unknown, count: unknown) => resolve(error === null ? Number(count) : -1),
            );
          }),
      });
    },
  };
}

interface QueueCalls {
  addressOf(memory: Uint8Array | Uint32Array): number;
  submit(count: number, requests: Uint32Array): number;
  reap(events: Uint32Array): number;
  wait(events: Uint32Array): Promise<number>;
}

/** A queue of Linux's own asynchronous reads; the kernel writes into memory that this keeps. */
class KernelQueue implements ReadQueue {
  readonly #calls: QueueCalls;
  readonly #memory = Buffer.allocUnsafeSlow(slotCount * slotBytes + slotAlignment);
  readonly #startBytes: number;
  readonly #memoryAddress: number;
  readonly #requests = words(slotCount * requestWords);
  readonly #requestsAddress: number;
  readonly #order = words(slotCount);
  readonly #events = words(slotCount * eventWords);
  /** A thread waits with events of its own. */
  readonly #awaited = words(slotCount * eventWords);

  constructor(calls: QueueCalls) {
    this.#calls = calls;
    const address = calls.addressOf(this.#memory);
    this.#startBytes = (slotAlignment - (address % slotAlignment)) % slotAlignment;
    this.#memoryAddress = address + this.#startBytes;
    this.#requestsAddress = calls.addressOf(this.#requests);
  }

  bytesOf(slot: number): Uint8Array {
    const from = this.#startBytes + slot * slotBytes;
    return this.#memory.subarray(from, from + slotBytes);
  }

  begin(reads: readonly QueuedRead[]): number {
    for (const [index, { slot, descriptor, positionBytes, lengthBytes }] of reads.entries()) {
      const at = slot * requestWords;
      const requests = this.#requests;
      put(requests, at, slot);
      put(requests, at + 1, RWF_NOWAIT * upper);
      put(requests, at + 2, descriptor * upper);
      put(requests, at + 3, this.#memoryAddress + slot * slotBytes);
      put(requests, at + 4, lengthBytes);
      put(requests, at + 5, positionBytes);
      put(this.#order, index, this.#requestsAddress + at * 8);
    }
    return Math.max(0, this.#calls.submit(reads.length, this.#order));
  }

  reap(onRead: OnRead): void {
    tell(this.#events, this.#calls.reap(this.#events), onRead);
  }

  async wait(onRead: OnRead): Promise<void> {
    tell(this.#awaited, await this.#calls.wait(this.#awaited), onRead);
  }
}

function tell(events: Uint32Array, count: number, onRead: OnRead): void {
  for (let index = 0; index < count; index += 1) {
    const at = index * eventWords;
    // A result is a signed number, of which the lower half says all.
    onRead(take(events, at), (events[(at + 2) * 2] ?? 0) | 0);
  }
}

/** What the upper half of a word counts in. */
const upper = 2 ** 32;

/** Words of 64 bits, zeros, that stay where they are in memory: a short array would be moved. */
function words(count: number): Uint32Array {
  return new Uint32Array(new ArrayBuffer(count * 8));
}

/** Processors that this runs on put the lower half first. */
function put(target: Uint32Array, word: number, value: number): void {
  target[word * 2] = value >>> 0;
  target[word * 2 + 1] = Math.floor(value / upper);
}

function take(source: Uint32Array, word: number): number {
  return (source[word * 2] ?? 0) + (source[word * 2 + 1] ?? 0) * upper;
}
