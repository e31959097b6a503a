/**
 * The bytes of the NBD protocol, client side: what the client sends, and what begins a reply.
 *
 * Source: doc/proto.md of NetworkBlockDevice/nbd. All integers are big-endian. A cookie is the
 * client's own number of a request; the upper half of its 64 bits is always zero here.
 */
import { OperatingError, type ErrorCode } from '../base/errors.ts';

export const greeting = Buffer.from('NBDMAGICIHAVEOPT', 'latin1');
export const handshakeFlag = { fixedNewstyle: 1, noZeroes: 2 } as const;
export const option = { startTls: 5, go: 7, structuredReply: 8, setMetaContext: 10 } as const;
export const optionReply = { ack: 1, info: 3, metaContext: 4, errorBit: 2 ** 31 } as const;
export const info = { export: 0 } as const;
export const transmissionFlag = { readOnly: 1 << 1 } as const;
export const command = {
  read: 0,
  write: 1,
  disconnect: 2,
  flush: 3,
  trim: 4,
  writeZeroes: 6,
  blockStatus: 7,
} as const;
export const commandFlag = { fua: 1 } as const;
export const chunkType = { none: 0, offsetData: 1, offsetHole: 2, blockStatus: 5 } as const;
export const chunkErrorBit = 2 ** 15;
export const chunkFlagDone = 1;
export const allocation = { hole: 1, zero: 2 } as const;

export const optionReplyMagic = 0x0003e889045565a9n;
export const simpleReplyMagic = 0x67446698;
export const structuredReplyMagic = 0x668e33ef;
const requestMagic = 0x25609513;

export const optionReplyHeaderBytes = 20;
export const simpleReplyBytes = 16;
export const chunkHeaderBytes = 20;
/** What every NBD server takes in one request. */
export const requestBytesMax = 32 * 1024 * 1024;

export function encodeOption(type: number, data: Buffer): Buffer {
  const head = Buffer.alloc(16);
  greeting.copy(head, 0, 8);
  head.writeUInt32BE(type, 8);
  head.writeUInt32BE(data.length, 12);
  return Buffer.concat([head, data]);
}

/** A string with its length of 32 bits before it. */
export function encodeString(text: string): Buffer {
  const bytes = Buffer.from(text);
  const head = Buffer.alloc(4);
  head.writeUInt32BE(bytes.length);
  return Buffer.concat([head, bytes]);
}

export interface RequestHead {
  readonly type: number;
  readonly flags: number;
  readonly cookie: number;
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

export function encodeRequest(request: RequestHead): Buffer {
  const head = Buffer.allocUnsafe(28);
  head.writeUInt32BE(requestMagic, 0);
  head.writeUInt16BE(request.flags, 4);
  head.writeUInt16BE(request.type, 6);
  head.writeUInt32BE(0, 8);
  head.writeUInt32BE(request.cookie, 12);
  head.writeUInt32BE(Math.floor(request.offsetBytes / 2 ** 32), 16);
  head.writeUInt32BE(request.offsetBytes % 2 ** 32, 20);
  head.writeUInt32BE(request.lengthBytes, 24);
  return head;
}

const errnos: Record<number, { name: string; code: ErrorCode }> = {
  1: { name: 'EPERM', code: 'read_only' },
  5: { name: 'EIO', code: 'io' },
  12: { name: 'ENOMEM', code: 'unavailable' },
  22: { name: 'EINVAL', code: 'invalid_input' },
  28: { name: 'ENOSPC', code: 'no_space' },
  75: { name: 'EOVERFLOW', code: 'invalid_input' },
  95: { name: 'ENOTSUP', code: 'invalid_input' },
  108: { name: 'ESHUTDOWN', code: 'unavailable' },
};

/** The error that a server answered a request with; a value that is not in proto.md is EINVAL. */
export function errorOfReply(doing: string, errno: number, message: string): OperatingError {
  const known = errnos[errno] ?? { name: `EINVAL (${errno})`, code: 'invalid_input' as const };
  const detail = message === '' ? '' : `: ${message}`;
  return new OperatingError(known.code, `${doing} failed with ${known.name}${detail}`);
}
