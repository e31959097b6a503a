import { setImmediate } from 'node:timers/promises';
import type { Layer } from '../layer/layer.ts';
import { ownersOf } from './chain-reader.ts';
import type { Chain } from './chain.ts';
import { firstSlotOwner, regionSectors } from './owner-map.ts';
import { planUsage } from './usage-plan.ts';
import type { VolumeSet } from './volume-set.ts';

/** Sectors that hold data. */
export interface Count {
  readonly allocated: number;
  readonly exclusive: number;
}

/** In a larger volume a count would push out the owner maps that guests need: 32 GiB. */
const regionsMax = 512;
/** Regions that are counted before others get a turn of the event loop. */
const regionsPerTurn = 16;

/**
 * Counts what a volume in use finds from the owner maps that its reads keep, so that it costs the
 * same whatever the number of layers. Undefined when the layer is no such volume's head, when the
 * volume is large or still shows what only its backup has, or when others read some of its layers
 * from the side, which an owner map does not tell.
 */
export async function countOwned(set: VolumeSet, layerId: string): Promise<Count | undefined> {
  const chain = set.chainInUse(layerId);
  if (chain === undefined || chain.layers.some(isBacked)) return undefined;
  const count = { allocated: 0, exclusive: 0 };
  let planned: { own: ReadonlySet<Layer>; generation: number } | undefined;
  let regions = 0;
  const all = await regionsOf(chain);
  if (all.size > regionsMax) return undefined;
  for (const region of all) {
    const owners = await ownersOf(chain, region);
    if (chain.top.id !== layerId) return undefined;
    if (planned?.generation !== chain.generation) {
      const { path, branches } = planUsage(set, layerId);
      if (branches.some((beside) => beside.length > 0)) return undefined;
      planned = { own: new Set(path.slice(0, branches.length)), generation: chain.generation };
    }
    for (let sector = 0; sector < regionSectors;) {
      const end = owners.runEnd(sector, regionSectors);
      const owner = owners.at(sector);
      if (owner >= firstSlotOwner) {
        count.allocated += end - sector;
        if (planned.own.has(chain.layerOf(owner))) count.exclusive += end - sector;
      }
      sector = end;
    }
    regions += 1;
    if (regions % regionsPerTurn === 0) await setImmediate();
  }
  return count;
}

function isBacked({ record }: Layer): boolean {
  return record.backing !== undefined;
}

/** The regions that some layer of the chain has something in. */
async function regionsOf(chain: Chain): Promise<ReadonlySet<number>> {
  const regions = new Set<number>();
  for (const layer of chain.layers) {
    try {
      await layer.map.open();
    } catch (error) {
      // One that was merged away meanwhile has left what it had to its child.
      if (chain.layers.includes(layer)) throw error;
      continue;
    }
    for (const page of layer.map.presentPages()) regions.add(page);
  }
  return regions;
}
