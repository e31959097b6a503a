/**
 * The transmission phase: reads requests, runs them side by side, sends each answer when it is
 * there.
 *
 * Invariants: every request that was read whole gets exactly one reply, unless the socket is gone;
 * a payload is read only into memory that was lent for it; what a request borrowed is given back
 * when the client's socket has taken the answer; `run` resolves only when the device is idle. While
 * the loop waits for a loan it does not read: the client feels it as backpressure.
 */
import { requestBytesMax } from '../volume/block-device.ts';
import { answer, refuse } from './answer.ts';
import { blockStatusBytes } from './block-status.ts';
import { Budget } from './budget.ts';
import type { BufferPool } from './buffer-pool.ts';
import { errno, refusalOf, type Refusal } from './errno.ts';
import { FastLane } from './fast-lane.ts';
import type { Session } from './handshake.ts';
import { discard } from './input.ts';
import type { NbdLimits } from './limits.ts';
import { prefetchBytes } from './prefetch.ts';
import { copiedBytes, isFromMemory, readFromMemory } from './read-from-memory.ts';
import type { Turns } from './turns.ts';
import { refusalOfRequest } from './validate.ts';
import { command, parseRequest, requestHeaderBytesOf, type Request } from './wire.ts';

export interface TransmissionParts {
  readonly limits: NbdLimits;
  /** The memory that all connections of the server share. */
  readonly shared: Budget;
  readonly pool: BufferPool;
  readonly turns: Turns;
  /** Hears of what the device threw. */
  readonly onFault: (error: unknown) => void;
}

const shuttingDown: Refusal = { errno: errno.ESHUTDOWN, message: 'the server is closing' };
const left = 'the client left';
/** Requests that a connection begins in its turn. */
const requestsPerTurn = 4;

export class Transmission {
  readonly #session: Session;
  readonly #parts: TransmissionParts;
  readonly #slots: Budget;
  readonly #own: Budget;
  readonly #large: Budget;
  #running = 0;
  #idle: (() => void)[] = [];
  #gone = false;
  #closing = false;
  #payloads = 0;
  #receiving = false;

  constructor(session: Session, parts: TransmissionParts) {
    this.#session = session;
    this.#parts = parts;
    this.#slots = new Budget(parts.limits.requestsMax);
    this.#own = new Budget(parts.limits.ownBytesMax);
    this.#large = new Budget(parts.limits.largeBytesMax);
  }

  /** The payload that the client owes just now, as a number that names it. */
  get owedPayload(): number | undefined {
    return this.#receiving ? this.#payloads : undefined;
  }

  /** Serves requests to the end of the connection and says why it ended. */
  async run(): Promise<string> {
    try {
      return await this.#readRequests();
    } finally {
      await this.#untilIdle();
    }
  }

  /** Requests under way are answered, later ones refused; then `run` ends. */
  async close(): Promise<void> {
    this.#closing = true;
    await this.#untilIdle();
    this.#session.channel.input.stop();
  }

  /** Ends waiting for loans; to be called when the socket is gone. */
  abandon(): void {
    this.#gone = true;
    for (const budget of [this.#slots, this.#own, this.#large, this.#parts.shared]) {
      budget.leave(this);
    }
  }

  async #readRequests(): Promise<string> {
    const { extended, channel } = this.#session;
    const lane = this.#openLane();
    const { input } = channel;
    const headBytes = requestHeaderBytesOf(this.#session);
    for (let begun = 0; ; begun += 1) {
      // No other answer comes between the parts of one that has begun to leave.
      if (channel.isAhead) await this.#untilIdle();
      if (lane?.serve() === true) {
        await this.#parts.turns.next();
        continue;
      }
      const awaited = lane === undefined ? headBytes : lane.awaitedBytes;
      if (awaited !== undefined && !input.has(awaited)) {
        if (!(await (lane?.wait() ?? input.wait(awaited)))) return left;
        begun = begun > 1 ? 1 : 0;
        if (lane !== undefined) continue;
      }
      if (lane === undefined) this.#parts.turns.stayAwake();
      // What memory can serve is served without a wait, so others must be let in: a client that
      // sends one request at a time goes ahead, one that sends many waits for its turns.
      if (begun % requestsPerTurn === 1) await this.#parts.turns.next();
      const request = parseRequest(input.take(headBytes), extended);
      if (request === undefined) return 'bad request magic';
      if (request.type === command.disconnect) return 'disconnected';
      if (request.type === command.flush) lane?.noteFlush();
      if (request.payloadBytes > requestBytesMax) return 'too long a payload';
      const slot = this.#slots.take(1, this);
      if (slot !== true && !(await slot)) return left;
      const refusal = this.#closing ? shuttingDown : refusalOfRequest(request, this.#session);
      const end =
        refusal === undefined ? await this.#admit(request) : await this.#reject(request, refusal);
      if (end !== undefined) return end;
    }
  }

  /** A way for small requests, if the socket and the device have one. */
  #openLane(): FastLane | undefined {
    const { channel, device } = this.#session;
    const input = device.immediate && channel.goDirect(this.#parts.turns);
    if (device.immediate === undefined || input === undefined) return undefined;
    return new FastLane({
      session: this.#session,
      input,
      device: device.immediate,
      isShared: () => this.#parts.turns.looksBeside(input),
      isOpen: () => !this.#closing,
      isIdle: () => this.#running === 0,
      begin: () => {
        this.#running += 1;
      },
      end: () => this.#end(),
      owe: (isOwed) => this.#expectPayload(isOwed),
      serve: (request) => void this.#takeOver(request),
      pool: this.#parts.pool,
      onFault: this.#parts.onFault,
    });
  }

  /** Serves a read that the lane has begun and cannot end. Never rejects. */
  async #takeOver(request: Request): Promise<void> {
    this.#running += 1;
    const slot = this.#slots.take(1, this);
    const bytes = memoryOf(request);
    const isLent = (slot === true || (await slot)) && (await this.#borrow(bytes));
    if (isLent) await this.#serve(request, bytes, undefined);
    else this.#end();
  }

  /** Answers with an error, after reading past the payload that there is all the same. */
  async #reject(request: Request, refusal: Refusal): Promise<string | undefined> {
    if (request.payloadBytes > 0) {
      this.#expectPayload();
      const passed = await discard(this.#session.channel.input, request.payloadBytes);
      this.#receiving = false;
      if (!passed) return left;
    }
    const reply = refuse(this.#session, request, refusal);
    this.#session.channel.send(reply, () => this.#slots.give(1));
    return undefined;
  }

  /** Borrows memory for a request, reads its payload, starts it; or says why that was the end. */
  async #admit(request: Request): Promise<string | undefined> {
    const fromMemory = isFromMemory(this.#session, request);
    const bytes = fromMemory ? copiedBytes : memoryOf(request);
    if (bytes > 0 && !(await this.#borrow(bytes))) return left;
    if (fromMemory) {
      this.#running += 1;
      void this.#serveFromMemory(request);
      return undefined;
    }
    if (request.type !== command.write) {
      this.#start(request, bytes, undefined);
      return undefined;
    }
    const payload = await this.#receive(request.lengthBytes);
    if (payload === undefined) {
      this.#giveBack(bytes);
      return left;
    }
    this.#start(request, bytes, payload);
    return undefined;
  }

  async #receive(lengthBytes: number): Promise<Buffer | undefined> {
    const input = this.#session.channel.input;
    const payload = this.#parts.pool.lend(lengthBytes);
    this.#expectPayload();
    const filled = await input.fill(payload);
    this.#receiving = false;
    return filled ? payload : undefined;
  }

  #expectPayload(isOwed = true): void {
    if (isOwed) this.#payloads += 1;
    this.#receiving = isOwed;
  }

  async #borrow(bytes: number): Promise<boolean> {
    if (this.#gone) return false;
    if (bytes <= this.#parts.limits.smallRequestBytesMax) {
      const own = this.#own.take(bytes, this);
      return own === true || own;
    }
    const large = this.#large.take(bytes, this);
    if (large !== true && !(await large)) return false;
    const shared = this.#gone ? false : this.#parts.shared.take(bytes, this);
    if (shared === true) return true;
    if (!(await shared)) {
      this.#large.give(bytes);
      return false;
    }
    // A loan that passes down a line of clients who have all left must not keep the loop to itself.
    await this.#parts.turns.next();
    if (!this.#gone) return true;
    this.#giveBack(bytes);
    return false;
  }

  #giveBack(bytes: number): void {
    if (bytes <= this.#parts.limits.smallRequestBytesMax) {
      this.#own.give(bytes);
      return;
    }
    this.#large.give(bytes);
    this.#parts.shared.give(bytes);
  }

  #start(request: Request, bytes: number, payload: Buffer | undefined): void {
    this.#running += 1;
    void this.#serve(request, bytes, payload);
  }

  /** Never rejects. */
  async #serve(request: Request, bytes: number, payload: Buffer | undefined): Promise<void> {
    const { pool } = this.#parts;
    let reply: Buffer;
    try {
      const isOver = (): boolean => this.#gone;
      reply = await answer(this.#session, request, { payload, pool, isOver });
    } catch (error) {
      this.#parts.onFault(error);
      reply = refuse(this.#session, request, refusalOf(error));
    }
    if (payload !== undefined) pool.giveBack(payload);
    this.#session.channel.send(reply, () => {
      pool.giveBack(reply);
      this.#giveBack(bytes);
      this.#slots.give(1);
    });
    this.#end();
  }

  /** Never rejects. */
  async #serveFromMemory(request: Request): Promise<void> {
    const { pool } = this.#parts;
    const { channel } = this.#session;
    try {
      const isOver = (): boolean => this.#gone;
      await readFromMemory(this.#session, request, { pool, isOver });
    } catch (error) {
      this.#parts.onFault(error);
      // What was promised to follow cannot be had.
      channel.socket.destroy();
    }
    this.#giveBack(copiedBytes);
    this.#slots.give(1);
    this.#end();
  }

  #end(): void {
    this.#running -= 1;
    if (this.#running > 0) return;
    for (const wake of this.#idle.splice(0)) wake();
  }

  async #untilIdle(): Promise<void> {
    while (this.#running > 0) {
      await new Promise<void>((resolve) => {
        this.#idle.push(resolve);
      });
    }
  }
}

/** The memory that a request holds while it is served. */
function memoryOf(request: Request): number {
  switch (request.type) {
    case command.read:
    case command.write:
      return request.lengthBytes;
    case command.blockStatus:
      return blockStatusBytes;
    case command.cache:
      return prefetchBytes;
    default:
      return 0;
  }
}
