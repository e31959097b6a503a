import { setImmediate } from 'node:timers/promises';
import type { Extent } from '../base/extent.ts';
import { appendExtent } from '../base/extent.ts';
import type { Layer } from '../layer/layer.ts';
import { kindAt, overlayPage, pageSectors, runEnd } from '../layer/map-page.ts';
import { absent, sectorBytes, zero } from '../layer/sector.ts';

/**
 * What `layers`, oldest first, say together: the newest that says anything about a sector counts.
 * What none of them says is not listed.
 */
export async function unionOfMaps(
  layers: readonly Layer[],
  lengthBytes: number,
): Promise<Extent[]> {
  const pages = new Set<number>();
  for (const layer of layers) {
    await layer.map.open();
    for (const page of layer.map.presentPages()) pages.add(page);
  }
  const extents: Extent[] = [];
  for (const page of [...pages].sort((a, b) => a - b)) {
    const union = await unionOfPage(layers, page);
    if (union !== undefined) appendPage(extents, page, union, lengthBytes);
    // Reading pages that are in memory does not wait, and others must get their turn.
    await setImmediate();
  }
  return extents;
}

async function unionOfPage(
  layers: readonly Layer[],
  page: number,
): Promise<Uint8Array | undefined> {
  let union: Uint8Array | undefined;
  for (const layer of layers) {
    const upper = await layer.map.readPage(page);
    if (upper === undefined) continue;
    union = union === undefined ? upper : overlayPage(union, upper);
  }
  return union;
}

function appendPage(extents: Extent[], page: number, kinds: Uint8Array, lengthBytes: number): void {
  for (let index = 0; index < pageSectors;) {
    const end = runEnd(kinds, index, pageSectors);
    const kind = kindAt(kinds, index);
    const startBytes = (page * pageSectors + index) * sectorBytes;
    const endBytes = Math.min((page * pageSectors + end) * sectorBytes, lengthBytes);
    if (kind !== absent && startBytes < endBytes) {
      appendExtent(extents, {
        offsetBytes: startBytes,
        lengthBytes: endBytes - startBytes,
        kind: kind === zero ? 'zero' : 'data',
      });
    }
    index = end;
  }
}
