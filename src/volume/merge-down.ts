import { join } from 'node:path';
import { fromSystemError } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import type { FilePool } from '../layer/file-pool.ts';
import { createFile } from '../layer/layer-folder.ts';
import type { Layer } from '../layer/layer.ts';
import { kindAt, overlayPage, pageSectors, runEnd } from '../layer/map-page.ts';
import { data } from '../layer/sector.ts';
import { SectorMap } from '../layer/sector-map.ts';
import { copySectors, yieldTo } from './merge-up.ts';

/** Sectors that are copied between two turns of others: 1 MiB. */
const chunkSectors = 256;
/** Pages of the new map that wait in memory: 4 MiB. */
const pagesAtOnce = 1024;

/**
 * Merges a small frozen `child` into the files of its large `parent`, which nobody else needs, and
 * gives the child these files. Only the child's sectors are copied.
 *
 * The copies go to sectors of the parent that the child hides, so nobody sees them, and the
 * parent's own map does not change: a crash at any moment leaves both layers as they were. The
 * child's `layer.json`, which names its files, is what commits; `onSwitch` runs when the child has
 * gone over. `goOn` is asked between chunks; answers false when it said no.
 */
export async function mergeDown(options: {
  parent: Layer;
  child: Layer;
  pool: FilePool;
  goOn: () => boolean;
  onSwitch: () => void;
}): Promise<boolean> {
  const { parent, child, pool, goOn, onSwitch } = options;
  await parent.map.open();
  await child.map.open();
  if (!(await copyHidden(parent, child, goOn))) return false;
  await child.flush();
  await parent.flush();
  const suffix = newId();
  const change = {
    dataFile: `data-${suffix}`,
    mapFile: `map-${suffix}`,
    parent: parent.record.parent,
  };
  try {
    await pool.operations.link(
      join(parent.folder, parent.record.dataFile),
      join(child.folder, change.dataFile),
    );
    await createFile(pool.operations, join(child.folder, change.mapFile));
  } catch (error) {
    throw fromSystemError(error, `Merging layer ${parent.id} with ${child.id}`);
  }
  await writeUnion(parent, child, pool, join(child.folder, change.mapFile));
  // The folder is synced together with the record, before the record counts.
  await pool.operations.syncFolder(child.folder);
  await child.replaceFiles(change, onSwitch);
  return true;
}

async function copyHidden(parent: Layer, child: Layer, goOn: () => boolean): Promise<boolean> {
  for (const page of child.map.presentPages()) {
    const kinds = await child.map.readPage(page);
    if (kinds === undefined) continue;
    const base = page * pageSectors;
    for (let index = 0; index < pageSectors;) {
      const isData = kindAt(kinds, index) === data;
      const limit = isData ? Math.min(index + chunkSectors, pageSectors) : pageSectors;
      const end = runEnd(kinds, index, limit);
      if (isData) {
        if (!goOn()) return false;
        await copySectors(child, parent, base + index, base + end);
        await yieldTo(undefined, 0);
      }
      index = end;
    }
  }
  return true;
}

/** Writes a map that says what the child says, and where it says nothing, what the parent says. */
async function writeUnion(
  parent: Layer,
  child: Layer,
  pool: FilePool,
  path: string,
): Promise<void> {
  const file = pool.file(path);
  const union = new SectorMap(file);
  await union.open();
  const pages = new Set([...parent.map.presentPages(), ...child.map.presentPages()]);
  for (const page of pages) {
    const lower = await parent.map.readPage(page);
    const upper = await child.map.readPage(page);
    if (lower !== undefined && upper !== undefined) union.put(page, overlayPage(lower, upper));
    else union.put(page, Uint8Array.from(upper ?? lower ?? []));
    if (union.dirtyPages >= pagesAtOnce) await union.write(union.take());
  }
  await union.write(union.take());
  await file.retire();
}
