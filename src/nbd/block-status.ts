import { setImmediate as nextTurn } from 'node:timers/promises';
import { GiB, MiB } from '../base/bytes.ts';
import type { ExtentKind } from '../base/extent.ts';
import type { BlockDevice } from '../volume/block-device.ts';
import { allocationContextId } from './option.ts';
import {
  allocation,
  chunkHeaderBytesOf,
  chunkType,
  commandFlag,
  writeChunkHeader,
  writeUInt64,
  type Request,
} from './wire.ts';

/** The range that is asked of the device in one go: at most 16,384 extents of one sector. */
const stepBytes = 64 * MiB;
/** The range that one reply covers at most; the client asks on from its end. */
const replyRangeBytesMax = 64 * GiB;
/** With this many descriptors a reply is long enough; the client asks on from its end. */
const descriptorsEnough = 8192;
/** What a block status may hold in memory while it is answered, as it counts in the limits. */
export const blockStatusBytes = 128 * 1024;

/** An `absent` and a `zero` extent read alike, and both have given their space back. */
function statusOf(kind: ExtentKind): number {
  return kind === 'data' ? 0 : allocation.hole | allocation.zero;
}

/** A run of one status, as the reply has it. */
interface Descriptor {
  lengthBytes: number;
  readonly status: number;
}

async function descriptorsOf(device: BlockDevice, request: Request): Promise<Descriptor[]> {
  const end = request.offsetBytes + Math.min(request.lengthBytes, replyRangeBytesMax);
  const enough = (request.flags & commandFlag.reqOne) === 0 ? descriptorsEnough : 2;
  const descriptors: Descriptor[] = [];
  let at = request.offsetBytes;
  while (at < end && descriptors.length < enough) {
    if (at > request.offsetBytes) await nextTurn();
    const step = Math.min(stepBytes, end - at);
    for (const extent of await device.extents(at, step)) {
      const status = statusOf(extent.kind);
      const last = descriptors.at(-1);
      if (last?.status === status) last.lengthBytes += extent.lengthBytes;
      else descriptors.push({ lengthBytes: extent.lengthBytes, status });
    }
    at += step;
  }
  return descriptors.slice(0, enough === descriptorsEnough ? enough : 1);
}

/**
 * The answer to BLOCK_STATUS in `base:allocation`: descriptors from the offset on, neighbours of
 * different status. It may cover less than was asked for, and covers at least one byte.
 */
export async function blockStatus(device: BlockDevice, request: Request): Promise<Buffer> {
  const descriptors = await descriptorsOf(device, request);
  return request.extended
    ? encodeExtended(request, descriptors)
    : encodeStructured(request, descriptors);
}

function encodeStructured(request: Request, descriptors: readonly Descriptor[]): Buffer {
  const payloadBytes = 4 + 8 * descriptors.length;
  let at = chunkHeaderBytesOf(request);
  const reply = Buffer.allocUnsafe(at + payloadBytes);
  writeChunkHeader(reply, 0, request, { type: chunkType.blockStatus, done: true, payloadBytes });
  reply.writeUInt32BE(allocationContextId, at);
  at += 4;
  for (const descriptor of descriptors) {
    reply.writeUInt32BE(descriptor.lengthBytes, at);
    reply.writeUInt32BE(descriptor.status, at + 4);
    at += 8;
  }
  return reply;
}

function encodeExtended(request: Request, descriptors: readonly Descriptor[]): Buffer {
  const payloadBytes = 8 + 16 * descriptors.length;
  const type = chunkType.blockStatusExtended;
  let at = chunkHeaderBytesOf(request);
  const reply = Buffer.allocUnsafe(at + payloadBytes);
  writeChunkHeader(reply, 0, request, { type, done: true, payloadBytes });
  reply.writeUInt32BE(allocationContextId, at);
  reply.writeUInt32BE(descriptors.length, at + 4);
  at += 8;
  for (const descriptor of descriptors) {
    writeUInt64(reply, descriptor.lengthBytes, at);
    writeUInt64(reply, descriptor.status, at + 8);
    at += 16;
  }
  return reply;
}
