import { FilePool } from '../layer/file-pool.ts';
import { countData } from '../layer/map-page.ts';
import { sectorBytes } from '../layer/sector.ts';
import type { Inventory, LayerEntry } from './inventory.ts';
import { recordOf, takeInventory } from './inventory.ts';
import { hostBytesOf, statLayer } from './layer-files.ts';
import type { LeftByKill } from './left-by-kill.ts';
import { findLeftByKill } from './left-by-kill.ts';
import { OpenMaps } from './open-maps.ts';
import { readOnlyFiles } from './read-only-files.ts';
import { References } from './references.ts';

/** `damaged`: its record, or a map that it needs, cannot be read, or a layer is missing. */
export interface ListedVolume {
  readonly id: string;
  readonly state: 'sound' | 'damaged';
  readonly lengthBytes: number | null;
  readonly head: string | null;
  /** The layers from the head down, as far as they are there. */
  readonly chain: readonly string[];
  readonly snapshots: readonly ListedSnapshot[];
}

export interface ListedSnapshot {
  readonly id: string;
  readonly layer: string;
  readonly lengthBytes: number;
  readonly createdAt: string;
}

export interface ListedLayer {
  readonly id: string;
  readonly parent: string | null;
  /**
   * `head` takes the writes of a volume, `frozen` none, nothing leads to one that is `dead`; nor to
   * a `newer-head` or what is under it, which the next start of Firn takes all the same.
   */
  readonly state: 'head' | 'frozen' | 'newer-head' | 'dead' | 'damaged';
  /** True when it has answered, unflushed changes that its map and `dataBytes` lack. */
  readonly isUnflushed: boolean;
  readonly lengthBytes: number | null;
  /** The volumes and snapshots that name it directly. */
  readonly names: readonly { readonly volumeId: string; readonly snapshotId: string | null }[];
  /** What the map says is in its data, in whole sectors; null when the map cannot be read. */
  readonly dataBytes: number | null;
  /** What the host has set aside for it. */
  readonly hostBytes: number | null;
}

export interface FolderListing {
  readonly volumes: readonly ListedVolume[];
  /** Every layer after its parent. */
  readonly layers: readonly ListedLayer[];
}

/** Lists what a folder of volumes holds, from records and maps. */
export async function listFolder(folder: string): Promise<FolderListing> {
  const inventory = await takeInventory(folder);
  const references = new References(inventory);
  const left = await findLeftByKill(inventory, references);
  const maps = new OpenMaps(inventory, new FilePool(readOnlyFiles));
  const layers: ListedLayer[] = [];
  for (const entry of inTreeOrder(inventory, references)) {
    layers.push(await listLayer({ inventory, references, left }, maps, entry));
  }
  await maps.close();
  const unreadable = new Set(layers.filter((each) => each.dataBytes === null).map(({ id }) => id));
  return { volumes: listVolumes(inventory, references, unreadable), layers };
}

function listVolumes(
  inventory: Inventory,
  references: References,
  unreadable: ReadonlySet<string>,
): ListedVolume[] {
  return [...inventory.volumes.values()].map((entry) => {
    const record = recordOf(entry);
    const { id } = entry;
    if (record === undefined) {
      return { id, state: 'damaged', lengthBytes: null, head: null, chain: [], snapshots: [] };
    }
    const { lengthBytes, head, snapshots } = record;
    const chain = references.chain(head);
    const tops = new Set([head, ...snapshots.map((snapshot) => snapshot.layer)]);
    const isBroken = [...tops].some((top) => {
      // What lies under the head was looked at with it.
      const facts = chain.layers.some(({ id: below }) => below === top)
        ? chain
        : references.chain(top);
      return facts.end !== undefined || facts.layers.some((layer) => unreadable.has(layer.id));
    });
    const state = isBroken ? 'damaged' : 'sound';
    return { id, state, lengthBytes, head, chain: chain.layers.map((each) => each.id), snapshots };
  });
}

async function listLayer(
  around: { inventory: Inventory; references: References; left: LeftByKill },
  maps: OpenMaps,
  entry: LayerEntry,
): Promise<ListedLayer> {
  const { inventory, references, left } = around;
  const { id } = entry;
  const isUnflushed = left.hasMarks(id);
  const names = references.namesOf(id).map(({ volumeId, snapshotId }) => ({
    volumeId,
    snapshotId,
  }));
  const record = recordOf(entry);
  if (record === undefined) {
    const nothing = { parent: null, lengthBytes: null, dataBytes: null, hostBytes: null };
    return { id, state: 'damaged', isUnflushed, names, ...nothing };
  }
  const isHead = names.some((name) => name.snapshotId === null);
  const unled = left.volumesOf(id).length > 0 ? 'newer-head' : 'dead';
  const state = !references.isLed(id) ? unled : isHead ? 'head' : 'frozen';
  const { parent, lengthBytes } = record;
  const hostBytes = hostBytesOf(await statLayer(inventory.folder, entry, record));
  const dataBytes = await countDataBytes(maps, id);
  return { id, parent, state, isUnflushed, lengthBytes, names, dataBytes, hostBytes };
}

async function countDataBytes(maps: OpenMaps, layerId: string): Promise<number | null> {
  const map = await maps.read(layerId);
  if (map === undefined || map.isDamaged) return null;
  let count = 0;
  for (const page of map.pages()) {
    const read = await map.readPage(page);
    if (read === undefined || read.lost.length > 0) return null;
    count += countData(read.kinds);
  }
  return count * sectorBytes;
}

/** Every layer once, after its parent; an only child follows its parent at once. */
function inTreeOrder(inventory: Inventory, references: References): LayerEntry[] {
  const ordered = new Set<LayerEntry>();
  const waiting: string[] = [];
  const visit = (): void => {
    for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
      const entry = inventory.layers.get(id);
      if (entry === undefined || ordered.has(entry)) continue;
      ordered.add(entry);
      waiting.push(...references.childrenOf(id).toReversed());
    }
  };
  for (const entry of inventory.layers.values()) {
    const parent = recordOf(entry)?.parent ?? null;
    if (parent !== null && inventory.layers.has(parent)) continue;
    waiting.push(entry.id);
    visit();
  }
  // What is left lies on itself.
  for (const entry of inventory.layers.values()) ordered.add(entry);
  return [...ordered];
}
