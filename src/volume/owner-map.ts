import { must } from '../base/assert.ts';
import { KiB } from '../base/bytes.ts';
import { kindAt, pageSectors, runEnd } from '../layer/map-page.ts';
import { absent, data } from '../layer/sector.ts';

/**
 * A region is the part of a volume that one page of a map describes, 64 MiB. Its owner map says for
 * each sector which layer of a chain holds it, in 16 bits:
 *
 * - `absentOwner`: no layer holds it, it reads as zeros.
 * - `zeroOwner`: the newest layer that says anything says zeros.
 * - else `firstSlotOwner` + the slot of the layer in the chain.
 */
export const regionSectors = pageSectors;
export const absentOwner = 0;
export const zeroOwner = 1;
export const firstSlotOwner = 2;
/** The slots that 16 bits can tell apart. */
export const slotsMax = 0x10000 - firstSlotOwner;

/** With more runs than this, a number for each sector is looked up sooner. */
const runsMax = 128;
/** What a map with few runs takes about, beside its runs. */
const leastBytes = 256;
const denseBytes = 32 * KiB;
const runBytes = 8;

/**
 * Who owns the sectors of a region. As long as few runs of sectors have different owners, only the
 * runs are kept; 32 KiB otherwise.
 */
export class OwnerMap {
  /** Each run as its end << 16 | its owner, in order; neighbours have different owners. */
  #runs: number[];
  /** The owner of each sector, instead of the runs. */
  #dense: Uint16Array | undefined;

  /** A map with one owner of all. */
  constructor(owner = absentOwner) {
    this.#runs = [runOf(regionSectors, owner)];
  }

  /** About how much memory the map takes. */
  get sizeBytes(): number {
    return this.#dense === undefined ? leastBytes + this.#runs.length * runBytes : denseBytes;
  }

  /** The owner of a sector. */
  at(sector: number): number {
    if (this.#dense !== undefined) return this.#dense[sector] ?? absentOwner;
    return ownerOf(this.#run(this.#find(sector)));
  }

  /** The end of the run of sectors with the same owner that begins at `from`, at most `to`. */
  runEnd(from: number, to: number): number {
    const dense = this.#dense;
    if (dense === undefined) return Math.min(to, endOf(this.#run(this.#find(from))));
    const owner = dense[from];
    let index = from + 1;
    while (index < to && dense[index] === owner) index += 1;
    return index;
  }

  /** Gives the sectors from `from` to before `to` another owner. */
  fill(owner: number, from: number, to: number): void {
    if (this.#dense !== undefined) this.#dense.fill(owner, from, to);
    else if (from < to) this.#fillRuns(owner, from, to);
  }

  /** Lays the page of a layer over what the layers below it own. */
  overlay(page: Uint8Array, slot: number): void {
    const owner = firstSlotOwner + slot;
    for (let from = 0; from < regionSectors;) {
      const to = runEnd(page, from, regionSectors);
      const kind = kindAt(page, from);
      if (kind !== absent) this.fill(kind === data ? owner : zeroOwner, from, to);
      from = to;
    }
  }

  #fillRuns(owner: number, from: number, to: number): void {
    const runs = this.#runs;
    let first = this.#find(from);
    let last = this.#find(to - 1);
    const [before, after] = [this.#run(first), this.#run(last)];
    if (first === last && ownerOf(before) === owner) return;
    const added: number[] = [];
    const start = first === 0 ? 0 : endOf(this.#run(first - 1));
    if (start < from && ownerOf(before) !== owner) added.push(runOf(from, ownerOf(before)));
    else if (start === from && first > 0 && ownerOf(this.#run(first - 1)) === owner) first -= 1;
    let end = to;
    if (ownerOf(after) === owner) end = endOf(after);
    else if (endOf(after) === to && last + 1 < runs.length) {
      const next = this.#run(last + 1);
      if (ownerOf(next) === owner) {
        end = endOf(next);
        last += 1;
      }
    }
    added.push(runOf(end, owner));
    if (endOf(after) > end) added.push(after);
    runs.splice(first, last - first + 1, ...added);
    if (runs.length > runsMax) this.#spread();
  }

  /** Goes over to a number for each sector. */
  #spread(): void {
    const dense = new Uint16Array(regionSectors);
    let from = 0;
    for (const run of this.#runs) {
      dense.fill(ownerOf(run), from, endOf(run));
      from = endOf(run);
    }
    this.#dense = dense;
    this.#runs = [];
  }

  /** Which run has a sector. */
  #find(sector: number): number {
    const runs = this.#runs;
    let low = 0;
    for (let high = runs.length - 1; low < high;) {
      const middle = (low + high) >> 1;
      if (endOf(runs[middle] ?? 0) > sector) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #run(index: number): number {
    return must(this.#runs[index], 'a run of the region');
  }
}

/** The owner map of every region that no layer holds anything of. Never changed. */
export const emptyOwners = new OwnerMap();

function runOf(end: number, owner: number): number {
  return (end << 16) | owner;
}

function endOf(run: number): number {
  return run >>> 16;
}

function ownerOf(run: number): number {
  return run & 0xffff;
}
