import type { Duplex } from 'node:stream';
import { ByteReader } from './byte-reader.ts';

/** One peer's bytes in both directions; answers that are ready in the same turn leave together. */
export class Channel {
  readonly socket: Duplex;
  readonly input: ByteReader;
  #corked = false;
  #sent = 0;
  #taken = 0;
  readonly #uncork = (): void => {
    this.#corked = false;
    this.socket.uncork();
  };

  constructor(socket: Duplex) {
    this.socket = socket;
    this.input = new ByteReader(socket);
  }

  /** Messages handed over, and those of them that the peer's socket has taken. */
  get sent(): number {
    return this.#sent;
  }

  get taken(): number {
    return this.#taken;
  }

  /** Sends `bytes` whole; `taken` is called once they have left, or never will. */
  send(bytes: Buffer, taken?: () => void): void {
    if (!this.#corked) {
      this.#corked = true;
      this.socket.cork();
      process.nextTick(this.#uncork);
    }
    this.#sent += 1;
    this.socket.write(bytes, () => {
      this.#taken += 1;
      taken?.();
    });
  }

  /** Resolves when the peer has taken everything, or is gone. */
  finish(): Promise<void> {
    return new Promise((resolve) => {
      if (this.socket.destroyed) return resolve();
      this.socket.once('close', resolve);
      this.socket.end(resolve);
    });
  }
}
