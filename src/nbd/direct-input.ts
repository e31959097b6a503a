import { assert } from '../base/assert.ts';
import { KiB } from '../base/bytes.ts';
import type { DirectSocket } from './direct-socket.ts';
import { type Input, waitBytesMax } from './input.ts';
import type { Turns } from './turns.ts';

/** What Node reads at once, at most. */
const chunkBytesMax = 64 * KiB;
/** Room for what somebody waits for, and for one chunk of Node's behind it. */
const memoryBytes = waitBytesMax + chunkBytesMax;

/**
 * Reads a socket by system calls of our own: in every turn of the event loop as long as the client
 * is busy, and through Node when it has been quiet for a while (`Turns`).
 *
 * Invariants: bytes are received only while somebody waits for them, so the peer feels a reader
 * that is behind; what arrived lies in one piece; Node reads only between `rest` and what it then
 * brings.
 */
export class DirectInput implements Input {
  readonly #socket: DirectSocket;
  readonly #turns: Turns;
  readonly #memory: Buffer;
  /** What arrived lies from `start` to before `end`. */
  #start = 0;
  #end = 0;
  #ended = false;
  #wanted = 0;
  #waiting: PromiseWithResolvers<boolean> | undefined;
  /** Serves what has come for the wait that is under way. */
  #serve: (() => number | undefined) | undefined;
  #isServing = false;
  /** Said by who serves: the client has several requests under way. */
  isBusy = false;
  #target: Buffer | undefined;
  #filled = 0;

  /** `unread` is what came before; Node has stopped to read. */
  constructor(direct: DirectSocket, turns: Turns, unread: Buffer) {
    this.#socket = direct;
    this.#turns = turns;
    this.#memory = Buffer.allocUnsafeSlow(memoryBytes + unread.length);
    this.#end = unread.copy(this.#memory);
    const { socket } = direct;
    socket.on('data', (chunk: Buffer) => {
      direct.wake();
      this.#push(chunk);
    });
    socket.once('end', () => this.stop());
    socket.once('close', () => this.drop());
    socket.resume();
    direct.wake();
  }

  has(count: number): boolean {
    return this.#end - this.#start >= count;
  }

  wait(count: number): Promise<boolean> {
    if (this.has(count)) return Promise.resolve(true);
    this.#want(count);
    return this.#sleep();
  }

  /**
   * Waits for what `serve` does not take: it is called as soon as `count` bytes are there, in the
   * same turn, and answers how many are to be there when it is called again; undefined ends the
   * wait. What it throws the wait rejects with.
   */
  waitBeside(count: number, serve: () => number | undefined): Promise<boolean> {
    const there = this.wait(count);
    if (this.#waiting !== undefined) this.#serve = serve;
    return there;
  }

  /** The next `count` bytes, which are there, without taking them. */
  peek(count: number): Buffer {
    assert(this.has(count), 'bytes are looked at only when they are there');
    return this.#memory.subarray(this.#start, this.#start + count);
  }

  take(count: number): Buffer {
    const bytes = this.peek(count);
    this.#start += count;
    return bytes;
  }

  fill(target: Buffer): Promise<boolean> {
    const filled = Math.min(target.length, this.#end - this.#start);
    this.take(filled).copy(target);
    if (filled === target.length) return Promise.resolve(true);
    this.#target = target;
    this.#filled = filled;
    return this.#sleep();
  }

  stop(): void {
    this.#ended = true;
    this.#finish(false);
  }

  drop(): void {
    this.#start = 0;
    this.#end = 0;
    this.stop();
  }

  /** Receives what is there for whoever waits; true when that was something. */
  poll(): boolean {
    if (this.#waiting === undefined) return false;
    const target = this.#target;
    const place =
      target === undefined
        ? this.#memory.subarray(this.#end)
        : target.subarray(this.#filled, this.#filled + this.#turnBytesMax);
    const count = this.#socket.receive(place);
    if (count > 0) this.#received(count);
    // At its end, Node hears of it.
    else if (count === 0) this.#socket.rest();
    return count > 0;
  }

  /** What is received in a turn: where others wait for theirs, no more than Node takes at once. */
  get #turnBytesMax(): number {
    return this.#turns.isShared ? chunkBytesMax : Infinity;
  }

  /** The client has been quiet: whatever comes next, Node brings it. */
  rest(): void {
    if (this.#waiting !== undefined) this.#socket.rest();
  }

  /** An answer has left, and the client's next request is expected soon. */
  expect(): void {
    if (this.#waiting === undefined || this.#isServing) return;
    this.#socket.wake();
    this.#turns.watch(this);
  }

  #want(count: number): void {
    assert(count <= waitBytesMax, 'a wait is for no more than the input holds');
    this.#wanted = count;
  }

  #sleep(): Promise<boolean> {
    assert(this.#waiting === undefined, 'one wait at a time');
    if (this.#ended) {
      this.#target = undefined;
      return Promise.resolve(false);
    }
    if (this.#target === undefined) this.#compact();
    this.#turns.watch(this);
    this.#waiting = Promise.withResolvers();
    return this.#waiting.promise;
  }

  /** Makes room behind what arrived. */
  #compact(): void {
    if (this.#start === 0) return;
    this.#memory.copyWithin(0, this.#start, this.#end);
    this.#end -= this.#start;
    this.#start = 0;
  }

  #finish(there: boolean): void {
    this.#endWait()?.resolve(there);
  }

  #endWait(): PromiseWithResolvers<boolean> | undefined {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    this.#target = undefined;
    this.#serve = undefined;
    return waiting;
  }

  /** `count` bytes have come to where they are wanted. */
  #received(count: number): void {
    if (this.#target === undefined) {
      this.#end += count;
      if (this.has(this.#wanted) && !this.#isServed()) this.#finish(true);
    } else {
      this.#filled += count;
      if (this.#filled === this.#target.length) this.#finish(true);
    }
  }

  /** Has what arrived served; true when that was enough, and the wait goes on. */
  #isServed(): boolean {
    if (this.#serve === undefined) return false;
    this.#isServing = true;
    try {
      const count = this.#serve();
      if (count === undefined || this.has(count)) return false;
      this.#want(count);
      this.#compact();
      return true;
    } catch (error) {
      this.#endWait()?.reject(error);
      return true;
    } finally {
      this.#isServing = false;
    }
  }

  /** Takes what Node has read. */
  #push(chunk: Buffer): void {
    if (this.#ended) return;
    const copied = this.#target === undefined ? 0 : chunk.copy(this.#target, this.#filled);
    if (copied > 0) this.#received(copied);
    if (copied < chunk.length) {
      this.#compact();
      const rest = chunk.copy(this.#memory, this.#end, copied);
      assert(rest === chunk.length - copied, 'there is room for what Node reads at once');
      this.#received(rest);
    }
    if (this.#waiting !== undefined) this.#turns.watch(this);
  }
}
