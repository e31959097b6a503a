import { roundUp } from '../base/bytes.ts';
import type { Extent } from '../base/extent.ts';
import { blockBytes } from '../repository/block.ts';
import { type BlockDevice, readEach, type WantedRead } from '../volume/block-device.ts';

/** What is handed to the writer at once: zeros, or what one chunk holds. */
export type Batch =
  | { readonly kind: 'zero'; readonly extent: Extent }
  | { readonly kind: 'data'; readonly pieces: readonly Extent[]; readonly lengthBytes: number };

/**
 * Cuts data runs into pieces that fit a chunk and cross no multiple of its size; zeros stay whole.
 */
export function* piecesOf(runs: readonly Extent[], chunkBytes: number): Generator<Extent> {
  for (const run of runs) {
    if (run.kind !== 'data') {
      yield run;
      continue;
    }
    const end = run.offsetBytes + run.lengthBytes;
    for (let offsetBytes = run.offsetBytes; offsetBytes < end;) {
      const next = Math.min(end, (Math.floor(offsetBytes / chunkBytes) + 1) * chunkBytes);
      yield { offsetBytes, lengthBytes: next - offsetBytes, kind: 'data' };
      offsetBytes = next;
    }
  }
}

/** Gathers neighbouring pieces, however far apart they are, as long as one chunk holds them. */
export function* batchesOf(pieces: Iterable<Extent>, chunkBytes: number): Generator<Batch> {
  let gathered: Extent[] = [];
  let room = chunkBytes;
  const take = (): Batch => {
    const lengthBytes = gathered.reduce((sum, piece) => sum + piece.lengthBytes, 0);
    const batch: Batch = { kind: 'data', pieces: gathered, lengthBytes };
    gathered = [];
    room = chunkBytes;
    return batch;
  };
  for (const piece of pieces) {
    const zero = piece.kind !== 'data';
    if (gathered.length > 0 && (zero || piece.lengthBytes > room)) yield take();
    if (zero) yield { kind: 'zero', extent: piece };
    else {
      gathered.push(piece);
      room -= roundUp(piece.lengthBytes, blockBytes);
    }
  }
  if (gathered.length > 0) yield take();
}

/**
 * Reads the pieces of a batch into `target`, each from the beginning of a block on. When it
 * rejects, nothing writes to `target` any more.
 */
export async function readBatch(
  device: BlockDevice,
  pieces: readonly Extent[],
  target: Uint8Array,
): Promise<void> {
  const reads: WantedRead[] = [];
  let start = 0;
  for (const { offsetBytes, lengthBytes } of pieces) {
    reads.push({ offsetBytes, target: target.subarray(start, start + lengthBytes) });
    start += roundUp(lengthBytes, blockBytes);
  }
  await (device.readAll?.(reads) ?? readEach(device, reads));
}
