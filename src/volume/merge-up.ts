import { monotonicMs } from '../base/clock.ts';
import { MiB } from '../base/bytes.ts';
import type { FileOperations } from '../layer/file-operations.ts';
import type { Layer } from '../layer/layer.ts';
import { kindAt, pageBytes, pageSectors, runEnd } from '../layer/map-page.ts';
import type { SectorRange } from '../layer/range-set.ts';
import { absent, data, sectorBytes } from '../layer/sector.ts';
import type { BackgroundPace } from './background-pace.ts';
import type { LiveVolume } from './live-volume.ts';
import { MergeProgress } from './merge-progress.ts';

/** Sectors that are copied under one lock: 256 KiB, which take a fraction of a millisecond. */
export const chunkSectors = 64;
/** What is copied between two flushes: what a crash costs, and what a guest's flush waits for. */
const flushBytes = 16 * MiB;
const nothing = new Uint8Array(pageBytes);

export interface MergeUp {
  readonly parent: Layer;
  readonly child: Layer;
  /** The volume whose head the child is. */
  readonly live: LiveVolume | undefined;
  readonly operations: FileOperations;
  readonly pace: BackgroundPace;
  /** Asked between chunks. */
  readonly goOn: () => boolean;
}

/**
 * Copies into `child` what it lacks of `parent`, and makes that durable. Afterwards the child reads
 * the same with and without the parent. Answers false when `goOn` said no.
 *
 * Safe under writes of guests to the child, which is then the head of `live`: each chunk is looked
 * at and written under the range lock that a write takes. Safe under a crash at any moment: what
 * was copied equals what would be read anyhow, and a second run copies the rest.
 */
export async function mergeUp(merge: MergeUp): Promise<boolean> {
  const { parent, child, live, pace, goOn } = merge;
  await parent.map.open();
  await child.map.open();
  if (live === undefined) {
    await child.space.returned();
    await new MergeProgress(merge.operations, child).clear();
  }
  let unflushedBytes = 0;
  for (const page of parent.map.presentPages()) {
    const kinds = (await parent.map.readPage(page)) ?? nothing;
    for (const range of chunksOf(kinds, page * pageSectors)) {
      if (!goOn()) return false;
      const startMs = monotonicMs();
      const bytes = await mergeChunk(merge, range);
      unflushedBytes += bytes;
      if (unflushedBytes >= flushBytes || child.isFull) {
        unflushedBytes = 0;
        await child.flush();
      }
      await pace.after(bytes, monotonicMs() - startMs);
    }
  }
  await child.flush();
  return goOn();
}

/** The runs of a page that are data, in pieces, and those that are zero. */
function* chunksOf(kinds: Uint8Array, base: number): Generator<SectorRange> {
  for (let index = 0; index < pageSectors;) {
    const kind = kindAt(kinds, index);
    const limit = kind === data ? Math.min(index + chunkSectors, pageSectors) : pageSectors;
    const end = runEnd(kinds, index, limit);
    if (kind !== absent) yield { first: base + index, end: base + end };
    index = end;
  }
}

/** Takes over sectors of one kind, which lie in one page; answers the bytes copied. */
async function mergeChunk(merge: MergeUp, { first, end }: SectorRange): Promise<number> {
  const { parent, child, live } = merge;
  const page = Math.floor(first / pageSectors);
  const base = page * pageSectors;
  const kinds = (await child.map.readPage(page)) ?? nothing;
  if (!lacks(kinds, first - base, end - base)) return 0;
  const parentKinds = (await parent.map.readPage(page)) ?? nothing;
  const kind = kindAt(parentKinds, first - base);
  // The parent does not change, so it is read before guests have to wait.
  const content = kind === data ? await readSectors(parent, first, end) : undefined;
  let bytes = 0;
  const copy = async (): Promise<void> => {
    const held = await loadPage(child, page);
    for (let sector = first; sector < end;) {
      const run = base + runEnd(held, sector - base, end - base);
      if (kindAt(held, sector - base) === absent) {
        if (content !== undefined) {
          const at = (sector - first) * sectorBytes;
          const part = content.subarray(at, at + (run - sector) * sectorBytes);
          await child.write(sector * sectorBytes, part);
          bytes += part.byteLength;
        }
        await child.mark(sector, run, kind);
      }
      sector = run;
    }
  };
  if (live === undefined) await copy();
  else await live.exclusive(first, end, copy);
  return bytes;
}

function lacks(kinds: Uint8Array, from: number, to: number): boolean {
  for (let index = from; index < to; index = runEnd(kinds, index, to)) {
    if (kindAt(kinds, index) === absent) return true;
  }
  return false;
}

/** The page of a layer, in memory and ready to be marked. */
async function loadPage(layer: Layer, page: number): Promise<Uint8Array> {
  for (;;) {
    const held = layer.map.cachedPage(page);
    if (held !== undefined) return held;
    await layer.map.load(page, page);
  }
}

/** Reads the data of a run of sectors of one layer. */
export async function readSectors(layer: Layer, first: number, end: number): Promise<Buffer> {
  const content = Buffer.allocUnsafe((end - first) * sectorBytes);
  await layer.read(first * sectorBytes, content);
  return content;
}
