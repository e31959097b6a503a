import { KiB, roundUp } from '../base/bytes.ts';

/** The unit of backup and deduplication. The last block of a volume is padded with zeros. */
export const blockBytes = 64 * KiB;

/** The unit in which a patch replaces bytes of a block. */
export const sectorBytes = 4 * KiB;

/** Blocks are handed between threads in chunks of this many. */
export const chunkBlocks = 16;
export const chunkBytes = chunkBlocks * blockBytes;

/** An id is an HMAC-SHA256; the id of all zeros stands for a block that holds only zeros. */
export const idBytes = 32;
export const zeroId: Uint8Array = new Uint8Array(idBytes);

/** A map node holds this many ids of what is below it. */
export const nodeIds = 1024;
export const nodeBytes = nodeIds * idBytes;

/** The stretch of a volume that one leaf node of the map describes. */
export const leafBytes = nodeIds * blockBytes;

/** The largest volume that a repository takes: 1 PiB. */
export const volumeBytesMax = 2 ** 50;

/**
 * What a sealed piece of a pack holds. The byte is part of the format and of what the seal
 * authenticates, so that none can be taken for another.
 */
export const blockKinds = { whole: 1, patch: 2, node: 3 } as const;
export type BlockKind = (typeof blockKinds)[keyof typeof blockKinds];

export function isBlockKind(value: number): value is BlockKind {
  return value === 1 || value === 2 || value === 3;
}

export function blockCount(lengthBytes: number): number {
  return roundUp(lengthBytes, blockBytes) / blockBytes;
}

/** True when the id that begins at `at` is the zero id. */
export function isZeroId(ids: Uint8Array, at = 0): boolean {
  for (let index = at; index < at + idBytes; index += 1) if (ids[index] !== 0) return false;
  return true;
}

export function hexOf(id: Uint8Array): string {
  return Buffer.from(id.buffer, id.byteOffset, id.byteLength).toString('hex');
}
