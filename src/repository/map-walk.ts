import { must } from '../base/assert.ts';
import { idBytes, isZeroId, leafBytes, nodeBytes, nodeIds } from './block.ts';
import { type MapRoot, spanBytes } from './map.ts';
import type { NodeReader } from './nodes.ts';

/** A leaf of a map that is not all zero. */
export interface LeafAt {
  readonly offsetBytes: number;
  /** Lent until the next leaf is asked for. */
  readonly ids: Uint8Array;
}

/** Leaves that are read beside the one that is handed out: 256 KiB of them. */
const leavesAhead = 8;

interface LeafPlace {
  readonly offsetBytes: number;
  readonly id: Uint8Array;
}

interface LeafReading {
  readonly offsetBytes: number;
  readonly room: Uint8Array;
  readonly ids: Promise<Uint8Array | undefined>;
}

/**
 * The leaves that hold data within a range of the volume, in order; zero subtrees are not walked.
 * Where each leaf has little data most of the time goes into reading leaves: some are read ahead.
 */
export async function* leavesOf(
  nodes: Pick<NodeReader, 'read' | 'readInto'>,
  root: MapRoot,
  range: { offsetBytes: number; lengthBytes: number },
  signal?: AbortSignal,
): AsyncGenerator<LeafAt> {
  const rooms: Uint8Array[] = [];
  const under: LeafReading[] = [];
  const begin = ({ offsetBytes, id }: LeafPlace): void => {
    const room = rooms.pop() ?? new Uint8Array(nodeBytes);
    const ids = nodes.readInto(room, id, signal);
    // Whoever comes to the leaf hears of it.
    void Promise.allSettled([ids]);
    under.push({ offsetBytes, room, ids });
  };
  async function* first(): AsyncGenerator<LeafAt> {
    const reading = must(under[0], 'a leaf is being read');
    const ids = await reading.ids;
    if (ids !== undefined) yield { offsetBytes: reading.offsetBytes, ids };
    under.shift();
    rooms.push(reading.room);
  }
  try {
    for await (const place of leafPlacesOf(nodes, root, range, signal)) {
      begin(place);
      if (under.length > leavesAhead) yield* first();
    }
    while (under.length > 0) yield* first();
  } finally {
    await Promise.allSettled(under.map(({ ids }) => ids));
  }
}

/** Where the leaves are that `leavesOf` reads. */
async function* leafPlacesOf(
  nodes: Pick<NodeReader, 'read'>,
  root: MapRoot,
  { offsetBytes, lengthBytes }: { offsetBytes: number; lengthBytes: number },
  signal: AbortSignal | undefined,
): AsyncGenerator<LeafPlace> {
  const end = offsetBytes + lengthBytes;
  if (!isZeroId(root.rootId)) yield* below(root.rootId, root.depth, 0);

  async function* below(id: Uint8Array, level: number, start: number): AsyncGenerator<LeafPlace> {
    if (level === 1) {
      yield { offsetBytes: start, id };
      return;
    }
    const ids = must(await nodes.read(id, signal), 'the id is not zero');
    const span = spanBytes(level - 1);
    const from = Math.max(0, Math.floor((offsetBytes - start) / span));
    const to = Math.min(nodeIds, Math.ceil((end - start) / span));
    for (let index = from; index < to; index += 1) {
      if (isZeroId(ids, index * idBytes)) continue;
      const child = ids.subarray(index * idBytes, (index + 1) * idBytes);
      yield* below(child, level - 1, start + index * span);
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
