import { setImmediate } from 'node:timers/promises';
import { sectorBytes } from '../layer/sector.ts';
import type { Chain } from './chain.ts';
import { ownersOf } from './chain-reader.ts';
import type { Usage } from './engine.ts';
import { emptyOwners, firstSlotOwner, regionSectors, type Owners } from './region.ts';
import type { VolumeSet } from './volume-set.ts';

/** Regions to look at before others get their turn. */
const regionsPerTurn = 64;

/** What a reader of this layer finds, and whether readers of other heads and names find it too. */
export async function measureUsage(
  set: VolumeSet,
  layerId: string,
  lengthBytes: number,
): Promise<Usage> {
  const views = [...new Set([layerId, ...set.readable()])].map((id) => set.openView(id));
  try {
    const [own, ...rest] = views as [Chain, ...Chain[]];
    const layers = new Set(own.layers);
    const others = rest.filter((other) => other.layers.some((layer) => layers.has(layer)));
    let allocated = 0;
    let shared = 0;
    const endSector = Math.ceil(lengthBytes / sectorBytes);
    for (let region = 0; region * regionSectors < endSector; region += 1) {
      if ((await ownersOf(own, region)) !== emptyOwners) {
        const counts = await countRegion(own, others, region);
        allocated += counts.allocated;
        shared += counts.shared;
      }
      if (region % regionsPerTurn === 0) await setImmediate();
    }
    return {
      logicalBytes: lengthBytes,
      allocatedBytes: allocated * sectorBytes,
      sharedBytes: shared * sectorBytes,
      exclusiveBytes: (allocated - shared) * sectorBytes,
    };
  } finally {
    for (const view of views) set.closeView(view);
  }
}

/** Counts the sectors of one region of `own`, and those of them that `others` have too. */
async function countRegion(
  own: Chain,
  others: readonly Chain[],
  region: number,
): Promise<{ allocated: number; shared: number }> {
  const isShared = new Uint8Array(regionSectors);
  for (const other of others) {
    const [ours, theirs] = await ownersOfBoth(own, other, region);
    if (theirs === emptyOwners) continue;
    for (let sector = 0; sector < regionSectors; sector += 1) {
      const mine = ours[sector] ?? 0;
      const yours = theirs[sector] ?? 0;
      if (mine < firstSlotOwner || yours < firstSlotOwner) continue;
      if (own.layerOf(mine) === other.layerOf(yours)) isShared[sector] = 1;
    }
  }
  const owners = await ownersOf(own, region);
  let allocated = 0;
  let shared = 0;
  for (let sector = 0; sector < regionSectors; sector += 1) {
    if ((owners[sector] ?? 0) < firstSlotOwner) continue;
    allocated += 1;
    shared += isShared[sector] ?? 0;
  }
  return { allocated, shared };
}

/** The owner maps of one region in two chains, both valid until the next wait. */
async function ownersOfBoth(one: Chain, other: Chain, region: number): Promise<[Owners, Owners]> {
  for (;;) {
    await ownersOf(other, region);
    const ours = await ownersOf(one, region);
    const theirs = other.owners(region);
    if (theirs !== undefined) return [ours, theirs];
  }
}
