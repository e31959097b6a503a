import { join } from 'node:path';
import { MiB } from '../base/bytes.ts';
import { monotonicMs } from '../base/clock.ts';
import { fromSystemError } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import type { FilePool } from '../layer/file-pool.ts';
import { hasData, kindAt, overlayPage, pageSectors, runEnd } from '../layer/map-page.ts';
import { createFile } from '../layer/layer-folder.ts';
import type { Layer } from '../layer/layer.ts';
import { emptyMap } from '../layer/new-map.ts';
import type { SectorRange } from '../layer/range-set.ts';
import { RangeSet } from '../layer/range-set.ts';
import { data, sectorBytes, zero } from '../layer/sector.ts';
import { SectorMap } from '../layer/sector-map.ts';
import { Turns } from '../layer/turns.ts';
import type { BackgroundPace } from './background-pace.ts';
import { MergeProgress } from './merge-progress.ts';
import { chunkSectors, readSectors } from './merge-up.ts';

/** What waits in memory of the new map. */
const unwrittenBytesMax = 4 * MiB;
/** What is usually copied between two notes of the progress: what a crash costs. */
const noteBytesUsual = 256 * MiB;
/** What is copied between two syncs, so that guests on the same disk never wait for much. */
const flushBytes = 16 * MiB;

export interface MergeDown {
  readonly parent: Layer;
  readonly child: Layer;
  readonly pool: FilePool;
  readonly pace: BackgroundPace;
  /** Asked between chunks. */
  readonly goOn: () => boolean;
  /** Runs when the child has gone over to its new files, in the same turn. */
  readonly onSwitch: () => void;
  /** What is copied between two notes of the progress. */
  readonly noteBytes?: number;
}

/**
 * Merges a small frozen `child` into the files of its large `parent`, which nobody else needs, and
 * gives the child these files. Only the child's sectors are copied.
 *
 * The copies go to sectors of the parent that the child hides, so nobody sees them, and the
 * parent's own map does not change: a crash at any moment leaves both layers as they were, and the
 * next run goes on from the last note of the progress. The child's `layer.json`, which names its
 * files, is what commits. Answers false when `goOn` said no.
 */
export async function mergeDown(merge: MergeDown): Promise<boolean> {
  const { parent, child, pool, onSwitch } = merge;
  await parent.map.open();
  await child.map.open();
  await parent.space.returned();
  await child.space.returned();
  if (!(await copyHidden(merge))) return false;
  await child.flush();
  await parent.flush();
  const suffix = newId();
  const change = {
    dataFile: `data-${suffix}`,
    mapFile: `map-${suffix}`,
    parent: parent.record.parent,
  };
  await parent.linkData(child.folder, change.dataFile);
  try {
    await createFile(pool.operations, join(child.folder, change.mapFile), emptyMap());
    const freed = await writeUnion(parent, child, pool, join(child.folder, change.mapFile));
    // The folder is synced together with the record, before the record counts.
    await pool.operations.syncFolder(child.folder);
    const suspects = parent.space.takeSuspects();
    await child.replaceFiles(change, () => {
      for (const { first, end } of [...suspects, ...freed]) child.space.suspect(first, end);
      onSwitch();
    });
  } catch (error) {
    throw fromSystemError(error, `Merging layer ${parent.id} with ${child.id}`);
  }
  return true;
}

async function copyHidden(merge: MergeDown): Promise<boolean> {
  const { parent, child, pool, pace, goOn, noteBytes = noteBytesUsual } = merge;
  const progress = new MergeProgress(pool.operations, parent);
  const firstPage = await progress.pageFor(child);
  if (firstPage === 0) await progress.clear();
  let unflushedBytes = 0;
  let unnotedBytes = 0;
  const turns = new Turns();
  for (const page of child.map.presentPages()) {
    if (page < firstPage) continue;
    await turns.next();
    if (unnotedBytes >= noteBytes) {
      await parent.flush();
      await progress.note(child, page);
      unnotedBytes = 0;
    }
    const kinds = await child.map.readPage(page);
    const base = page * pageSectors;
    for (const { first, end } of kinds === undefined ? [] : dataChunks(kinds)) {
      if (!goOn()) return false;
      const startMs = monotonicMs();
      const content = await readSectors(child, base + first, base + end);
      await parent.write((base + first) * sectorBytes, content);
      unnotedBytes += content.byteLength;
      unflushedBytes += content.byteLength;
      if (unflushedBytes >= flushBytes) {
        unflushedBytes = 0;
        await parent.flush();
      }
      await pace.after(content.byteLength, monotonicMs() - startMs);
    }
  }
  return true;
}

function* dataChunks(kinds: Uint8Array): Generator<SectorRange> {
  for (let index = 0; index < pageSectors;) {
    const isData = kindAt(kinds, index) === data;
    const limit = isData ? Math.min(index + chunkSectors, pageSectors) : pageSectors;
    const end = runEnd(kinds, index, limit);
    if (isData) yield { first: index, end };
    index = end;
  }
}

/**
 * Writes a map that says what the child says, and where it says nothing, what the parent says.
 * Answers where the parent's data is hidden by zeros of the child.
 */
async function writeUnion(
  parent: Layer,
  child: Layer,
  pool: FilePool,
  path: string,
): Promise<readonly SectorRange[]> {
  const freed = new RangeSet();
  const file = pool.file(path);
  const union = new SectorMap(file);
  await union.open();
  const pages = new Set([...parent.map.presentPages(), ...child.map.presentPages()]);
  const turns = new Turns();
  for (const page of pages) {
    await turns.next();
    const lower = await parent.map.readPage(page);
    const upper = await child.map.readPage(page);
    if (lower !== undefined && upper !== undefined) {
      union.put(page, overlayPage(lower, upper));
      for (const { first, end } of hiddenByZeros(lower, upper, page * pageSectors)) {
        freed.add(first, end);
      }
    } else union.put(page, Uint8Array.from(upper ?? lower ?? []));
    if (union.changedBytes >= unwrittenBytesMax) await union.write(union.take());
  }
  await union.write(union.take());
  await file.retire();
  return freed.ranges;
}

function* hiddenByZeros(
  lower: Uint8Array,
  upper: Uint8Array,
  base: number,
): Generator<SectorRange> {
  for (let index = 0; index < pageSectors;) {
    const end = runEnd(upper, index, pageSectors);
    if (kindAt(upper, index) === zero && hasData(lower, index, end)) {
      yield { first: base + index, end: base + end };
    }
    index = end;
  }
}
