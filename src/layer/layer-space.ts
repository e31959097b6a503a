import { MiB } from '../base/bytes.ts';
import type { DataFile } from './data-file.ts';
import { FreedSpace } from './freed-space.ts';
import type { Holes } from './holes.ts';
import { countData, dataEndOf, hasData, kindAt, pageSectors, runEnd } from './map-page.ts';
import type { SectorRange } from './range-set.ts';
import { data, sectorBytes } from './sector.ts';
import type { SectorMap } from './sector-map.ts';
import { Turns } from './turns.ts';

/** What is given back at once: a write that waits for it waits less than a millisecond. */
const punchSectorsMax = 256;
/** Holes that are made at once. */
const punchesMax = 8;
/** What a file may take beyond its data before that is worth a search: extents, preallocation. */
const spareBytesMax = 4 * MiB;

export interface LayerFiles {
  readonly data: DataFile;
  readonly map: SectorMap;
}

/**
 * The space of one layer's data file that no mark refers to, on its way back to the host.
 *
 * A hole is made, or the end is cut, only where the durable map says that there is no data; so
 * whatever happens, a sector that a map calls data has its data. Whoever calls `giveBack` or `cut`
 * sees to it that nobody writes to these sectors meanwhile. A read that began before they were
 * freed gets their old bytes or zeros, which they read as since.
 */
export class LayerSpace {
  /** How often the end of the file was cut. */
  cuts = 0;
  readonly #files: () => LayerFiles;
  readonly #holes: Holes;
  readonly #freed = new FreedSpace();
  #returning: Promise<void> = Promise.resolve();
  #hasEnded = false;

  constructor(files: () => LayerFiles, holes: Holes) {
    this.#files = files;
    this.#holes = holes;
  }

  /** A flush begins; called in the turn in which it copies the marks. */
  take(): void {
    this.#freed.take();
  }

  /** That flush has succeeded. */
  settle(): void {
    this.#freed.settle();
  }

  /** Forgets all. */
  clear(): void {
    this.#freed.clear();
  }

  /** Ends for good; resolves when nothing is done to the file any more. */
  async end(): Promise<void> {
    this.#hasEnded = true;
    this.#freed.clear();
    await this.#returning;
  }

  /** True when some sectors were freed durably and may still take space. */
  get hasFreed(): boolean {
    return this.#freed.hasSettled && this.#holes.arePossible;
  }

  /** Takes out the next sectors of which `hasFreed` speaks: few, and of one map page. */
  takeFreed(): SectorRange | undefined {
    const page = Math.floor(this.#freed.settledFirst / pageSectors);
    const mayHaveData = this.#files().map.hasPage(page);
    return this.#freed.takeSettled(mayHaveData ? punchSectorsMax : pageSectors, pageSectors);
  }

  /** Notes that these sectors may take space for nothing. */
  suspect(firstSector: number, endSector: number): void {
    this.#freed.suspect(firstSector, endSector);
  }

  /** All that may take space for nothing is somebody else's from now on. */
  takeSuspects(): SectorRange[] {
    const all: SectorRange[] = [];
    for (;;) {
      const next = this.#freed.takeSettled(Infinity, Infinity);
      if (next === undefined) return all;
      all.push(next);
    }
  }

  /**
   * Gives sectors back to the host where the map, the durable one too, says that they are no data.
   * Nobody writes to them meanwhile. A failure is reported, and costs only the space.
   */
  async giveBack(range: SectorRange): Promise<void> {
    if (this.#hasEnded) return;
    const work = this.#punch(range);
    this.#returning = work;
    await work;
  }

  /** Resolves when nothing is being given back that was begun before. */
  async returned(): Promise<void> {
    await this.#returning;
  }

  /** True when the end of the data file may have been freed. */
  get mayCut(): boolean {
    return this.#freed.settledEnd > 0;
  }

  /** Where the end of the data file may be cut; undefined when it was not freed. */
  async freedTail(): Promise<number | undefined> {
    if (this.#freed.settledEnd === 0 || this.#freed.settledEnd < (await this.#fileSectors())) {
      return undefined;
    }
    return this.#dataEnd();
  }

  /**
   * Cuts off the end of the data file, unless something was written there meanwhile, or freed and
   * that is not durable yet. Nobody writes behind `endSector` while this runs. A failure is
   * reported.
   */
  async cut(endSector: number): Promise<void> {
    if (this.#hasEnded || this.#freed.isUnsettled(endSector, Infinity)) return;
    try {
      if ((await this.#dataEnd()) > endSector) return;
      this.#freed.noteCut();
      this.cuts += 1;
      await this.#files().data.truncate(endSector * sectorBytes);
    } catch (error) {
      this.#holes.report(error);
    }
  }

  /**
   * Compares what the data file takes with what the map says, and suspects the whole file when it
   * is much more: what was freed before a crash, for one.
   */
  async findSpare(): Promise<void> {
    const { data: file, map } = this.#files();
    await map.open();
    let heldBytes = spareBytesMax;
    const turns = new Turns();
    for (const page of map.presentPages()) {
      await turns.next();
      const content = await map.readPage(page);
      if (content !== undefined) heldBytes += countData(content) * sectorBytes;
    }
    if ((await file.allocatedBytes()) > heldBytes) this.suspect(0, await this.#fileSectors());
  }

  /** Tells of a failure that costs no more than space. */
  report(error: unknown): void {
    this.#holes.report(error);
  }

  /** Notes which of the sectors, whose map pages are loaded, are about to be data no more. */
  noteFreed(firstSector: number, endSector: number): void {
    for (let sector = firstSector; sector < endSector;) {
      const page = Math.floor(sector / pageSectors);
      const base = page * pageSectors;
      const end = Math.min(endSector, base + pageSectors);
      const kinds = this.#files().map.cachedPage(page);
      if (kinds !== undefined && hasData(kinds, sector - base, end - base)) {
        this.#freed.note(sector, end);
      }
      sector = end;
    }
  }

  async #punch(range: SectorRange): Promise<void> {
    const { data: file } = this.#files();
    try {
      for (const [index, { first, end }] of (await this.#toPunch(range)).entries()) {
        if (!this.#holes.arePossible) return;
        if (index === punchesMax) {
          // Whoever waits for these sectors comes first.
          this.suspect(first, range.end);
          return;
        }
        await file.punch(first * sectorBytes, (end - first) * sectorBytes);
      }
    } catch (error) {
      this.#holes.failed(error);
    }
  }

  /** The parts of a range, which lies in one page, that are no data in any map. */
  async #toPunch(range: SectorRange): Promise<SectorRange[]> {
    const page = Math.floor(range.first / pageSectors);
    const kinds = await this.#files().map.readPage(page);
    return runsWithoutData(kinds, page * pageSectors, range).flatMap((run) => [
      ...this.#freed.durable(run.first, run.end),
    ]);
  }

  /** The sectors up to the end of the data file. */
  async #fileSectors(): Promise<number> {
    return Math.ceil((await this.#files().data.endBytes()) / sectorBytes);
  }

  /** The sector behind the last one that has data here. */
  async #dataEnd(): Promise<number> {
    const { map } = this.#files();
    await map.open();
    const endPage = Math.ceil((await this.#fileSectors()) / pageSectors);
    const turns = new Turns();
    for (const page of [...map.presentPages()].toReversed()) {
      await turns.next();
      const content = page < endPage ? await map.readPage(page) : undefined;
      const end = content === undefined ? 0 : dataEndOf(content);
      if (end > 0) return page * pageSectors + end;
    }
    return 0;
  }
}

/** The runs of a range, which lies in the page that begins at `base`, that are no data here. */
function runsWithoutData(
  kinds: Uint8Array | undefined,
  base: number,
  range: SectorRange,
): SectorRange[] {
  if (kinds === undefined) return [range];
  const runs: SectorRange[] = [];
  for (let sector = range.first; sector < range.end;) {
    const end = base + runEnd(kinds, sector - base, range.end - base);
    if (kindAt(kinds, sector - base) !== data) runs.push({ first: sector, end });
    sector = end;
  }
  return runs;
}
