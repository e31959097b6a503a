import { assert } from '../base/assert.ts';
import { OperatingError } from '../base/errors.ts';
import { BackedLayer } from '../layer/backed-layer.ts';
import { pageSectors } from '../layer/map-page.ts';
import { sectorBytes } from '../layer/sector.ts';
import type { BackedFacts, Hydration } from './hydration.ts';
import { recoverLayers } from './layer-recovery.ts';
import type { VolumeSet } from './volume-set.ts';

const pageOfBytes = pageSectors * sectorBytes;

/** `onWhole` is called when a layer has become one like any other. */
export function layerHydration(set: VolumeSet, onWhole: () => void): Hydration {
  const { shelf } = set;

  function withLayer<T>(layerId: string, work: (layer: BackedLayer) => Promise<T>): Promise<T> {
    const layer = shelf.find(layerId);
    if (!(layer instanceof BackedLayer) || layer.record.backing === undefined) {
      throw new OperatingError('not_found', `There is no layer ${layerId} to be filled.`);
    }
    return set.withPin(layerId, () => work(layer));
  }

  return {
    async backedLayers() {
      const facts: BackedFacts[] = [];
      for (const layer of shelf.all()) {
        const { backing } = layer.record;
        if (backing === undefined) continue;
        facts.push({ layerId: layer.id, backing, volumeIds: volumesOver(set, layer.id) });
      }
      return facts;
    },

    async missing(layerId, offsetBytes) {
      assert(offsetBytes % pageOfBytes === 0, 'a page begins there');
      return withLayer(layerId, (layer) => layer.missing(offsetBytes / pageOfBytes));
    },

    async fill(layerId, offsetBytes, content) {
      await withLayer(layerId, (layer) => layer.fill(offsetBytes, content));
      return set.requests();
    },

    async advance(layerId, doneBytes) {
      await withLayer(layerId, async (layer) => {
        try {
          await layer.advance(doneBytes);
        } catch (error) {
          await recoverLayers([layer], set.chains());
          throw error;
        }
        if (layer.record.backing !== undefined) return;
        // What it claimed without knowing the backup's map, it claims no more.
        for (const chain of set.chains()) chain.refresh(layer);
        onWhole();
      });
    },
  };
}

/** The volumes whose head, or a snapshot of which, leads down to the layer. */
function volumesOver(set: VolumeSet, layerId: string): string[] {
  const leadsDown = (from: string): boolean => {
    for (let at: string | null | undefined = from; at;) {
      if (at === layerId) return true;
      at = set.shelf.find(at)?.record.parent;
    }
    return false;
  };
  return [...set.all()]
    .filter(({ record }) =>
      [record.head, ...record.snapshots.map((each) => each.layer)].some(leadsDown),
    )
    .map(({ id }) => id);
}
