import type { Duplex } from 'node:stream';
import { KiB } from '../base/bytes.ts';
import { ByteReader } from './byte-reader.ts';
import { DirectInput } from './direct-input.ts';
import { DirectSocket } from './direct-socket.ts';
import type { MemoryRange } from '../base/memory-range.ts';
import { Serial } from '../base/serial.ts';
import type { Input } from './input.ts';
import type { Turns } from './turns.ts';

interface Message {
  readonly bytes: Buffer;
  /** Called once the bytes have left, or never will. */
  readonly taken: (() => void) | undefined;
}

/** Where messages are put together that leave in one call; in use only within a call of ours. */
const gathered = Buffer.allocUnsafeSlow(256 * KiB);

/** One peer's bytes in both directions; answers that are ready in the same turn leave together. */
export class Channel {
  readonly socket: Duplex;
  readonly #reader: ByteReader;
  #direct: { readonly socket: DirectSocket; readonly input: DirectInput } | undefined;
  /** What is to leave at the end of this turn. */
  #ready: Message[] = [];
  #sent = 0;
  #taken = 0;
  /** Messages that Node holds for the peer. */
  #held = 0;
  /** Hear that it holds none. */
  #whenTaken: (() => void)[] = [];
  readonly #parted = new Serial();
  /** An answer leaves in parts, and all others wait. */
  #isParted = false;
  /** What of the next message has left already. */
  #aheadBytes = 0;

  constructor(socket: Duplex) {
    this.socket = socket;
    this.#reader = new ByteReader(socket);
  }

  get input(): Input {
    return this.#direct?.input ?? this.#reader;
  }

  /** Messages handed over, and those of them that the peer's socket has taken. */
  get sent(): number {
    return this.#sent;
  }

  get taken(): number {
    return this.#taken;
  }

  /** Lets go of the socket for a channel inside this one; nothing is left unread. */
  detach(): void {
    this.#reader.detach();
  }

  /** Moves the bytes by system calls from now on, and answers the input, if that can be done. */
  goDirect(turns: Turns): DirectInput | undefined {
    const socket = DirectSocket.of(this.socket);
    if (socket === undefined || !this.#reader.isOpen) return undefined;
    const unread = Buffer.concat([this.#reader.detach(), socket.take()]);
    const input = new DirectInput(socket, turns, unread);
    this.#direct = { socket, input };
    return input;
  }

  /** Sends `bytes` whole; `taken` is called once they have left, or never will. */
  send(bytes: Buffer, taken?: () => void): void {
    if (this.#ready.length === 0) process.nextTick(this.#leave);
    this.#ready.push({ bytes: this.#behindAhead(bytes), taken });
    this.#sent += 1;
  }

  /** True while bytes are moved directly, the peer takes what it gets, and no message is begun. */
  get canSendNow(): boolean {
    return this.#direct !== undefined && this.#held === 0 && !this.#isParted && !this.isAhead;
  }

  /** True when the first bytes of the next message have left, and the rest has not. */
  get isAhead(): boolean {
    return this.#aheadBytes > 0;
  }

  /**
   * Sends the first bytes of the next message by a unix socket: a peer that sleeps wakes up while
   * the rest is made. That message is given whole to `send` or `sendNow`, and nothing else is sent
   * before. By TCP it would be a packet more, which costs as much as it gains.
   */
  sendAhead(bytes: Buffer): void {
    this.#leave();
    if (!this.canSendNow || this.#direct?.socket.isLocal !== true) return;
    this.#aheadBytes = this.#direct.socket.send(bytes);
  }

  /** True when bytes are moved directly, so that an answer may leave in parts. */
  get canSendParts(): boolean {
    return this.#direct !== undefined;
  }

  /**
   * Sends an answer in parts, by `sendPart` and `sendFile`, which are called in `work` alone: what
   * else is sent meanwhile leaves when `work` has ended.
   */
  sendParts(work: () => Promise<void>): Promise<void> {
    return this.#parted.run(async () => {
      this.#leave();
      this.#isParted = true;
      this.#sent += 1;
      try {
        while (this.#held > 0) {
          await new Promise<void>((resolve) => void this.#whenTaken.push(resolve));
        }
        await work();
      } finally {
        this.#taken += 1;
        this.#isParted = false;
        this.#leave();
      }
    });
  }

  /** Resolves once the bytes have left, or never will. */
  sendPart(bytes: Buffer): Promise<void> {
    return new Promise((resolve) => this.#pass(bytes, resolve, { isLent: false }));
  }

  /** What of the bytes the peer has taken, none of which are copied (`SocketCalls.sendFile`). */
  sendFile(bytes: MemoryRange): number {
    const count = this.#direct?.socket.sendFile(bytes) ?? 0;
    if (count > 0) this.#direct?.input.expect();
    return count;
  }

  /** Sends some messages at once, behind those before; the bytes are the caller's afterwards. */
  sendNow(bytes: Buffer, messages: number): void {
    this.#leave();
    this.#sent += messages;
    this.#pass(this.#behindAhead(bytes), () => {
      this.#taken += messages;
    });
  }

  /** Resolves when the peer has taken everything, or is gone. */
  finish(): Promise<void> {
    return new Promise((resolve) => {
      if (this.socket.destroyed) return resolve();
      this.socket.once('close', resolve);
      this.#leave();
      this.socket.end(resolve);
    });
  }

  #behindAhead(bytes: Buffer): Buffer {
    const rest = bytes.subarray(this.#aheadBytes);
    this.#aheadBytes = 0;
    return rest;
  }

  readonly #leave = (): void => {
    if (this.#isParted) return;
    const ready = this.#ready;
    this.#ready = [];
    if (ready.length === 0) return;
    if (this.canSendNow) {
      this.#leaveDirectly(ready);
      return;
    }
    this.socket.cork();
    for (const message of ready) this.#hold(message.bytes, () => this.#settle(message));
    this.socket.uncork();
  };

  /** Puts small messages together, so that one call is enough for them. */
  #leaveDirectly(ready: readonly Message[]): void {
    let first = 0;
    let used = 0;
    const pass = (end: number): void => {
      const messages = ready.slice(first, end);
      this.#pass(gathered.subarray(0, used), () => {
        for (const message of messages) this.#settle(message);
      });
      first = end;
      used = 0;
    };
    for (const [index, message] of ready.entries()) {
      const { bytes } = message;
      if (used > 0 && used + bytes.length > gathered.length) pass(index);
      if (bytes.length > gathered.length / 4) {
        if (used > 0) pass(index);
        this.#pass(bytes, () => this.#settle(message), { isLent: false });
        first = index + 1;
      } else used += bytes.copy(gathered, used);
    }
    if (used > 0) pass(ready.length);
  }

  #settle({ taken }: Message): void {
    this.#taken += 1;
    taken?.();
  }

  /** Sends what the peer takes; the rest Node holds, of what is only lent a copy. */
  #pass(bytes: Buffer, taken: () => void, { isLent } = { isLent: true }): void {
    const count = this.#held === 0 ? (this.#direct?.socket.send(bytes) ?? 0) : 0;
    if (count === bytes.length) {
      this.#direct?.input.expect();
      taken();
      return;
    }
    const rest = bytes.subarray(count);
    this.#hold(isLent ? Buffer.from(rest) : rest, taken);
  }

  #hold(bytes: Buffer, taken: () => void): void {
    this.#held += 1;
    this.socket.write(bytes, () => {
      this.#held -= 1;
      taken();
      if (this.#held > 0) return;
      for (const resolve of this.#whenTaken.splice(0)) resolve();
    });
  }
}
