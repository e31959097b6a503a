import { OperatingError } from '../base/errors.ts';
import { FilePool } from '../layer/file-pool.ts';
import type { Inventory } from './inventory.ts';
import { recordOf, takeInventory } from './inventory.ts';
import { findLeftByKill } from './left-by-kill.ts';
import { OpenMaps } from './open-maps.ts';
import { readOnlyFiles } from './read-only-files.ts';
import type { ChainFacts, LayerName } from './references.ts';
import { References } from './references.ts';

/** What an image is made from. */
export interface ImageSource {
  readonly inventory: Inventory;
  readonly maps: OpenMaps;
  readonly pool: FilePool;
  readonly chain: ChainFacts;
  readonly lengthBytes: number;
  /** True when answered, unflushed changes are not in it: a killed Firn has left them in logs. */
  readonly isBehind: boolean;
}

/**
 * The volume or snapshot of this id, or the layer if `isLayer`. Rejects with `not_found`, with
 * `corrupt` when its record cannot be read, and with `conflict` when two have the id.
 */
export async function openImageSource(
  folder: string,
  name: string,
  isLayer: boolean,
): Promise<ImageSource> {
  const inventory = await takeInventory(folder);
  const references = new References(inventory);
  const named = isLayer ? undefined : findName(inventory, references, name);
  const { layerId, lengthBytes } = named ?? findLayer(inventory, name);
  const chain = references.chain(layerId);
  const left = await findLeftByKill(inventory, references);
  const pool = new FilePool(readOnlyFiles);
  const maps = new OpenMaps(inventory, pool);
  return { inventory, maps, pool, chain, lengthBytes, isBehind: left.isBehind(named, chain) };
}

interface Top {
  readonly layerId: string;
  readonly lengthBytes: number;
}

function findLayer(inventory: Inventory, layerId: string): Top {
  const entry = inventory.layers.get(layerId);
  if (entry === undefined) throw new OperatingError('not_found', `there is no layer ${layerId}`);
  const record = recordOf(entry);
  if (record !== undefined) return { layerId, lengthBytes: record.lengthBytes };
  throw new OperatingError('corrupt', `the record of layer ${layerId} cannot be read`);
}

function findName(inventory: Inventory, references: References, name: string): LayerName {
  const found = references.names.filter(
    ({ volumeId, snapshotId }) => (snapshotId ?? volumeId) === name,
  );
  const [first, second] = found;
  if (second !== undefined) {
    throw new OperatingError('conflict', `more than one is called ${name}: name a layer instead`);
  }
  if (first !== undefined) return first;
  if (inventory.volumes.has(name)) {
    const hint = 'its layers can be exported with --layer';
    throw new OperatingError('corrupt', `the record of volume ${name} cannot be read; ${hint}`);
  }
  throw new OperatingError('not_found', `there is no volume or snapshot ${name}`);
}
