import { setImmediate } from 'node:timers/promises';
import { sectorBytes } from '../layer/sector.ts';
import type { Chain } from './chain.ts';
import { ownersOf } from './chain-reader.ts';
import type { Usage } from './engine.ts';
import { firstSlotOwner, regionSectors } from './region.ts';
import type { VolumeSet } from './volume-set.ts';

/** What a reader of this layer finds, and whether readers of other heads and names find it too. */
export async function measureUsage(
  set: VolumeSet,
  layerId: string,
  lengthBytes: number,
): Promise<Usage> {
  const views = [...new Set([layerId, ...set.readable()])].map((id) => set.openView(id));
  try {
    const [own, ...others] = views as [Chain, ...Chain[]];
    let allocated = 0;
    let shared = 0;
    const endSector = Math.ceil(lengthBytes / sectorBytes);
    for (let region = 0; region * regionSectors < endSector; region += 1) {
      for (let sector = 0; sector < regionSectors; sector += 1) {
        const owner = (await ownersOf(own, region))[sector] ?? 0;
        if (owner < firstSlotOwner) continue;
        const layer = own.layerOf(owner);
        allocated += 1;
        for (const other of others) {
          const theirs = (await ownersOf(other, region))[sector] ?? 0;
          if (theirs >= firstSlotOwner && other.layerOf(theirs) === layer) {
            shared += 1;
            break;
          }
        }
      }
      await setImmediate();
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
