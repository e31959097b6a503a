import { setImmediate, setTimeout } from 'node:timers/promises';
import { monotonicMs } from '../base/clock.ts';
import type { Layer } from '../layer/layer.ts';
import { kindAt, pageBytes, pageSectors, runEnd } from '../layer/map-page.ts';
import { absent, data, sectorBytes } from '../layer/sector.ts';
import type { LiveVolume } from './live-volume.ts';

/** Sectors that are copied under one lock: 1 MiB. */
const chunkSectors = 256;
const nothing = new Uint8Array(pageBytes);

/**
 * Copies into `child` what it lacks of `parent`, and makes that durable. Afterwards the child reads
 * the same with and without the parent.
 *
 * Safe under writes of guests to the child, which is then the head of `live`: each chunk is looked
 * at and copied under the range lock that a write takes. Safe under a crash at any moment: what was
 * copied equals what would be read anyhow, and a second run copies the rest. `goOn` is asked
 * between chunks; answers false when it said no.
 */
export async function mergeUp(options: {
  parent: Layer;
  child: Layer;
  live: LiveVolume | undefined;
  goOn: () => boolean;
}): Promise<boolean> {
  const { parent, child, live, goOn } = options;
  await parent.map.open();
  await child.map.open();
  for (const page of parent.map.presentPages()) {
    const kinds = (await parent.map.readPage(page)) ?? nothing;
    for (let index = 0; index < pageSectors;) {
      const kind = kindAt(kinds, index);
      const end = kind === absent ? runEnd(kinds, index, pageSectors) : chunkEnd(kinds, index);
      if (kind !== absent) {
        if (!goOn()) return false;
        const base = page * pageSectors;
        const startMs = monotonicMs();
        const copy = (): Promise<void> => copyChunk(parent, child, base + index, base + end);
        if (live === undefined) await copy();
        else await live.exclusive(base + index, base + end, copy);
        await yieldTo(live, monotonicMs() - startMs);
      }
      index = end;
    }
    if (child.wantsFlush) await child.flush();
  }
  await child.flush();
  return goOn();
}

function chunkEnd(kinds: Uint8Array, from: number): number {
  return runEnd(kinds, from, Math.min(from + chunkSectors, pageSectors));
}

/** Copies the sectors of one kind that the child lacks; they lie in one page. */
async function copyChunk(parent: Layer, child: Layer, first: number, end: number): Promise<void> {
  const page = Math.floor(first / pageSectors);
  const base = page * pageSectors;
  const parentKinds = (await parent.map.readPage(page)) ?? nothing;
  const childKinds = await loadPage(child, page);
  for (let sector = first; sector < end;) {
    const run = base + runEnd(childKinds, sector - base, end - base);
    if (kindAt(childKinds, sector - base) === absent) {
      const kind = kindAt(parentKinds, sector - base);
      if (kind === data) await copySectors(parent, child, sector, run);
      await loadPage(child, page);
      child.mark(sector, run, kind);
    }
    sector = run;
  }
}

/** The page of a layer, in memory and ready to be marked. */
async function loadPage(layer: Layer, page: number): Promise<Uint8Array> {
  for (;;) {
    const held = layer.map.cachedPage(page);
    if (held !== undefined) return held;
    await layer.map.load(page, page);
  }
}

/** Copies the data of a run of sectors from one layer to the same place in another. */
export async function copySectors(
  from: Layer,
  to: Layer,
  firstSector: number,
  endSector: number,
): Promise<void> {
  const buffer = Buffer.allocUnsafe((endSector - firstSector) * sectorBytes);
  await from.read(firstSector * sectorBytes, buffer);
  await to.write(firstSector * sectorBytes, buffer);
}

/** Lets others go first: as long as guests write, half of the time is theirs. */
export async function yieldTo(live: LiveVolume | undefined, workedMs: number): Promise<void> {
  if (live?.isBusy) await setTimeout(workedMs);
  else await setImmediate();
}
