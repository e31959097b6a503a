import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { assert } from '../base/assert.ts';
import { KiB } from '../base/bytes.ts';
import { OperatingError } from '../base/errors.ts';
import type { NbdCertificates } from './nbd-certificates.ts';
import type { NbdAddress } from './nbd-uri.ts';

const scratchBytes = 256 * KiB;

/**
 * A connected socket that is read in pieces of the reader's choosing.
 *
 * Invariants: one `read` or `fill` is under way at a time; what arrived and nobody asked for yet is
 * one piece, and while there is any of it, nothing more is read from the socket.
 */
export class NbdSocket {
  #socket: Socket;
  #arrived: Uint8Array = new Uint8Array();
  #start = 0;
  #end = 0;
  #target: Uint8Array | undefined;
  #filled = 0;
  #done: { resolve: () => void; reject: (error: unknown) => void } | undefined;
  #failure: unknown;
  #corked = false;
  readonly #uncork = (): void => {
    this.#corked = false;
    this.#socket.uncork();
  };

  /** Connects; rejects with `unavailable` when nobody answers there. */
  static async connect(address: NbdAddress): Promise<NbdSocket> {
    const socket = new NbdSocket(address);
    await new Promise<void>((resolve, reject) => {
      socket.#socket.once('connect', resolve);
      socket.#socket.once('error', (cause) => {
        const message = `cannot connect to the NBD server: ${cause.message}`;
        reject(new OperatingError('unavailable', message, { cause }));
      });
    });
    return socket;
  }

  private constructor(address: NbdAddress) {
    const place = 'path' in address ? { path: address.path } : address;
    if ('secure' in address) {
      this.#socket = connect({ ...place, noDelay: true });
      this.#readFrom(this.#socket);
    } else {
      const buffer = Buffer.allocUnsafeSlow(scratchBytes);
      const callback = (count: number): boolean => this.#push(buffer.subarray(0, count));
      this.#socket = connect({ ...place, noDelay: true, onread: { buffer, callback } });
    }
    this.#endWith(this.#socket);
  }

  /**
   * Goes on in TLS with the server at `host`; rejects with `unavailable` when the two do not come
   * to terms, or when its certificate is not for that host or of nobody who is trusted.
   */
  async startTls(host: string, certificates: NbdCertificates): Promise<void> {
    assert(this.#done === undefined, 'nobody reads while TLS begins');
    if (this.#start < this.#end) throw lost(new Error('bytes in clear came behind STARTTLS'));
    const clear = this.#socket;
    clear.removeAllListeners('data');
    const servername = isIP(host) === 0 ? { servername: host } : {};
    const options = { ...certificates, ...servername, host, minVersion: 'TLSv1.2' } as const;
    const secure = connectTls({ socket: clear, ...options });
    this.#socket = secure;
    await new Promise<void>((resolve, reject) => {
      secure.once('secureConnect', resolve);
      const failed = (cause?: Error): void => {
        const why = cause?.message ?? 'the server hung up';
        const message = `TLS with the NBD server failed: ${why}`;
        reject(new OperatingError('unavailable', message, { cause }));
      };
      secure.once('error', failed);
      secure.once('close', () => failed());
    });
    this.#readFrom(secure);
    this.#endWith(secure);
  }

  #readFrom(socket: Socket): void {
    socket.on('data', (chunk: Buffer) => {
      if (!this.#push(chunk)) socket.pause();
    });
  }

  #endWith(socket: Socket): void {
    socket.on('error', (error) => this.destroy(lost(error)));
    socket.on('end', () => this.destroy(lost()));
    socket.on('close', () => this.destroy(lost()));
  }

  /** Queues bytes; what is queued in one turn leaves together. */
  write(bytes: Uint8Array): void {
    if (!this.#corked) {
      this.#corked = true;
      this.#socket.cork();
      process.nextTick(this.#uncork);
    }
    this.#socket.write(bytes);
  }

  /** The next `count` bytes, in a buffer of their own. */
  async read(count: number): Promise<Buffer> {
    const target = Buffer.allocUnsafe(count);
    await this.fill(target);
    return target;
  }

  /** Fills `target` with the next bytes; rejects when the connection ends first. */
  fill(target: Uint8Array): Promise<void> | undefined {
    assert(this.#done === undefined, 'one read at a time');
    this.#target = target;
    this.#filled = 0;
    this.#copy();
    if (this.#filled === target.length) return undefined;
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    this.#socket.resume();
    return new Promise((resolve, reject) => {
      this.#done = { resolve, reject };
    });
  }

  /** Sends what is queued and ends the connection. */
  end(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#socket.destroyed) return resolve();
      this.#socket.once('close', resolve);
      this.#socket.end(() => this.#socket.destroy());
    });
  }

  /** Ends the connection at once; whoever reads is told why. */
  destroy(why: unknown): void {
    this.#failure ??= why;
    this.#socket.destroy();
    const done = this.#done;
    this.#done = undefined;
    done?.reject(this.#failure);
  }

  /** Takes new bytes; false stops the socket until somebody reads on. */
  #push(bytes: Uint8Array): boolean {
    this.#arrived = bytes;
    this.#start = 0;
    this.#end = bytes.length;
    this.#copy();
    const target = this.#target;
    const done = this.#done;
    if (done !== undefined && target !== undefined && this.#filled === target.length) {
      this.#done = undefined;
      done.resolve();
    }
    return this.#start === this.#end && this.#done !== undefined;
  }

  #copy(): void {
    const target = this.#target;
    if (target === undefined) return;
    const count = Math.min(this.#end - this.#start, target.length - this.#filled);
    target.set(this.#arrived.subarray(this.#start, this.#start + count), this.#filled);
    this.#start += count;
    this.#filled += count;
  }
}

function lost(cause?: Error): OperatingError {
  const how = cause === undefined ? 'was closed' : `was lost: ${cause.message}`;
  return new OperatingError('unavailable', `the NBD connection ${how}`, { cause });
}
