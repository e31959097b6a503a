import { setImmediate } from 'node:timers/promises';
import { assert } from '../base/assert.ts';
import type { Layer } from '../layer/layer.ts';
import { pageBytes, pageSectors } from '../layer/map-page.ts';
import { sectorBytes } from '../layer/sector.ts';
import type { SpaceMap } from './engine.ts';
import { pagesOf, planned } from './usage.ts';
import type { UsagePlan } from './usage-plan.ts';
import type { VolumeSet } from './volume-set.ts';

/** One bit for each sector, at the places where a map page has two. */
const every = 0b01010101;
const bitCounts = Uint8Array.from(
  { length: 256 },
  (_, byte) => byte.toString(2).replaceAll('0', '').length,
);

/** Sectors that one byte of a map page describes. */
const byteSectors = 4;

interface Buckets {
  readonly bytes: number;
  readonly allocated: number[];
  readonly changed: number[];
  readonly shared: number[];
}

/**
 * Says for equal parts of a volume, or of a snapshot, what they hold (engine.ts: SpaceMap). Reads
 * the map pages of the chain, each once, and no data.
 */
export async function drawSpaceMap(
  set: VolumeSet,
  options: { layerId: string; lengthBytes: number; buckets: number; sinceLayerId?: string },
): Promise<SpaceMap> {
  const { layerId, lengthBytes, buckets: wanted, sinceLayerId } = options;
  assert(Number.isSafeInteger(wanted) && wanted > 0, 'a number of buckets');
  const unit = byteSectors * sectorBytes;
  const bytes = Math.max(1, Math.ceil(lengthBytes / wanted / unit)) * unit;
  const count = Math.ceil(lengthBytes / bytes);
  return set.withPin(layerId, () =>
    planned(set, layerId, async (plan) => {
      const zeros = (): number[] => Array.from({ length: count }, () => 0);
      const buckets = { bytes, allocated: zeros(), changed: zeros(), shared: zeros() };
      const newest = plan.path.findIndex((layer) => layer.id === sinceLayerId);
      for (const page of await pagesOf(plan)) {
        await countPage(plan, page, newest, buckets);
        await setImmediate();
      }
      const { allocated, changed, shared } = buckets;
      const known = sinceLayerId !== undefined && newest >= 0;
      return {
        lengthBytes,
        bucketBytes: bytes,
        allocated,
        shared,
        ...(known ? { changed } : {}),
      };
    }),
  );
}

/** Goes down the chain; the first layer that says anything of a sector is the one that is read. */
async function countPage(
  plan: UsagePlan,
  page: number,
  sinceDepth: number,
  buckets: Buckets,
): Promise<void> {
  const open = new Uint8Array(pageBytes).fill(every);
  for (const [depth, layer] of plan.path.entries()) {
    const kinds = await readPage(layer, page);
    if (kinds === undefined) continue;
    const others = plan.branches[depth];
    const isShared = others === undefined || others.length > 0;
    for (let byte = 0; byte < pageBytes; byte += 1) {
      const kind = kinds[byte] ?? 0;
      if (kind === 0) continue;
      const mine = (kind | (kind >> 1)) & (open[byte] ?? 0);
      if (mine === 0) continue;
      open[byte] = (open[byte] ?? 0) & ~mine;
      const at = page * pageSectors * sectorBytes + byte * byteSectors * sectorBytes;
      const index = Math.floor(at / buckets.bytes);
      const found = (bitCounts[mine & kind] ?? 0) * sectorBytes;
      add(buckets.allocated, index, found);
      if (isShared) add(buckets.shared, index, found);
      if (depth < sinceDepth) add(buckets.changed, index, (bitCounts[mine] ?? 0) * sectorBytes);
    }
  }
}

/** What lies behind the end of the volume is in no bucket. */
function add(counts: number[], index: number, bytes: number): void {
  const before = counts[index];
  if (before !== undefined) counts[index] = before + bytes;
}

async function readPage(layer: Layer, page: number): Promise<Uint8Array | undefined> {
  await layer.map.open();
  return layer.map.hasPage(page) ? layer.map.readPage(page) : undefined;
}
