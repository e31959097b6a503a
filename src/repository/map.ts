/**
 * The shape of a map: a Merkle tree from volume offset to block id.
 *
 * Level 1 are the leaves: leaf n names the 1,024 blocks from offset n · 64 MiB on. A node of level
 * l + 1 names 1,024 nodes of level l. The root is the one node of the highest level, `depth`. A
 * zero id stands for whatever it would describe being zero, at every level; the zero id as root is
 * a volume of zeros. Only nodes that are not all zero exist, so equal content has an equal root.
 */
import { assert } from '../base/assert.ts';
import { blockBytes, blockCount, nodeIds, volumeBytesMax } from './block.ts';

/** The number of levels that a volume of this length needs, at least 1. */
export function depthOf(lengthBytes: number): number {
  assert(lengthBytes <= volumeBytesMax, 'a volume is not longer than a repository takes');
  let depth = 1;
  while (nodeIds ** depth < blockCount(lengthBytes)) depth += 1;
  return depth;
}

/** The bytes of a volume that a node of `level` describes; level 0 is a block. */
export function spanBytes(level: number): number {
  return blockBytes * nodeIds ** level;
}

/** Where a map begins. */
export interface MapRoot {
  readonly rootId: Uint8Array;
  readonly depth: number;
}
