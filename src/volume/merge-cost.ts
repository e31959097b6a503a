import { MiB } from '../base/bytes.ts';
import type { Layer } from '../layer/layer.ts';
import { countData, overlayPage, pageBytes } from '../layer/map-page.ts';
import { sectorBytes } from '../layer/sector.ts';
import { Turns } from '../layer/turns.ts';

/** What is copied into a head whatever it frees: little enough to be done at once. */
const cheapSectors = (64 * MiB) / sectorBytes;

/** `up`: from the parent to the child; `down`: from the child to the parent; `later`: not now. */
export type MergeWay = 'up' | 'down' | 'later';

/**
 * Which way a merge copies less. A head takes writes and keeps its files, so into it there is only
 * `up`; that waits while it would copy more than it gives back, which is never more than half of
 * the two layers, and there is at most one such layer under a head.
 */
export async function wayOfMerge(parent: Layer, child: Layer, isHead: boolean): Promise<MergeWay> {
  await parent.map.open();
  await child.map.open();
  let lacking = 0;
  let held = 0;
  const nothing = new Uint8Array(pageBytes);
  const turns = new Turns();
  for (const page of new Set([...parent.map.presentPages(), ...child.map.presentPages()])) {
    await turns.next();
    const lower = (await parent.map.readPage(page)) ?? nothing;
    const upper = (await child.map.readPage(page)) ?? nothing;
    const own = countData(upper);
    held += own;
    lacking += countData(overlayPage(lower, upper)) - own;
  }
  if (isHead) return lacking <= Math.max(cheapSectors, held) ? 'up' : 'later';
  return lacking <= held ? 'up' : 'down';
}
