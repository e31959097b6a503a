import { appendExtent, type Extent } from '../base/extent.ts';
import { KiB } from '../base/bytes.ts';
import type { BlockDevice } from '../volume/block-device.ts';
import type { BufferPool } from './buffer-pool.ts';
import {
  chunkHeaderBytes,
  chunkType,
  commandFlag,
  simpleReplyBytes,
  writeChunkHeader,
  writeSimpleReply,
  writeUInt64,
  type Request,
} from './wire.ts';

/** Shorter reads are not worth asking for extents, and shorter holes not a chunk of their own. */
export const sparseReadBytesMin = 64 * KiB;
const holeBytesMin = 16 * KiB;
/** A read with more chunks than this is answered as plain data. */
const chunksMax = 32;

const dataHeaderBytes = chunkHeaderBytes + 8;
const holeChunkBytes = chunkHeaderBytes + 12;

/** Reads for a client without structured replies. */
export async function simpleRead(
  device: BlockDevice,
  request: Request,
  pool: BufferPool,
): Promise<Buffer> {
  const reply = pool.lend(simpleReplyBytes + request.lengthBytes);
  writeSimpleReply(reply, request, 0);
  if (request.lengthBytes > 0) {
    await device.read(request.offsetBytes, reply.subarray(simpleReplyBytes));
  }
  return reply;
}

/**
 * Reads for a client with structured replies: one data chunk, or data and holes in order of their
 * offsets where the device knows of holes. All data is there before the first byte is sent, so the
 * last chunk can be marked as the end.
 */
export async function structuredRead(
  device: BlockDevice,
  request: Request,
  pool: BufferPool,
): Promise<Buffer> {
  const { offsetBytes, lengthBytes } = request;
  if (lengthBytes === 0) {
    const reply = Buffer.allocUnsafe(chunkHeaderBytes);
    writeChunkHeader(reply, 0, request, { type: chunkType.none, done: true, payloadBytes: 0 });
    return reply;
  }
  const whole = (request.flags & commandFlag.df) !== 0;
  if (!whole && lengthBytes >= sparseReadBytesMin) {
    const runs = joinShortHoles(await device.extents(offsetBytes, lengthBytes));
    if (runs.length <= chunksMax && runs.some((run) => run.kind !== 'data')) {
      return readRuns(device, request, runs, pool);
    }
  }
  return readRuns(device, request, [{ offsetBytes, lengthBytes, kind: 'data' }], pool);
}

/** Runs of two kinds, `data` and `absent`, in which no hole is short. */
function joinShortHoles(extents: readonly Extent[]): Extent[] {
  const holes: Extent[] = [];
  for (const extent of extents) {
    appendExtent(holes, { ...extent, kind: extent.kind === 'data' ? 'data' : 'absent' });
  }
  const runs: Extent[] = [];
  for (const run of holes) {
    const short = run.lengthBytes < holeBytesMin;
    appendExtent(runs, short ? { ...run, kind: 'data' } : run);
  }
  return runs;
}

async function readRuns(
  device: BlockDevice,
  request: Request,
  runs: readonly Extent[],
  pool: BufferPool,
): Promise<Buffer> {
  let replyBytes = 0;
  for (const run of runs) {
    replyBytes += run.kind === 'data' ? dataHeaderBytes + run.lengthBytes : holeChunkBytes;
  }
  const reply = pool.lend(replyBytes);
  const reads: Promise<void>[] = [];
  let at = 0;
  for (const [index, run] of runs.entries()) {
    const done = index === runs.length - 1;
    if (run.kind === 'data') {
      const chunk = { type: chunkType.offsetData, done, payloadBytes: 8 + run.lengthBytes };
      writeChunkHeader(reply, at, request, chunk);
      writeUInt64(reply, run.offsetBytes, at + chunkHeaderBytes);
      at += dataHeaderBytes;
      reads.push(device.read(run.offsetBytes, reply.subarray(at, at + run.lengthBytes)));
      at += run.lengthBytes;
    } else {
      const chunk = { type: chunkType.offsetHole, done, payloadBytes: 12 };
      writeChunkHeader(reply, at, request, chunk);
      writeUInt64(reply, run.offsetBytes, at + chunkHeaderBytes);
      reply.writeUInt32BE(run.lengthBytes, at + chunkHeaderBytes + 8);
      at += holeChunkBytes;
    }
  }
  await settleAll(reads);
  return reply;
}

/** Waits for every read, also after one failed, so that none goes on into a buffer that is gone. */
async function settleAll(reads: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(reads)).find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
