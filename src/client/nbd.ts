/**
 * An NBD client. Requests may overlap; each is answered on its own, in any order.
 *
 * Invariants: a request is pending from the moment it is sent until its last reply; every pending
 * request is settled exactly once, at the latest when the connection ends; nothing but the parser
 * reads the socket. A server that breaks the protocol ends the connection.
 */
import { assert, assertBytes } from '../base/assert.ts';
import { OperatingError } from '../base/errors.ts';
import type { Extent } from '../base/extent.ts';
import { appendExtent } from '../base/extent.ts';
import { negotiate, type NbdExport } from './nbd-handshake.ts';
import { parseStatus, ReplyReader, type Pending } from './nbd-reply.ts';
import { NbdSocket } from './nbd-socket.ts';
import { type NbdAddress, parseNbdUri } from './nbd-uri.ts';
import { command, commandFlag, encodeRequest, requestBytesMax } from './nbd-wire.ts';

/** The longest range of one request without payload: whole sectors within 32 bits. */
const rangeBytesMax = 2 ** 32 - 4096;

/**
 * Connects to `nbd://HOST:PORT/EXPORT`, `nbds://…` in TLS with the certificates of a folder, or
 * `nbd+unix:///EXPORT?socket=PATH`. Rejects with `invalid_input` (the address, the certificates),
 * `unavailable` (nobody there, or nobody to trust) or `not_found` (no such export).
 */
export async function connectNbd(options: {
  uri: string;
  certificates?: string | undefined;
}): Promise<NbdClient> {
  const address = withCertificates(parseNbdUri(options.uri), options.certificates);
  const socket = await NbdSocket.connect(address);
  try {
    return new NbdClient(socket, await negotiate(socket, address));
  } catch (error) {
    socket.destroy(error);
    throw error;
  }
}

/** What the address says of certificates goes before `folder`. */
function withCertificates(address: NbdAddress, folder: string | undefined): NbdAddress {
  if (!('host' in address) || address.secure === undefined || folder === undefined) return address;
  return { ...address, secure: { certificates: folder, ...address.secure } };
}

/** An export of an NBD server. A request that fails rejects with an operating error. */
export class NbdClient {
  readonly lengthBytes: number;
  readonly readOnly: boolean;
  readonly #socket: NbdSocket;
  readonly #allocationId: number | undefined;
  readonly #pending = new Map<number, Pending>();
  readonly #ended: Promise<void>;
  #lastCookie = 0;
  #failure: unknown;

  constructor(socket: NbdSocket, found: NbdExport) {
    this.#socket = socket;
    this.lengthBytes = found.lengthBytes;
    this.readOnly = found.readOnly;
    this.#allocationId = found.allocationId;
    this.#ended = this.#readReplies(new ReplyReader(socket, this.#pending));
  }

  /** Fills `target` with the bytes from `offsetBytes` on. */
  async read(offsetBytes: number, target: Uint8Array): Promise<void> {
    await inPieces(target.length, requestBytesMax, async (from, length) => {
      const piece = target.subarray(from, from + length);
      await this.#request(command.read, 0, offsetBytes + from, length, { target: piece });
    });
  }

  /** Writes `data`, which must not change before this resolves; with `fua` it is durable then. */
  async write(
    offsetBytes: number,
    data: Uint8Array,
    options: { fua?: boolean } = {},
  ): Promise<void> {
    await inPieces(data.length, requestBytesMax, async (from, length) => {
      const piece = data.subarray(from, from + length);
      await this.#request(command.write, flagsOf(options), offsetBytes + from, length, {
        payload: piece,
      });
    });
  }

  /** The range reads as zeros from now on. */
  async zero(
    offsetBytes: number,
    lengthBytes: number,
    options: { fua?: boolean } = {},
  ): Promise<void> {
    await inPieces(lengthBytes, rangeBytesMax, async (from, length) => {
      await this.#request(command.writeZeroes, flagsOf(options), offsetBytes + from, length);
    });
  }

  /** The content of the range is not needed any more. */
  async trim(offsetBytes: number, lengthBytes: number): Promise<void> {
    await inPieces(lengthBytes, rangeBytesMax, async (from, length) => {
      await this.#request(command.trim, 0, offsetBytes + from, length);
    });
  }

  /** Whatever was written before is durable when this resolves. */
  async flush(): Promise<void> {
    await this.#request(command.flush, 0, 0, 0);
  }

  /**
   * The extents of the range, in order and without gap. What reads as zeros is `absent` where the
   * server keeps no space for it and `zero` otherwise; all is `data` where the server cannot tell.
   */
  async extents(offsetBytes: number, lengthBytes: number): Promise<Extent[]> {
    if (this.#allocationId === undefined) {
      return lengthBytes === 0 ? [] : [{ offsetBytes, lengthBytes, kind: 'data' }];
    }
    const extents: Extent[] = [];
    const end = offsetBytes + lengthBytes;
    let at = offsetBytes;
    while (at < end) {
      const length = Math.min(rangeBytesMax, end - at);
      const status = await this.#request(command.blockStatus, 0, at, length);
      for (const run of parseStatus(status, this.#allocationId)) {
        const runBytes = Math.min(run.lengthBytes, end - at);
        appendExtent(extents, { offsetBytes: at, lengthBytes: runBytes, kind: run.kind });
        at += runBytes;
      }
    }
    return extents;
  }

  /** Ends the connection in order, after what is pending; resolves when it is closed. */
  async disconnect(): Promise<void> {
    if (this.#failure === undefined) {
      await Promise.allSettled([...this.#pending.values()].map((pending) => pending.settled));
      const head = { flags: 0, cookie: 0, offsetBytes: 0, lengthBytes: 0 };
      this.#socket.write(encodeRequest({ ...head, type: command.disconnect }));
      this.#failure = new OperatingError('invalid_state', 'the NBD client has disconnected');
    }
    await this.#socket.end();
    await this.#ended;
  }

  /** Sends one request; resolves with the payload of a block status, else with nothing in it. */
  #request(
    type: number,
    flags: number,
    offsetBytes: number,
    lengthBytes: number,
    bytes: { target?: Uint8Array; payload?: Uint8Array } = {},
  ): Promise<Buffer> {
    assertBytes(offsetBytes, 'offsetBytes');
    assertBytes(lengthBytes, 'lengthBytes');
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    this.#lastCookie = (this.#lastCookie % 0xffff_fffe) + 1;
    const cookie = this.#lastCookie;
    assert(!this.#pending.has(cookie), 'a cookie is free again after four billion requests');
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    const pending = { type, offsetBytes, lengthBytes, target: bytes.target, resolve, reject };
    this.#pending.set(cookie, { ...pending, settled: promise, covered: 0, failure: undefined });
    this.#socket.write(encodeRequest({ type, flags, cookie, offsetBytes, lengthBytes }));
    if (bytes.payload !== undefined) this.#socket.write(bytes.payload);
    return promise;
  }

  /** Never rejects: the end of the replies is the end of everything that is pending. */
  async #readReplies(replies: ReplyReader): Promise<void> {
    try {
      for (;;) await replies.next();
    } catch (error) {
      this.#failure ??= error;
      this.#socket.destroy(error);
      for (const pending of this.#pending.values()) pending.reject(this.#failure);
      this.#pending.clear();
    }
  }
}

function flagsOf(options: { fua?: boolean }): number {
  return options.fua === true ? commandFlag.fua : 0;
}

/** Runs all pieces of a range at once; rejects after all have ended if one failed. */
async function inPieces(
  lengthBytes: number,
  pieceBytesMax: number,
  run: (from: number, length: number) => Promise<void>,
): Promise<void> {
  if (lengthBytes <= pieceBytesMax) return lengthBytes === 0 ? undefined : run(0, lengthBytes);
  const pieces: Promise<void>[] = [];
  for (let from = 0; from < lengthBytes; from += pieceBytesMax) {
    pieces.push(run(from, Math.min(pieceBytesMax, lengthBytes - from)));
  }
  const failed = (await Promise.allSettled(pieces)).find((piece) => piece.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
