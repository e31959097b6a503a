import { availableParallelism } from 'node:os';
import { must } from '../base/assert.ts';
import { KiB } from '../base/bytes.ts';
import type { ImmediateDevice } from '../volume/block-device.ts';
import { done, refuse } from './answer.ts';
import type { BufferPool } from './buffer-pool.ts';
import type { DirectInput } from './direct-input.ts';
import { refusalOf } from './errno.ts';
import type { Session } from './handshake.ts';
import { waitBytesMax } from './input.ts';
import { plainReadBytesOf, sparseReadBytesMin, writePlainReadHead } from './read-reply.ts';
import { refusalOfRequest } from './validate.ts';
import { command, parseRequest, requestHeaderBytesOf, type Request } from './wire.ts';

/** Requests that a connection has served in its turn, before others get theirs. */
const requestsMax = 16;
/** The same while somebody is looked out for who has but one request, and is not to wait long. */
const sharedRequestsMax = 1;
/** What of an answer may leave before it is known: the magic, with which a failure begins too. */
const aheadBytes = 4;
/** Where there is one processor, a client that wakes up early would only be in the way. */
const wakesBeside = availableParallelism() > 1;
/** Where answers are put together; in use only while `serve` runs. */
const answers = Buffer.allocUnsafeSlow(256 * KiB);

export interface FastLaneParts {
  readonly session: Session;
  readonly input: DirectInput;
  readonly device: ImmediateDevice;
  /** True while requests of others are looked out for. */
  readonly isShared: () => boolean;
  /** False once requests are to be refused. */
  readonly isOpen: () => boolean;
  /** True while no request of the client is under way. */
  readonly isIdle: () => boolean;
  /** A request is under way, and has ended: told where the end of it comes later. */
  readonly begin: () => void;
  readonly end: () => void;
  /** The client owes the payload of a request, or does no more. */
  readonly owe: (isOwed: boolean) => void;
  /** Serves a request the ordinary way. */
  readonly serve: (request: Request) => void;
  readonly pool: BufferPool;
  readonly onFault: (error: unknown) => void;
}

/**
 * Serves small reads and writes that need no wait, one after the other, as they lie in the input,
 * and sends their answers together; and small reads that the device begins by itself, which are
 * answered when they have ended. What it does not serve it leaves where it is.
 *
 * To a client that has sent one write and waits, the answer begins to leave before the write is
 * done (`Channel.sendAhead`); it then is the next answer, however long it takes.
 *
 * Nothing is lent for that: answers lie in a buffer that all connections share, which is empty
 * again when `serve` returns, and a client that does not take its answers is not served here. Of
 * reads that end later a device has a few at a time only.
 */
export class FastLane {
  readonly #parts: FastLaneParts;
  readonly #headBytes: number;
  /** What of `answers` is filled, and by how many answers; undefined when nobody serves. */
  #filled: { bytes: number; count: number } | undefined;
  /** A turn's requests were served as they came. */
  #hasHadTurn = false;
  /** A flush came, and no write since. */
  #isAfterFlush = false;

  constructor(parts: FastLaneParts) {
    this.#parts = parts;
    this.#headBytes = requestHeaderBytesOf(parts.session);
  }

  /** What is to come before it can go on; undefined where the next request is not for it. */
  get awaitedBytes(): number | undefined {
    const { session, input, isOpen } = this.#parts;
    if (!input.has(this.#headBytes)) return this.#headBytes;
    const request = session.channel.canSendNow && isOpen() ? this.#peek() : undefined;
    if (request?.type !== command.write || request.flags !== 0) return undefined;
    const bytes = this.#headBytes + request.payloadBytes;
    return bytes > waitBytesMax || input.has(bytes) ? undefined : bytes;
  }

  /**
   * Serves what comes, as it comes, until there is something that it cannot serve; to be called
   * while something is awaited.
   */
  wait(): Promise<boolean> {
    const owe = (awaited: number | undefined): void =>
      this.#parts.owe(awaited !== undefined && awaited > this.#headBytes);
    const first = must(this.awaitedBytes, 'something is awaited');
    owe(first);
    return this.#parts.input.waitBeside(first, () => {
      this.#hasHadTurn = this.serve();
      const awaited = this.#hasHadTurn ? undefined : this.awaitedBytes;
      owe(awaited);
      return awaited;
    });
  }

  /** A flush has come. */
  noteFlush(): void {
    this.#isAfterFlush = true;
  }

  /** Serves what it can; true when others are to have their turn before it goes on. */
  serve(): boolean {
    const { session, device, input, isOpen } = this.#parts;
    if (this.#hasHadTurn) {
      this.#hasHadTurn = false;
      return true;
    }
    if (!input.has(this.#headBytes) || !session.channel.canSendNow || !isOpen()) return false;
    this.#filled = { bytes: 0, count: 0 };
    const most = this.#parts.isShared() ? sharedRequestsMax : requestsMax;
    let served = 0;
    while (served < most && this.#serveNext()) served += 1;
    device.settle();
    const { bytes, count } = this.#filled;
    this.#filled = undefined;
    const hasMore = input.has(this.#headBytes);
    input.isBusy = served > 0 && (served > 1 || hasMore);
    if (count > 0) session.channel.sendNow(answers.subarray(0, bytes), count);
    return served === most && hasMore;
  }

  /** The next request, if its head is there, and it is a sound one that may be for this lane. */
  #peek(): Request | undefined {
    const { session, input } = this.#parts;
    if (!input.has(this.#headBytes)) return undefined;
    const request = parseRequest(input.peek(this.#headBytes), session.extended);
    if (request === undefined || refusalOfRequest(request, session) !== undefined) return undefined;
    return request.lengthBytes === 0 ? undefined : request;
  }

  /** False when the next request is not there, or not for this lane. */
  #serveNext(): boolean {
    const request = this.#peek();
    if (request?.type === command.read) return this.#read(request);
    return request?.type === command.write && this.#write(request);
  }

  #read(request: Request): boolean {
    const { session, input, device } = this.#parts;
    const { lengthBytes, offsetBytes } = request;
    const filled = this.#filled;
    if (filled === undefined || lengthBytes >= sparseReadBytesMin) return false;
    const end = filled.bytes + plainReadBytesOf(session, request);
    if (end > answers.length) return false;
    const target = answers.subarray(end - lengthBytes, end);
    const reading = device.read(offsetBytes, target, (bytes) => this.#answerLate(request, bytes));
    if (reading === 'refused') return false;
    if (reading === 'begun') {
      this.#parts.begin();
      input.take(this.#headBytes);
      return true;
    }
    writePlainReadHead(answers, filled.bytes, session, request);
    filled.bytes = end;
    filled.count += 1;
    input.take(this.#headBytes);
    return true;
  }

  /** Answers a read whose bytes have come from the disk, or has it served the ordinary way. */
  #answerLate(request: Request, bytes: Uint8Array | undefined): void {
    const { session, pool, end, serve } = this.#parts;
    if (bytes === undefined) serve(request);
    else {
      const reply = pool.lend(plainReadBytesOf(session, request));
      writePlainReadHead(reply, 0, session, request);
      reply.set(bytes, reply.length - bytes.byteLength);
      session.channel.send(reply, () => pool.giveBack(reply));
    }
    end();
  }

  #write(request: Request): boolean {
    const { session, input, device, begin } = this.#parts;
    const bytes = this.#headBytes + request.payloadBytes;
    if (request.flags !== 0 || !input.has(bytes)) return false;
    const payload = input.peek(bytes).subarray(this.#headBytes);
    if (this.#isAlone(bytes)) {
      session.channel.sendAhead(done(session, request).subarray(0, aheadBytes));
    }
    const written = (error?: unknown): void => this.#answer(request, error);
    if (!device.write(request.offsetBytes, payload, written)) return false;
    begin();
    input.take(bytes);
    this.#isAfterFlush = false;
    return true;
  }

  /**
   * True when the client waits for the answer to this one request, of so many bytes, most likely
   * asleep; and nobody else waits for the server meanwhile. Where a flush follows each write, the
   * disk begins with the write at once, and the client would be asleep again before that is done.
   */
  #isAlone(bytes: number): boolean {
    const { input, isShared, isIdle } = this.#parts;
    if (!wakesBeside || this.#isAfterFlush) return false;
    if (this.#filled?.count !== 0 || input.has(bytes + 1)) return false;
    return isIdle() && !isShared();
  }

  /** Answers a write, together with others if it comes while these are served. */
  #answer(request: Request, error: unknown): void {
    const { session, end, onFault } = this.#parts;
    let reply: Buffer;
    if (error === undefined) reply = done(session, request);
    else {
      onFault(error);
      reply = refuse(session, request, refusalOf(error));
    }
    const filled = this.#filled;
    if (filled !== undefined && filled.bytes + reply.length <= answers.length) {
      filled.bytes += reply.copy(answers, filled.bytes);
      filled.count += 1;
    } else session.channel.send(reply);
    end();
  }
}
