import { setImmediate } from 'node:timers/promises';
import { must } from '../base/assert.ts';
import { monotonicMs } from '../base/clock.ts';
import type { Layer } from '../layer/layer.ts';
import { pageBytes, pageSectors } from '../layer/map-page.ts';
import { sectorBytes } from '../layer/sector.ts';
import type { Usage } from './engine.ts';
import { type Count, countOwned } from './usage-of-head.ts';
import type { Branch, UsagePlan } from './usage-plan.ts';
import { isStale, planUsage } from './usage-plan.ts';
import type { VolumeSet } from './volume-set.ts';

/** Map pages that are looked at together, 64 MiB of the volume each: 2 MiB of memory. */
const pagesAtOnce = 256;
/** Pages of one layer that are read at the same time. */
const readsAtOnce = 32;
/** How long this works before others get a turn of the event loop. */
const turnMs = 2;

/** One bit for each sector, at the places where a map page has two. */
const every = 0b01010101;
const bitCounts = Uint8Array.from(
  { length: 256 },
  (_, byte) => byte.toString(2).replaceAll('0', '').length,
);

/**
 * Counts what a reader of this layer finds, and what of that nobody else does (engine.ts: Usage).
 *
 * Goes down the chain, and keeps for each sector whether a layer above says anything about it, and
 * whether a reader of another head or snapshot gets down to here. From the first layer on that has
 * a name of its own everything is shared. Reads the map pages of the chain, and of the branches
 * beside the part that has no name, each at most once.
 */
export async function measureUsage(
  set: VolumeSet,
  layerId: string,
  lengthBytes: number,
): Promise<Usage> {
  return set.withPin(layerId, async () => {
    const count = (await countOwned(set, layerId)) ?? (await countAll(set, layerId));
    return {
      logicalBytes: lengthBytes,
      allocatedBytes: count.allocated * sectorBytes,
      sharedBytes: (count.allocated - count.exclusive) * sectorBytes,
      exclusiveBytes: count.exclusive * sectorBytes,
    };
  });
}

async function countAll(set: VolumeSet, layerId: string): Promise<Count> {
  const total = { allocated: 0, exclusive: 0 };
  const pages = await planned(set, layerId, pagesOf);
  for (let first = 0; first < pages.length; first += pagesAtOnce) {
    const some = pages.slice(first, first + pagesAtOnce);
    const count = await planned(set, layerId, (plan) => countPages(plan, some));
    total.allocated += count.allocated;
    total.exclusive += count.exclusive;
  }
  return total;
}

/** Runs `work` on the layers as they lie now, again when one of them was merged away meanwhile. */
export async function planned<T>(
  set: VolumeSet,
  layerId: string,
  work: (plan: UsagePlan) => Promise<T>,
): Promise<T> {
  for (;;) {
    const plan = planUsage(set, layerId);
    try {
      return await work(plan);
    } catch (error) {
      if (!isStale(set, plan)) throw error;
    }
  }
}

/** The pages that some layer of the chain has, in order. */
export async function pagesOf(plan: UsagePlan): Promise<number[]> {
  const pages = new Set<number>();
  for (const layer of plan.path) {
    await layer.map.open();
    for (const page of layer.map.presentPages()) pages.add(page);
  }
  return [...pages].sort((a, b) => a - b);
}

/** Sectors of some pages: a byte for four of them, as in a map page. */
function sectorSet(pages: number, isFull: boolean): Uint8Array {
  return new Uint8Array(pages * pageBytes).fill(isFull ? every : 0);
}

function addSectors(to: Uint8Array, from: Uint8Array): void {
  for (let index = 0; index < to.length; index += 1) {
    to[index] = (to[index] ?? 0) | (from[index] ?? 0);
  }
}

async function countPages(plan: UsagePlan, pages: readonly number[]): Promise<Count> {
  const count = { allocated: 0, exclusive: 0 };
  const open = sectorSet(pages.length, true);
  const reached = sectorSet(pages.length, false);
  const left = pages.map(() => pageSectors);
  for (const [depth, layer] of plan.path.entries()) {
    const branches = plan.branches[depth];
    const isShared = branches === undefined;
    for (const branch of branches ?? []) addSectors(reached, await reach(branch, pages));
    const work = (kinds: Uint8Array, index: number): void => {
      const base = index * pageBytes;
      for (let byte = 0; byte < pageBytes; byte += 1) {
        const kind = kinds[byte] ?? 0;
        if (kind === 0) continue;
        const said = (kind | (kind >> 1)) & every;
        const at = base + byte;
        const mine = said & (open[at] ?? 0);
        const others = reached[at] ?? 0;
        const found = mine & kind;
        count.allocated += bitCounts[found] ?? 0;
        if (!isShared) count.exclusive += bitCounts[found & ~others] ?? 0;
        open[at] = (open[at] ?? 0) & ~said;
        reached[at] = others & ~said;
        left[index] = must(left[index], 'a page') - (bitCounts[mine] ?? 0);
      }
    };
    await eachPage(layer, pages, work, (index) => left[index] !== 0);
  }
  return count;
}

/** The sectors in which readers of a branch get down to the layer that it stands on. */
async function reach(branch: Branch, pages: readonly number[]): Promise<Uint8Array> {
  const reached = sectorSet(pages.length, branch.isNamed);
  for (const child of branch.children) addSectors(reached, await reach(child, pages));
  await eachPage(branch.layer, pages, (kinds, index) => {
    const base = index * pageBytes;
    for (let byte = 0; byte < pageBytes; byte += 1) {
      const kind = kinds[byte] ?? 0;
      if (kind !== 0) reached[base + byte] = (reached[base + byte] ?? 0) & ~(kind | (kind >> 1));
    }
  });
  return reached;
}

/** When others are to get a turn; all measurements share one, as they share the event loop. */
let turnEndsMs = 0;

/** Calls `work` for each of the pages that the layer has and that is wanted. */
async function eachPage(
  layer: Layer,
  pages: readonly number[],
  work: (kinds: Uint8Array, index: number) => void,
  isWanted: (index: number) => boolean = () => true,
): Promise<void> {
  await layer.map.open();
  const held = [...pages.entries()].filter(
    ([index, page]) => layer.map.hasPage(page) && isWanted(index),
  );
  for (let first = 0; first < held.length; first += readsAtOnce) {
    const some = held.slice(first, first + readsAtOnce);
    const contents = await Promise.all(some.map(([, page]) => layer.map.readPage(page)));
    for (const [at, [index]] of some.entries()) {
      const kinds = contents[at];
      if (kinds !== undefined) work(kinds, index);
    }
    if (monotonicMs() < turnEndsMs) continue;
    await setImmediate();
    turnEndsMs = monotonicMs() + turnMs;
  }
}
