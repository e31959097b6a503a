import { kindAt, pageBytes, pageSectors, runEnd, setKinds } from '../layer/map-page.ts';
import { absent, data, sectorBytes } from '../layer/sector.ts';
import type { Effect } from './finding.ts';
import type { LayerName, References } from './references.ts';
import type { MapReader } from './map-reader.ts';

/** Ranges that are kept for one reader; further ones only make the last one longer. */
const rangesMax = 100;
/** Pages of one layer of which it is followed what newer layers hide; of others it is assumed. */
const followedMax = 2048;

/** Opens the map of a layer, if it can be read. */
export type OpenMap = (layerId: string) => Promise<MapReader | undefined>;

/**
 * Collects which sectors of one layer are lost, and works out who would read them: a newer layer
 * that has a sector of its own hides the loss from everybody above.
 */
export class LostSectors {
  readonly #layerId: string;
  readonly #references: References;
  readonly #openMap: OpenMap;
  readonly #ranges = new Map<LayerName, { offsetBytes: number; lengthBytes: number }[]>();
  #followed = 0;
  /** How many sectors of the layer are lost. */
  count = 0;

  constructor(layerId: string, references: References, openMap: OpenMap) {
    this.#layerId = layerId;
    this.#references = references;
    this.#openMap = openMap;
  }

  /** Adds runs of sectors of one page; pages come in order. */
  async add(page: number, runs: readonly { from: number; to: number }[]): Promise<void> {
    if (runs.length === 0) return;
    const lost = new Uint8Array(pageBytes);
    for (const { from, to } of runs) setKinds(lost, from, to, data);
    for (const { from, to } of runs) this.count += to - from;
    this.#followed += 1;
    await this.#follow(page, lost);
  }

  /** Adds whole pages at once, without a look at what hides them. */
  addPages(firstPage: number, endPage: number): void {
    const from = firstPage * pageSectors;
    this.count += (endPage - firstPage) * pageSectors;
    for (const name of this.#references.readersOf(this.#layerId)) {
      this.#note(name, from, endPage * pageSectors);
    }
  }

  /** The readers who get an error where they should get data. */
  effects(): Effect[] {
    return [...this.#ranges].map(([{ volumeId, snapshotId }, ranges]) => ({
      volumeId,
      snapshotId,
      ranges,
    }));
  }

  /** Goes up the tree of layers, with what is left of the loss at each of them. */
  async #follow(page: number, lost: Uint8Array): Promise<void> {
    const seen = new Set([this.#layerId]);
    let level = [{ layerId: this.#layerId, lost }];
    while (level.length > 0) {
      const next: typeof level = [];
      for (const at of level) {
        for (const name of this.#references.namesOf(at.layerId)) this.#noteAll(name, page, at.lost);
        for (const child of this.#references.childrenOf(at.layerId)) {
          if (seen.has(child)) continue;
          seen.add(child);
          const left = await this.#leftAbove(child, page, at.lost);
          if (left !== undefined) next.push({ layerId: child, lost: left });
        }
      }
      level = next;
    }
  }

  /** What a child does not hide; undefined when that is nothing. */
  async #leftAbove(child: string, page: number, lost: Uint8Array): Promise<Uint8Array | undefined> {
    if (this.#followed > followedMax) return lost;
    const upper = await (await this.#openMap(child))?.readPage(page);
    if (upper === undefined) return lost;
    const left = new Uint8Array(pageBytes);
    let isAny = false;
    for (let byte = 0; byte < pageBytes; byte += 1) {
      const top = upper.kinds[byte] ?? 0;
      const said = (top | (top >> 1)) & 0b01010101;
      const bits = (lost[byte] ?? 0) & ~said;
      left[byte] = bits;
      isAny ||= bits !== 0;
    }
    return isAny ? left : undefined;
  }

  #noteAll(name: LayerName, page: number, lost: Uint8Array): void {
    for (let index = 0; index < pageSectors;) {
      const end = runEnd(lost, index, pageSectors);
      if (kindAt(lost, index) !== absent) {
        this.#note(name, page * pageSectors + index, page * pageSectors + end);
      }
      index = end;
    }
  }

  #note(name: LayerName, firstSector: number, endSector: number): void {
    const offsetBytes = firstSector * sectorBytes;
    const endBytes = Math.min(endSector * sectorBytes, name.lengthBytes);
    if (endBytes <= offsetBytes) return;
    let ranges = this.#ranges.get(name);
    if (ranges === undefined) this.#ranges.set(name, (ranges = []));
    const last = ranges.at(-1);
    const joins = last !== undefined && last.offsetBytes + last.lengthBytes === offsetBytes;
    if (last !== undefined && (joins || ranges.length === rangesMax)) {
      last.lengthBytes = endBytes - last.offsetBytes;
    } else ranges.push({ offsetBytes, lengthBytes: endBytes - offsetBytes });
  }
}
