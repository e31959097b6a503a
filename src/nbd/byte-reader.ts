import type { Duplex } from 'node:stream';
import { assert, must } from '../base/assert.ts';
import { KiB } from '../base/bytes.ts';
import type { Input } from './input.ts';

/** Bytes that wait unread before the socket is stopped. */
export const unreadBytesMax = 128 * KiB;

/**
 * Reads any stream.
 *
 * Invariant: the stream flows only while fewer than `unreadBytesMax` bytes are unread, so at most
 * that and one chunk of it are held.
 */
export class ByteReader implements Input {
  readonly #socket: Duplex;
  #chunks: Buffer[] = [];
  #headOffset = 0;
  #unread = 0;
  #ended = false;
  #paused = false;
  #wanted = 0;
  #wake: ((there: boolean) => void) | undefined;
  #target: Buffer | undefined;
  #filled = 0;
  readonly #onData = (chunk: Buffer): void => this.#push(chunk);
  readonly #onEnd = (): void => this.stop();
  readonly #onClose = (): void => this.drop();

  constructor(socket: Duplex) {
    this.#socket = socket;
    socket.on('data', this.#onData);
    socket.once('end', this.#onEnd);
    socket.once('close', this.#onClose);
  }

  has(count: number): boolean {
    return this.#unread >= count;
  }

  wait(count: number): Promise<boolean> {
    assert(count <= unreadBytesMax, 'a wait is for no more than the reader holds');
    if (this.has(count)) return Promise.resolve(true);
    this.#wanted = count;
    return this.#sleep();
  }

  /** A view of what arrived, or a copy of pieces. */
  take(count: number): Buffer {
    assert(this.has(count), 'bytes are taken only when they are there');
    const head = this.#chunks[0];
    if (head !== undefined && head.length - this.#headOffset >= count) {
      const view = head.subarray(this.#headOffset, this.#headOffset + count);
      this.#skip(head, count);
      return view;
    }
    const copy = Buffer.allocUnsafe(count);
    this.#drainInto(copy, 0);
    return copy;
  }

  fill(target: Buffer): Promise<boolean> {
    const filled = this.#drainInto(target, 0);
    if (filled === target.length) return Promise.resolve(true);
    this.#target = target;
    this.#filled = filled;
    return this.#sleep();
  }

  stop(): void {
    this.#ended = true;
    this.#finish(false);
  }

  /** False when nothing more will come. */
  get isOpen(): boolean {
    return !this.#ended;
  }

  /** Lets go of the socket for another reader; gives what was left unread. */
  detach(): Buffer {
    this.#socket.off('data', this.#onData);
    this.#socket.off('end', this.#onEnd);
    this.#socket.off('close', this.#onClose);
    this.#socket.pause();
    return this.take(this.#unread);
  }

  drop(): void {
    this.#chunks = [];
    this.#headOffset = 0;
    this.#unread = 0;
    this.stop();
  }

  #sleep(): Promise<boolean> {
    assert(this.#wake === undefined, 'one wait at a time');
    if (this.#ended) {
      this.#target = undefined;
      return Promise.resolve(false);
    }
    if (this.#paused) {
      this.#paused = false;
      this.#socket.resume();
    }
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #finish(there: boolean): void {
    const wake = this.#wake;
    this.#wake = undefined;
    this.#target = undefined;
    wake?.(there);
  }

  #push(chunk: Buffer): void {
    if (this.#ended) return;
    let rest = chunk;
    if (this.#target !== undefined) {
      const copied = chunk.copy(this.#target, this.#filled);
      this.#filled += copied;
      if (this.#filled < this.#target.length) return;
      this.#finish(true);
      if (copied === chunk.length) return;
      rest = chunk.subarray(copied);
    }
    this.#chunks.push(rest);
    this.#unread += rest.length;
    if (this.#wake !== undefined && this.has(this.#wanted)) this.#finish(true);
    if (this.#unread >= unreadBytesMax && this.#wake === undefined) {
      this.#paused = true;
      this.#socket.pause();
    }
  }

  #drainInto(target: Buffer, from: number): number {
    let at = from;
    while (at < target.length && this.#unread > 0) {
      const head = must(this.#chunks[0], 'a chunk with the unread bytes');
      const copied = head.copy(target, at, this.#headOffset);
      this.#skip(head, copied);
      at += copied;
    }
    return at;
  }

  #skip(head: Buffer, count: number): void {
    this.#unread -= count;
    this.#headOffset += count;
    if (this.#headOffset < head.length) return;
    this.#chunks.shift();
    this.#headOffset = 0;
  }
}
