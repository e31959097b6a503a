import type { Duplex } from 'node:stream';
import type { Budget } from './budget.ts';
import type { BufferPool } from './buffer-pool.ts';
import { Channel } from './channel.ts';
import { Choice } from './choice.ts';
import type { ExportRegistry } from './exports.ts';
import { Handshake, type StartTls } from './handshake.ts';
import type { NbdLimits } from './limits.ts';
import { Transmission } from './transmission.ts';
import type { Turns } from './turns.ts';

/** Of which connection, and of the request that handed out the export that it chose. */
interface Of {
  readonly connection: number;
  readonly requestId: string | undefined;
}

/** What happens at a server, for its log. No event carries an export name: names are secrets. */
export type NbdEvent =
  | (Of & { readonly kind: 'opened'; readonly readOnly: boolean })
  | (Of & { readonly kind: 'closed'; readonly reason: string })
  | (Of & { readonly kind: 'fault'; readonly error: unknown })
  | { readonly kind: 'refused'; readonly reason: string };

export interface ConnectionParts {
  readonly id: number;
  readonly exports: ExportRegistry;
  readonly limits: NbdLimits;
  readonly shared: Budget;
  readonly pool: BufferPool;
  readonly turns: Turns;
  readonly log: (event: NbdEvent) => void;
  readonly startTls?: StartTls | undefined;
}

/**
 * The life of one connection: handshake, transmission, end. Whatever ends it, its device is closed
 * and its export released before `ended` resolves; nothing that a peer sends makes it reject.
 */
export class Connection {
  readonly ended: Promise<void>;
  readonly #parts: ConnectionParts;
  readonly #socket: Duplex;
  readonly #choice: Choice;
  #channel: Channel;
  #transmission: Transmission | undefined;
  #cutReason: string | undefined;

  constructor(socket: Duplex, parts: ConnectionParts) {
    this.#parts = parts;
    this.#socket = socket;
    this.#choice = new Choice(parts.exports, () => this.cut('the export was removed'));
    this.#channel = new Channel(socket);
    socket.on('error', (error) => {
      this.#noteReason(error.message);
      this.#stop();
    });
    socket.once('close', () => this.#stop());
    this.ended = this.#live();
  }

  /** True until an export was chosen. */
  get shakingHands(): boolean {
    return this.#transmission === undefined;
  }

  /** Ends the connection at once; requests that run are waited for, their answers are lost. */
  cut(reason: string): Promise<void> {
    this.#noteReason(reason);
    this.#stop();
    this.#socket.destroy();
    return this.ended;
  }

  /**
   * Ends the connection in order: requests under way are answered, later ones refused. A connection
   * that has not chosen an export is cut, and one whose client leaves its answers for long.
   */
  close(): Promise<void> {
    this.#noteReason('the server closed');
    if (this.#transmission === undefined) return this.cut('the server closed');
    void this.#transmission.close();
    const timer = setTimeout(() => {
      if (this.#channel.sent > this.#channel.taken) void this.cut('the client stalled');
    }, this.#parts.limits.closeTimeoutMs);
    return this.ended.finally(() => clearTimeout(timer));
  }

  /** From here on nothing that the peer sent begins. */
  #stop(): void {
    this.#channel.input.drop();
    this.#transmission?.abandon();
  }

  async #live(): Promise<void> {
    let reason = 'failed';
    try {
      reason = await this.#serve();
      await this.#finish();
    } catch (error) {
      this.#logFault(error);
    } finally {
      this.#socket.destroy();
      await this.#closeDevice();
      reason = this.#cutReason ?? reason;
      this.#parts.log({ kind: 'closed', ...this.#of(), reason });
    }
  }

  async #serve(): Promise<string> {
    const { limits, shared, pool, turns, startTls, log } = this.#parts;
    const onFault = (error: unknown): void => this.#logFault(error);
    const handshake = new Handshake(this.#channel, {
      choice: this.#choice,
      limits,
      startTls,
      onFault,
    });
    const tooLate = (): void => void this.cut('the handshake took too long');
    const timer = setTimeout(tooLate, limits.handshakeTimeoutMs);
    const session = await handshake.run().finally(() => clearTimeout(timer));
    if (typeof session === 'string') return session;
    this.#channel = session.channel;
    log({ kind: 'opened', ...this.#of(), readOnly: session.device.readOnly });
    const transmission = new Transmission(session, { limits, shared, pool, turns, onFault });
    this.#transmission = transmission;
    const watch = this.#watchStalls(transmission);
    return transmission.run().finally(() => clearInterval(watch));
  }

  /** Cuts a client that owed the same payload, or left the same answers, for a whole interval. */
  #watchStalls(transmission: Transmission): NodeJS.Timeout {
    let owedBefore: number | undefined;
    let takenBefore = -1;
    const look = (): void => {
      const { sent, taken } = this.#channel;
      const owed = transmission.owedPayload;
      const stuck = sent > taken && taken === takenBefore;
      if (stuck || (owed !== undefined && owed === owedBefore)) void this.cut('the client stalled');
      owedBefore = owed;
      takenBefore = sent > taken ? taken : -1;
    };
    return setInterval(look, this.#parts.limits.stallTimeoutMs).unref();
  }

  /** Lets the client take its last answers, for a while. */
  async #finish(): Promise<void> {
    const timer = setTimeout(() => this.#socket.destroy(), this.#parts.limits.closeTimeoutMs);
    await this.#channel.finish().finally(() => clearTimeout(timer));
  }

  async #closeDevice(): Promise<void> {
    try {
      await this.#choice.close();
    } catch (error) {
      this.#logFault(error);
    }
  }

  #of(): Of {
    return { connection: this.#parts.id, requestId: this.#choice.requestId };
  }

  #logFault(error: unknown): void {
    this.#parts.log({ kind: 'fault', ...this.#of(), error });
  }

  #noteReason(reason: string): void {
    this.#cutReason ??= reason;
  }
}
