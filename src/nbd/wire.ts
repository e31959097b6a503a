/**
 * The bytes of the NBD protocol, server side: numbers, the request header, replies.
 *
 * Source: doc/proto.md of NetworkBlockDevice/nbd, and for extended headers the same file on its
 * branch extension-ext-header. All integers are big-endian. A cookie is the client's own mark of a
 * request: 64 bits that go back unread, kept here as two halves of 32 bits. Offsets and lengths of
 * 2^53 or more lose their last bits; they lie past the end of every device all the same.
 */

/** The first 16 bytes of the server; the second half of them also begins every option. */
export const greetingMagic = Buffer.from('NBDMAGICIHAVEOPT', 'latin1');
export const optionMagicHigh = 0x49484156;
export const optionMagicLow = 0x454f5054;
const optionReplyMagicHigh = 0x0003e889;
const optionReplyMagicLow = 0x045565a9;
const requestMagic = 0x25609513;
const extendedRequestMagic = 0x21e41c71;
const simpleReplyMagic = 0x67446698;
const structuredReplyMagic = 0x668e33ef;
const extendedReplyMagic = 0x6e8a278c;

export const handshakeFlag = { fixedNewstyle: 1, noZeroes: 2 } as const;

export const option = {
  exportName: 1,
  abort: 2,
  list: 3,
  startTls: 5,
  info: 6,
  go: 7,
  structuredReply: 8,
  listMetaContext: 9,
  setMetaContext: 10,
  extendedHeaders: 11,
} as const;

export const optionReply = {
  ack: 1,
  info: 3,
  metaContext: 4,
  errUnsupported: 2 ** 31 + 1,
  errPolicy: 2 ** 31 + 2,
  errInvalid: 2 ** 31 + 3,
  errTlsRequired: 2 ** 31 + 5,
  errUnknown: 2 ** 31 + 6,
  errExtendedRequired: 2 ** 31 + 10,
} as const;

export const info = { export: 0, blockSize: 3 } as const;

export const transmissionFlag = {
  hasFlags: 1 << 0,
  readOnly: 1 << 1,
  sendFlush: 1 << 2,
  sendFua: 1 << 3,
  sendTrim: 1 << 5,
  sendWriteZeroes: 1 << 6,
  sendDf: 1 << 7,
  canMultiConn: 1 << 8,
  sendCache: 1 << 10,
  sendFastZero: 1 << 11,
} as const;

export const command = {
  read: 0,
  write: 1,
  disconnect: 2,
  flush: 3,
  trim: 4,
  cache: 5,
  writeZeroes: 6,
  blockStatus: 7,
} as const;

export const commandFlag = {
  fua: 1,
  noHole: 2,
  df: 4,
  reqOne: 8,
  fastZero: 16,
  payloadLength: 32,
} as const;

export const chunkType = {
  none: 0,
  offsetData: 1,
  offsetHole: 2,
  blockStatus: 5,
  blockStatusExtended: 6,
  error: 2 ** 15 + 1,
} as const;

/** The bits of a `base:allocation` status. */
export const allocation = { hole: 1, zero: 2 } as const;

const replyFlagDone = 1;

export const clientFlagsBytes = 4;
export const optionHeaderBytes = 16;
export const simpleReplyBytes = 16;
const requestHeaderBytes = 28;
const extendedRequestHeaderBytes = 32;
const structuredHeaderBytes = 20;
const extendedHeaderBytes = 32;
/** The longest string of the protocol: export names, context names, error messages. */
export const stringBytesMax = 4096;

export interface Request {
  /** Whether it came, and is answered, with extended headers. */
  readonly extended: boolean;
  readonly flags: number;
  readonly type: number;
  readonly cookieHigh: number;
  readonly cookieLow: number;
  /** The offset as it came, which extended replies repeat. */
  readonly offsetHigh: number;
  readonly offsetLow: number;
  readonly offsetBytes: number;
  /** The range that it is about. */
  readonly lengthBytes: number;
  /** What follows the header. */
  readonly payloadBytes: number;
}

export function requestHeaderBytesOf(session: { readonly extended: boolean }): number {
  return session.extended ? extendedRequestHeaderBytes : requestHeaderBytes;
}

/** The request whose header begins `bytes`, or nothing when the magic is wrong. */
export function parseRequest(bytes: Buffer, extended: boolean): Request | undefined {
  const magic = extended ? extendedRequestMagic : requestMagic;
  if (bytes.readUInt32BE(0) !== magic) return undefined;
  const flags = bytes.readUInt16BE(4);
  const type = bytes.readUInt16BE(6);
  const offsetHigh = bytes.readUInt32BE(16);
  const offsetLow = bytes.readUInt32BE(20);
  const lengthBytes = extended ? readUInt64(bytes, 24) : bytes.readUInt32BE(24);
  const carries = extended ? (flags & commandFlag.payloadLength) !== 0 : type === command.write;
  return {
    extended,
    flags,
    type,
    cookieHigh: bytes.readUInt32BE(8),
    cookieLow: bytes.readUInt32BE(12),
    offsetHigh,
    offsetLow,
    offsetBytes: offsetHigh * 2 ** 32 + offsetLow,
    lengthBytes,
    payloadBytes: carries ? lengthBytes : 0,
  };
}

function readUInt64(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);
}

/** Writes a size or an offset as 64 bits. */
export function writeUInt64(target: Buffer, value: number, at: number): void {
  target.writeUInt32BE(Math.floor(value / 2 ** 32), at);
  target.writeUInt32BE(value % 2 ** 32, at + 4);
}

/** One reply to an option. */
export function encodeOptionReply(optionType: number, replyType: number, data?: Buffer): Buffer {
  const lengthBytes = data?.length ?? 0;
  const reply = Buffer.allocUnsafe(20 + lengthBytes);
  reply.writeUInt32BE(optionReplyMagicHigh, 0);
  reply.writeUInt32BE(optionReplyMagicLow, 4);
  reply.writeUInt32BE(optionType, 8);
  reply.writeUInt32BE(replyType, 12);
  reply.writeUInt32BE(lengthBytes, 16);
  data?.copy(reply, 20);
  return reply;
}

/** Writes the header of a simple reply. */
export function writeSimpleReply(
  target: Buffer,
  at: number,
  request: Request,
  errno: number,
): void {
  target.writeUInt32BE(simpleReplyMagic, at);
  target.writeUInt32BE(errno, at + 4);
  target.writeUInt32BE(request.cookieHigh, at + 8);
  target.writeUInt32BE(request.cookieLow, at + 12);
}

/** The length of what `writeChunkHeader` writes. */
export function chunkHeaderBytesOf(request: Request): number {
  return request.extended ? extendedHeaderBytes : structuredHeaderBytes;
}

/**
 * Writes the header of a chunk of a reply, structured or extended as the request was;
 * `payloadBytes` of payload follow it.
 */
export function writeChunkHeader(
  target: Buffer,
  at: number,
  request: Request,
  chunk: { type: number; done: boolean; payloadBytes: number },
): void {
  target.writeUInt32BE(request.extended ? extendedReplyMagic : structuredReplyMagic, at);
  target.writeUInt16BE(chunk.done ? replyFlagDone : 0, at + 4);
  target.writeUInt16BE(chunk.type, at + 6);
  target.writeUInt32BE(request.cookieHigh, at + 8);
  target.writeUInt32BE(request.cookieLow, at + 12);
  if (request.extended) {
    target.writeUInt32BE(request.offsetHigh, at + 16);
    target.writeUInt32BE(request.offsetLow, at + 20);
    writeUInt64(target, chunk.payloadBytes, at + 24);
  } else {
    target.writeUInt32BE(chunk.payloadBytes, at + 16);
  }
}

/** A whole reply of one chunk without payload: success. */
export function encodeNoneChunk(request: Request): Buffer {
  const reply = Buffer.allocUnsafe(chunkHeaderBytesOf(request));
  writeChunkHeader(reply, 0, request, { type: chunkType.none, done: true, payloadBytes: 0 });
  return reply;
}

/** A whole reply of one chunk that says why a request failed. */
export function encodeErrorChunk(request: Request, errno: number, message: string): Buffer {
  const text = Buffer.from(message).subarray(0, stringBytesMax);
  const headBytes = chunkHeaderBytesOf(request);
  const reply = Buffer.allocUnsafe(headBytes + 6 + text.length);
  const chunk = { type: chunkType.error, done: true, payloadBytes: 6 + text.length };
  writeChunkHeader(reply, 0, request, chunk);
  reply.writeUInt32BE(errno, headBytes);
  reply.writeUInt16BE(text.length, headBytes + 4);
  text.copy(reply, headBytes + 6);
  return reply;
}
