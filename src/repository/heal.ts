/**
 * Stores damaged blocks and map nodes anew, from a copy of the same bytes somewhere else: whoever
 * has bytes whose keyed hash is the block's id has the block, and whoever has all the blocks below
 * a node has the node.
 *
 * A pack with a damaged block is replaced, as prune does it and in the same order: all its other
 * blocks are copied as they are into a new pack, the healed ones beside them, and then it goes. So
 * a crash at any step leaves the old pack, or both, or the new one.
 */
import { throwIfAborted } from '../base/abort.ts';
import { isOperatingError } from '../base/errors.ts';
import type { Pack } from './block-index.ts';
import { type BlockKind, blockBytes, blockKinds, hexOf, isZeroId } from './block.ts';
import type { BlockSource } from './fetch.ts';
import { type CopyReader, NodeHealer } from './heal-node.ts';
import type { IndexKeeper } from './index-keeper.ts';
import type { Leases } from './leases.ts';
import type { MapRoot } from './map.ts';
import { leavesOf } from './map-walk.ts';
import type { NodeReader } from './nodes.ts';
import { moveBlocks } from './pack-move.ts';
import { PackWriter } from './pack-writer.ts';
import { publishList, replacePacks } from './prune.ts';
import { type ByteSpan, runsOfLeaf } from './reader.ts';
import { blockLabel, seal } from './seal.ts';

/** Blocks that are healed at a time: 64 MiB of memory. */
const blocksMax = 1024;

export interface HealParts {
  readonly source: BlockSource;
  /** Reads the copy that is to be healed, and no other. */
  readonly exact: NodeReader;
  /** Reads whatever copy is whole. */
  readonly nodes: NodeReader;
  readonly leases: Leases;
  readonly keeper: IndexKeeper;
}

/** What is to be stored anew, sealed, by ids. */
type Healed = Map<string, { readonly kind: BlockKind; readonly sealed: Uint8Array }>;

/**
 * Heals what can be healed of `ranges`: the nodes of the map that are damaged there or, when none
 * is, the blocks; at most 1,024. Answers how many were stored anew. Called by one at a time, and
 * never beside a prune.
 */
export async function healBlocks(
  parts: HealParts,
  { root, lengthBytes }: { root: MapRoot; lengthBytes: number },
  ranges: readonly ByteSpan[],
  copies: readonly CopyReader[],
  signal?: AbortSignal,
): Promise<number> {
  const { source, exact, nodes } = parts;
  const healed: Healed = new Map();
  const add = (kind: BlockKind, id: Uint8Array, plain: Uint8Array): void => {
    const label = blockLabel(kind, id);
    healed.set(hexOf(id), { kind, sealed: seal(source.keys.blockKey(id[0] ?? 0), label, plain) });
  };
  const found = (id: Uint8Array, plain: Uint8Array): void => add(blockKinds.node, id, plain);
  const { keys } = source;
  const healer = new NodeHealer({ keys, exact, nodes, lengthBytes, copies, found, signal });
  await healer.heal(root, ranges);
  if (healed.size === 0) {
    for (const range of ranges) {
      for await (const leaf of leavesOf(nodes, root, range, signal)) {
        for (const { offsetBytes, ids } of runsOfLeaf(leaf.offsetBytes, leaf.ids, range, 1)) {
          throwIfAborted(signal);
          const [id] = ids;
          if (id === undefined || healed.size >= blocksMax || healed.has(hexOf(id))) continue;
          const plain = await findCopy(source, id, offsetBytes, copies);
          if (plain !== undefined) add(blockKinds.whole, id, plain);
        }
      }
    }
  }
  if (healed.size > 0) await storeHealed(parts, healed, signal);
  return healed.size;
}

/** Makes what was healed durable, and gives up the packs in which it is damaged. */
async function storeHealed(
  { source, leases, keeper }: HealParts,
  healed: Healed,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { index } = source;
  const turn = await leases.takeTurn('prune', signal);
  try {
    await keeper.noticePrunes(signal);
    const doomed = new Set<Pack>();
    for (const id of healed.keys()) {
      const at = index.find(Buffer.from(id, 'hex'));
      if (at !== undefined) doomed.add(index.pack(at.pack));
    }
    // Some may be condemned by a prune or a healing that broke off.
    const packs = [...doomed];
    const fresh = packs.filter((pack) => !pack.condemned);
    const published = fresh.length > 0 ? [await publishList(keeper.lists, fresh)] : [];
    const copy = (): Promise<number> => copyHealed(source, packs, healed, signal);
    await replacePacks(source, packs, { copy, turn, signal });
    await keeper.lists.finish(published);
  } finally {
    await turn.release();
  }
}

async function findCopy(
  { keys }: BlockSource,
  id: Uint8Array,
  offsetBytes: number,
  copies: readonly CopyReader[],
): Promise<Uint8Array | undefined> {
  if (isZeroId(id)) return undefined;
  for (const copy of copies) {
    const plain = new Uint8Array(blockBytes);
    if ((await copy(offsetBytes, plain)) && keys.idOf(plain).equals(id)) return plain;
  }
  return undefined;
}

/** Makes the healed blocks durable with all else that the packs hold; answers their size. */
async function copyHealed(
  source: BlockSource,
  packs: readonly Pack[],
  healed: Healed,
  signal?: AbortSignal,
): Promise<number> {
  const writer = new PackWriter({ source, signal });
  try {
    for (const pack of packs) {
      throwIfAborted(signal);
      await moveOthers(source, pack, healed, writer);
      await writer.room();
    }
    for (const [id, { kind, sealed }] of healed) {
      writer.add(kind, Buffer.from(id, 'hex'), sealed);
      await writer.room();
    }
    await writer.flush();
  } catch (error) {
    await writer.abort();
    throw error;
  }
  return writer.bytesStored;
}

/** Nothing of a pack that is lost. */
async function moveOthers(
  source: BlockSource,
  pack: Pack,
  healed: Healed,
  writer: PackWriter,
): Promise<void> {
  try {
    await moveBlocks(source, pack, (id) => !healed.has(hexOf(id)), writer);
  } catch (error) {
    if (!isOperatingError(error, 'not_found')) throw error;
  }
}
