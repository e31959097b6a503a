import { bindNative, type NativeLibrary } from '../base/native-library.ts';
import { put, take, upper, words } from './kernel-words.ts';

/** What the kernel is to do by itself. */
export type KernelRequest = {
  /** What its end is told by, below the queue's length, and used by one request at a time. */
  readonly slot: number;
  readonly descriptor: number;
} & (
  | { readonly operation: 'sync' }
  | {
      readonly operation: 'read';
      /** Where the bytes go: memory that stays where it is until the read has ended. */
      readonly address: number;
      readonly positionBytes: number;
      readonly lengthBytes: number;
    }
);

/** Hears how a request has ended: the bytes read, 0, or the system's error, negative. */
export type OnEnd = (slot: number, result: number) => void;

/**
 * Requests to files, many for each system call, that end by themselves: Linux's own asynchronous
 * I/O, io_submit(2). A read that cannot be begun without a wait ends with an error (`EAGAIN`).
 */
export interface KernelQueue {
  /** Begins requests, in order; answers how many. The others have not begun, and will not. */
  begin(requests: readonly KernelRequest[]): number;
  /** Tells of those that have ended, without a wait. */
  reap(onEnd: OnEnd): void;
  /** Waits in a thread for some to end, and tells of them. */
  wait(onEnd: OnEnd): Promise<void>;
}

export interface QueueCalls {
  /** A queue for so many requests at a time; undefined when the host has none left. */
  open(length: number): KernelQueue | undefined;
  addressOf(memory: Uint8Array): number;
  /** Lets others who wait for this processor have it first. */
  giveWay(): void;
}

/** The numbers of the calls (asm/unistd.h), which the C library has no names for. */
const callNumbers: Partial<Record<NodeJS.Architecture, Readonly<Record<Call, number>>>> = {
  x64: { io_setup: 206, io_getevents: 208, io_submit: 209 },
  arm64: { io_setup: 0, io_submit: 2, io_getevents: 4 },
};
type Call = 'io_setup' | 'io_submit' | 'io_getevents';

/** Do not wait for a disk (linux/fs.h). */
const RWF_NOWAIT = 8;
/** Like pread(2) and fdatasync(2) (linux/aio_abi.h). */
const IOCB_CMD_PREAD = 0;
const IOCB_CMD_FDSYNC = 3;
/** Sizes of struct iocb and struct io_event (linux/aio_abi.h), in words of 64 bits. */
const requestWords = 8;
const eventWords = 4;

/** Undefined where they are not to be had. */
export const queueCalls: QueueCalls | undefined = bindNative(bind);

function bind({ koffi, library }: NativeLibrary): QueueCalls {
  const numbers = callNumbers[process.arch];
  if (numbers === undefined) throw new Error(`no call numbers for ${process.arch}`);
  const call = (...types: string[]): ReturnType<typeof library.func> =>
    library.func('syscall', 'int64', ['int64', ...types]);
  const setup = call('uint', 'void *');
  const submit = call('int64', 'int64', 'void *');
  const getEvents = call('int64', 'int64', 'int64', 'void *', 'void *');
  const yieldProcessor: () => number = library.func('sched_yield', 'int', []);
  const addressOf = (memory: Uint8Array | Uint32Array): number => Number(koffi.address(memory));
  return {
    addressOf,
    giveWay: () => void yieldProcessor(),
    open(length) {
      const context = words(1);
      const result: unknown = setup(numbers.io_setup, length, context);
      if (Number(result) !== 0) return undefined;
      const id = take(context, 0);
      return new OpenQueue(length, {
        addressOf,
        submit: (count, requests) => Number(submit(numbers.io_submit, id, count, requests)),
        reap: (events) => Number(getEvents(numbers.io_getevents, id, 0, length, events, words(2))),
        wait: (events) =>
          new Promise((resolve) => {
            const ended = (error: unknown, count: unknown): void =>
              resolve(error === null ? Number(count) : -1);
            getEvents.async(numbers.io_getevents, id, 1, length, events, null, ended);
          }),
      });
    },
  };
}

interface OpenQueueCalls {
  addressOf(memory: Uint32Array): number;
  submit(count: number, requests: Uint32Array): number;
  reap(events: Uint32Array): number;
  wait(events: Uint32Array): Promise<number>;
}

class OpenQueue implements KernelQueue {
  readonly #calls: OpenQueueCalls;
  readonly #requests: Uint32Array;
  readonly #requestsAddress: number;
  readonly #order: Uint32Array;
  readonly #events: Uint32Array;
  /** A thread waits with events of its own. */
  readonly #awaited: Uint32Array;

  constructor(length: number, calls: OpenQueueCalls) {
    this.#calls = calls;
    this.#requests = words(length * requestWords);
    this.#requestsAddress = calls.addressOf(this.#requests);
    this.#order = words(length);
    this.#events = words(length * eventWords);
    this.#awaited = words(length * eventWords);
  }

  begin(requests: readonly KernelRequest[]): number {
    for (const [index, request] of requests.entries()) {
      const at = request.slot * requestWords;
      this.#compose(at, request);
      put(this.#order, index, this.#requestsAddress + at * 8);
    }
    return Math.max(0, this.#calls.submit(requests.length, this.#order));
  }

  reap(onEnd: OnEnd): void {
    tell(this.#events, this.#calls.reap(this.#events), onEnd);
  }

  async wait(onEnd: OnEnd): Promise<void> {
    tell(this.#awaited, await this.#calls.wait(this.#awaited), onEnd);
  }

  /** A sync has no other fields than these, or the kernel refuses it. */
  #compose(at: number, request: KernelRequest): void {
    const target = this.#requests;
    const isRead = request.operation === 'read';
    put(target, at, request.slot);
    put(target, at + 1, isRead ? RWF_NOWAIT * upper : 0);
    const command = isRead ? IOCB_CMD_PREAD : IOCB_CMD_FDSYNC;
    put(target, at + 2, request.descriptor * upper + command);
    put(target, at + 3, isRead ? request.address : 0);
    put(target, at + 4, isRead ? request.lengthBytes : 0);
    put(target, at + 5, isRead ? request.positionBytes : 0);
  }
}

function tell(events: Uint32Array, count: number, onEnd: OnEnd): void {
  for (let index = 0; index < count; index += 1) {
    const at = index * eventWords;
    // A result is a signed number, of which the lower half says all.
    onEnd(take(events, at), (events[(at + 2) * 2] ?? 0) | 0);
  }
}
