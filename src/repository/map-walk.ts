import { idBytes, isZeroId, leafBytes, nodeBytes, nodeIds } from './block.ts';
import { type MapRoot, spanBytes } from './map.ts';
import type { NodeReader } from './nodes.ts';

/** A leaf of a map that is not all zero. */
export interface LeafAt {
  readonly offsetBytes: number;
  /** Lent until the next leaf is asked for. */
  readonly ids: Uint8Array;
}

/**
 * The leaves that hold data within a range of the volume, in order; zero subtrees are not walked.
 */
export async function* leavesOf(
  nodes: NodeReader,
  root: MapRoot,
  range: { offsetBytes: number; lengthBytes: number },
  signal?: AbortSignal,
): AsyncGenerator<LeafAt> {
  const end = range.offsetBytes + range.lengthBytes;
  const room = new Uint8Array(nodeBytes);
  yield* walk(root.rootId, root.depth, 0);

  async function* walk(id: Uint8Array, level: number, start: number): AsyncGenerator<LeafAt> {
    if (isZeroId(id) || start >= end || start + spanBytes(level) <= range.offsetBytes) return;
    const isLeaf = level === 1;
    const ids = await (isLeaf ? nodes.readInto(room, id, signal) : nodes.read(id, signal));
    if (ids === undefined) return;
    if (isLeaf) {
      yield { offsetBytes: start, ids };
      return;
    }
    for (let index = 0; index < nodeIds; index += 1) {
      const child = ids.subarray(index * idBytes, (index + 1) * idBytes);
      yield* walk(child, level - 1, start + index * spanBytes(level - 1));
    }
  }
}

/** The id of a node of a map, zero when it describes only zeros or lies behind the map's end. */
export async function nodeIdAt(
  nodes: NodeReader,
  root: MapRoot,
  level: number,
  index: number,
): Promise<Uint8Array> {
  let id = root.rootId;
  for (let at = root.depth; at > level; at -= 1) {
    const below = nodeIds ** (at - 1 - level);
    const slot = Math.floor(index / below) % nodeIds;
    if (at === root.depth && Math.floor(index / below) >= nodeIds) return new Uint8Array(idBytes);
    const ids = await nodes.read(id);
    if (ids === undefined) return id;
    id = ids.subarray(slot * idBytes, (slot + 1) * idBytes);
  }
  return root.depth === level && index > 0 ? new Uint8Array(idBytes) : id;
}

/** The number of the leaf that describes the byte at `offsetBytes`. */
export function leafIndexOf(offsetBytes: number): number {
  return Math.floor(offsetBytes / leafBytes);
}
