import { setImmediate as nextTurn } from 'node:timers/promises';
import { assert, must } from '../base/assert.ts';
import { requestBytesMax, type BlockDevice } from '../volume/block-device.ts';
import { blockStatus } from './block-status.ts';
import type { BufferPool } from './buffer-pool.ts';
import type { Refusal } from './errno.ts';
import type { Session } from './handshake.ts';
import { prefetch } from './prefetch.ts';
import { simpleRead, structuredRead } from './read-reply.ts';
import {
  command,
  commandFlag,
  encodeErrorChunk,
  encodeNoneChunk,
  simpleReplyBytes,
  writeSimpleReply,
  type Request,
} from './wire.ts';

/** What a request is answered with. */
export interface Means {
  readonly payload: Buffer | undefined;
  readonly pool: BufferPool;
  /** True once nobody waits for the answer. */
  readonly isOver: () => boolean;
}

/**
 * Does what a valid request asks and gives the whole reply, of memory that the pool lent if it is
 * long. Rejects with what the device rejects with. Without holes (`NO_HOLE`) is the same as with: a
 * copy-on-write volume provisions nothing in advance, so neither is a promise that a later write
 * finds room. Zeros are always fast.
 */
export async function answer(session: Session, request: Request, means: Means): Promise<Buffer> {
  const { payload, pool } = means;
  const { device, structured } = session;
  const { type, offsetBytes, lengthBytes } = request;
  switch (type) {
    case command.read:
      return (structured ? structuredRead : simpleRead)(device, request, pool);
    case command.blockStatus:
      return blockStatus(device, request);
    case command.write:
      if (lengthBytes > 0) await device.write(offsetBytes, must(payload, 'the payload of a write'));
      break;
    case command.writeZeroes:
      await inPieces(request, means, (at, length) => device.zero(at, length));
      break;
    case command.trim:
      await inPieces(request, means, (at, length) => device.trim(at, length));
      break;
    case command.flush:
      await device.flush();
      break;
    default:
      assert(type === command.cache, 'a request that was validated has a known command');
      await prefetch(device, request, means);
  }
  await flushIfForced(device, request);
  return done(session, request);
}

/** FUA: the reply says that what this request changed is durable. */
async function flushIfForced(device: BlockDevice, request: Request): Promise<void> {
  const { type, flags } = request;
  const changed = type === command.write || type === command.writeZeroes || type === command.trim;
  if (changed && (flags & commandFlag.fua) !== 0) await device.flush();
}

/**
 * A range of any length, in pieces that the device takes. Between them others get their turn, and
 * what is left when the client is gone is left undone.
 */
async function inPieces(
  request: Request,
  means: Means,
  apply: (offsetBytes: number, lengthBytes: number) => Promise<void>,
): Promise<void> {
  const end = request.offsetBytes + request.lengthBytes;
  for (let at = request.offsetBytes; at < end; at += requestBytesMax) {
    if (at > request.offsetBytes) await nextTurn();
    if (means.isOver()) return;
    await apply(at, Math.min(requestBytesMax, end - at));
  }
}

/**
 * Success without payload. It could be a simple reply for any client, but begins as a failure does
 * (`Channel.sendAhead`).
 */
export function done(session: Session, request: Request): Buffer {
  if (session.structured) return encodeNoneChunk(request);
  const reply = Buffer.allocUnsafe(simpleReplyBytes);
  writeSimpleReply(reply, 0, request, 0);
  return reply;
}

/** The whole reply to a request that is not, or could not be, served. */
export function refuse(session: Session, request: Request, refusal: Refusal): Buffer {
  if (session.structured) return encodeErrorChunk(request, refusal.errno, refusal.message);
  const reply = Buffer.allocUnsafe(simpleReplyBytes);
  writeSimpleReply(reply, 0, request, refusal.errno);
  return reply;
}
