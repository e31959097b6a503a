import { appendExtent, type Extent } from '../base/extent.ts';
import { KiB } from '../base/bytes.ts';
import type { BlockDevice } from '../volume/block-device.ts';
import type { BufferPool } from './buffer-pool.ts';
import {
  chunkHeaderBytesOf,
  chunkType,
  commandFlag,
  encodeNoneChunk,
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

/** Before the data of a chunk stands its offset; behind the offset of a hole its length. */
const dataPrefixBytes = 8;
const holePayloadBytes = 12;

/** Reads for a client that knows nothing but simple replies. */
export async function simpleRead(
  device: BlockDevice,
  request: Request,
  pool: BufferPool,
): Promise<Buffer> {
  const reply = pool.lend(simpleReplyBytes + request.lengthBytes, simpleReplyBytes);
  writeSimpleReply(reply, 0, request, 0);
  if (request.lengthBytes > 0) {
    await device.read(request.offsetBytes, reply.subarray(simpleReplyBytes));
  }
  return reply;
}

/**
 * Reads for a client with structured or extended replies: one data chunk, or data and holes in
 * order of their offsets where the device knows of holes. All data is there before the first byte
 * is sent, so the last chunk can be marked as the end.
 */
export async function structuredRead(
  device: BlockDevice,
  request: Request,
  pool: BufferPool,
): Promise<Buffer> {
  const { offsetBytes, lengthBytes } = request;
  if (lengthBytes === 0) return encodeNoneChunk(request);
  const whole = (request.flags & commandFlag.df) !== 0;
  if (!whole && lengthBytes >= sparseReadBytesMin) {
    const runs = joinShortHoles(await device.extents(offsetBytes, lengthBytes));
    if (runs.length <= chunksMax && runs.some((run) => run.kind !== 'data')) {
      return readRuns(device, request, runs, pool);
    }
  }
  return readRuns(device, request, [{ offsetBytes, lengthBytes, kind: 'data' }], pool);
}

/** The length of a reply to a read that is all data, whose data comes last. */
export function plainReadBytesOf(
  { structured }: { readonly structured: boolean },
  request: Request,
): number {
  const headBytes = structured ? chunkHeaderBytesOf(request) + dataPrefixBytes : simpleReplyBytes;
  return headBytes + request.lengthBytes;
}

/** Writes at `at` what comes before the data in such a reply. */
export function writePlainReadHead(
  target: Buffer,
  at: number,
  { structured }: { readonly structured: boolean },
  request: Request,
): void {
  if (!structured) {
    writeSimpleReply(target, at, request, 0);
    return;
  }
  const payloadBytes = dataPrefixBytes + request.lengthBytes;
  writeChunkHeader(target, at, request, { type: chunkType.offsetData, done: true, payloadBytes });
  writeUInt64(target, request.offsetBytes, at + chunkHeaderBytesOf(request));
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
  const headBytes = chunkHeaderBytesOf(request);
  let replyBytes = 0;
  for (const run of runs) {
    const isData = run.kind === 'data';
    replyBytes += headBytes + (isData ? dataPrefixBytes + run.lengthBytes : holePayloadBytes);
  }
  // The data of the first run begins with a page, and mostly that is the only one.
  const reply = pool.lend(replyBytes, headBytes + dataPrefixBytes);
  const reads: Promise<void>[] = [];
  let at = 0;
  for (const [index, run] of runs.entries()) {
    const done = index === runs.length - 1;
    const isData = run.kind === 'data';
    const type = isData ? chunkType.offsetData : chunkType.offsetHole;
    const payloadBytes = isData ? dataPrefixBytes + run.lengthBytes : holePayloadBytes;
    writeChunkHeader(reply, at, request, { type, done, payloadBytes });
    at += headBytes;
    writeUInt64(reply, run.offsetBytes, at);
    if (isData) {
      const data = reply.subarray(at + dataPrefixBytes, at + payloadBytes);
      reads.push(device.read(run.offsetBytes, data));
    } else {
      reply.writeUInt32BE(run.lengthBytes, at + 8);
    }
    at += payloadBytes;
  }
  await settleAll(reads);
  return reply;
}

/** Waits for every read, also after one failed, so that none goes on into a buffer that is gone. */
async function settleAll(reads: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(reads)).find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
