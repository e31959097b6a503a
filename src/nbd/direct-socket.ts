import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { KiB } from '../base/bytes.ts';
import type { MemoryRange } from '../base/memory-range.ts';
import { type SocketCalls, socketCalls } from './socket-calls.ts';

/**
 * A unix socket holds as much for its peer, and as much again for what the kernel needs beside it:
 * answers to long reads leave with one call each, while the peer still takes in the one before.
 */
const heldBytes = 512 * KiB;

/** What Node's sockets have inside: the descriptor, and whether the event loop reads from it. */
interface Handle {
  readonly fd: number;
  /** What Node's streams believe; while they believe that they read, they do not begin to. */
  reading: boolean;
  readStart(): void;
  readStop(): void;
}

/**
 * A socket of Node whose bytes are moved by system calls of our own, without a wait: for small
 * requests Node's streams cost several times as much as what is done for the client.
 *
 * Node still owns the descriptor. It reads while nobody else does (`rest`), and so tells of data
 * that comes to a sleeping loop, of the peer's end and of failures; and it takes what the peer does
 * not take at once.
 */
export class DirectSocket {
  readonly socket: Socket;
  readonly #handle: Handle;
  readonly #calls: SocketCalls;

  private constructor(socket: Socket, handle: Handle, calls: SocketCalls) {
    this.socket = socket;
    this.#handle = handle;
    this.#calls = calls;
  }

  /** Undefined for a stream that is no plain socket, and where the calls are not to be had. */
  static of(stream: Duplex): DirectSocket | undefined {
    if (socketCalls === undefined || !(stream instanceof Socket)) return undefined;
    if (stream instanceof TLSSocket || stream.destroyed) return undefined;
    const handle: unknown = Reflect.get(stream, '_handle');
    if (!isHandle(handle)) return undefined;
    const direct = new DirectSocket(stream, handle, socketCalls);
    // What is held of TCP the kernel itself adapts.
    if (direct.isLocal) socketCalls.holdUpTo(handle.fd, heldBytes);
    return direct;
  }

  /** True for a unix socket: the peer is on this machine. */
  get isLocal(): boolean {
    return this.socket.remoteFamily === undefined;
  }

  /** Takes over a socket that is paused; answers what Node has read from it and not given away. */
  take(): Buffer {
    this.wake();
    const chunks: Buffer[] = [];
    for (let chunk: unknown; (chunk = this.socket.read()) !== null;) {
      if (chunk instanceof Buffer) chunks.push(chunk);
    }
    this.#handle.reading = true;
    this.wake();
    return Buffer.concat(chunks);
  }

  /** From now on Node does not read. */
  wake(): void {
    if (!this.socket.destroyed) this.#handle.readStop();
  }

  /** From now on Node reads, and tells by the socket's events. */
  rest(): void {
    if (!this.socket.destroyed) this.#handle.readStart();
  }

  /** Like recv(2); the descriptor of a destroyed socket may be another one's already. */
  receive(target: Uint8Array): number {
    return this.socket.destroyed ? 0 : this.#calls.receive(this.#handle.fd, target);
  }

  /** The bytes that the peer has taken. */
  send(bytes: Uint8Array): number {
    return this.socket.destroyed ? 0 : Math.max(0, this.#calls.send(this.#handle.fd, bytes));
  }

  /** The same of what a file has (`SocketCalls.sendFile`). */
  sendFile(bytes: MemoryRange): number {
    if (this.socket.destroyed) return 0;
    return Math.max(0, this.#calls.sendFile(this.#handle.fd, bytes));
  }
}

function isHandle(value: unknown): value is Handle {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof Reflect.get(value, 'readStart') === 'function' &&
    typeof Reflect.get(value, 'readStop') === 'function' &&
    Number(Reflect.get(value, 'fd')) > 0
  );
}
