import { OperatingError } from '../base/errors.ts';
import type { ExtentKind } from '../base/extent.ts';
import type { NbdSocket } from './nbd-socket.ts';
import {
  allocation,
  chunkErrorBit,
  chunkFlagDone,
  chunkHeaderBytes,
  chunkType,
  command,
  errorOfReply,
  simpleReplyBytes,
  simpleReplyMagic,
  structuredReplyMagic,
} from './nbd-wire.ts';

/** A request that waits for its reply. */
export interface Pending {
  readonly type: number;
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  readonly target: Uint8Array | undefined;
  readonly settled: Promise<Buffer>;
  resolve(status: Buffer): void;
  reject(error: unknown): void;
  /** Bytes of a read that have come. */
  covered: number;
  failure: OperatingError | undefined;
}

const nothing = Buffer.alloc(0);
/** A block status of 2^20 descriptors, the longest that proto.md foresees, is below this. */
const statusBytesMax = 16 * 1024 * 1024;

/** Reads replies from the socket and settles the requests that they belong to. */
export class ReplyReader {
  readonly #socket: NbdSocket;
  readonly #pending: Map<number, Pending>;
  readonly #head = Buffer.alloc(chunkHeaderBytes);
  readonly #statuses = new Map<Pending, Buffer>();

  constructor(socket: NbdSocket, pending: Map<number, Pending>) {
    this.#socket = socket;
    this.#pending = pending;
  }

  /** Reads one reply or chunk; rejects at the end and when the server breaks the protocol. */
  async next(): Promise<void> {
    const head = this.#head;
    await this.#socket.fill(head.subarray(0, simpleReplyBytes));
    const magic = head.readUInt32BE(0);
    const cookie = head.readUInt32BE(12);
    const pending = head.readUInt32BE(8) === 0 ? this.#pending.get(cookie) : undefined;
    if (pending === undefined) throw broken('a reply to no request');
    if (magic === simpleReplyMagic) {
      await this.#simple(pending, head.readUInt32BE(4));
    } else if (magic === structuredReplyMagic) {
      await this.#socket.fill(head.subarray(simpleReplyBytes));
      const flags = head.readUInt16BE(4);
      await this.#chunk(pending, head.readUInt16BE(6), head.readUInt32BE(16));
      if ((flags & chunkFlagDone) === 0) return;
    } else {
      throw broken('a reply without its magic');
    }
    this.#pending.delete(cookie);
    this.#settle(pending);
  }

  async #simple(pending: Pending, errno: number): Promise<void> {
    if (errno !== 0) {
      pending.failure = errorOfReply(doing(pending), errno, '');
    } else if (pending.target !== undefined) {
      await this.#socket.fill(pending.target);
      pending.covered = pending.lengthBytes;
    }
  }

  async #chunk(pending: Pending, type: number, payloadBytes: number): Promise<void> {
    if (type === chunkType.none && payloadBytes === 0) return;
    if (type === chunkType.offsetData && payloadBytes > 8) {
      const offset = Number((await this.#socket.read(8)).readBigUInt64BE());
      await this.#socket.fill(place(pending, offset, payloadBytes - 8));
    } else if (type === chunkType.offsetHole && payloadBytes === 12) {
      const hole = await this.#socket.read(12);
      place(pending, Number(hole.readBigUInt64BE()), hole.readUInt32BE(8)).fill(0);
    } else if (type === chunkType.blockStatus && payloadBytes <= statusBytesMax) {
      this.#statuses.set(pending, await this.#socket.read(payloadBytes));
    } else if (type >= chunkErrorBit && payloadBytes >= 6 && payloadBytes <= 8192) {
      const error = await this.#socket.read(payloadBytes);
      const message = error.toString('utf8', 6, 6 + error.readUInt16BE(4));
      pending.failure ??= errorOfReply(doing(pending), error.readUInt32BE(0), message);
    } else {
      throw broken('a chunk of a wrong kind or length');
    }
  }

  #settle(pending: Pending): void {
    const status = this.#statuses.get(pending);
    this.#statuses.delete(pending);
    if (pending.failure !== undefined) pending.reject(pending.failure);
    else if (pending.type === command.read && pending.covered !== pending.lengthBytes) {
      pending.reject(broken('a read that was answered in part'));
    } else if (pending.type === command.blockStatus && status === undefined) {
      pending.reject(broken('a block status without any status'));
    } else {
      pending.resolve(status ?? nothing);
    }
  }
}

/** The part of a read's target that a chunk of data or zeros fills. */
function place(pending: Pending, offsetBytes: number, lengthBytes: number): Uint8Array {
  const from = offsetBytes - pending.offsetBytes;
  if (pending.target === undefined || from < 0 || from + lengthBytes > pending.target.length) {
    throw broken('data that nobody asked for');
  }
  pending.covered += lengthBytes;
  return pending.target.subarray(from, from + lengthBytes);
}

/** The runs of a block status in the metadata context `contextId`. */
export function parseStatus(
  status: Buffer,
  contextId: number,
): { lengthBytes: number; kind: ExtentKind }[] {
  const wellFormed = status.length >= 12 && status.length % 8 === 4;
  if (!wellFormed || status.readUInt32BE(0) !== contextId) {
    throw broken('a block status that is malformed');
  }
  const runs: { lengthBytes: number; kind: ExtentKind }[] = [];
  for (let at = 4; at < status.length; at += 8) {
    const lengthBytes = status.readUInt32BE(at);
    if (lengthBytes === 0) throw broken('a block status that is malformed');
    runs.push({ lengthBytes, kind: kindOf(status.readUInt32BE(at + 4)) });
  }
  return runs;
}

function kindOf(flags: number): ExtentKind {
  if ((flags & allocation.zero) === 0) return 'data';
  return (flags & allocation.hole) === 0 ? 'zero' : 'absent';
}

function doing(pending: Pending): string {
  const names = Object.entries(command);
  const name = names.find(([, type]) => type === pending.type)?.[0] ?? 'request';
  return `NBD ${name} of ${pending.lengthBytes} bytes at ${pending.offsetBytes}`;
}

function broken(what: string): OperatingError {
  return new OperatingError('io', `the NBD server sent ${what}`);
}
