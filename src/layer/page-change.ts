import { kindAt, pageBytes, pageSectors, runEnd, setKinds } from './map-page.ts';
import type { SectorKind } from './sector.ts';

/** Stands for a sector that has not changed, where the bits of its kind would be. */
const unchanged = 3;
/** With more runs than this, which take half of what two bits a sector do, a change has these. */
const runsMax = 1024;
/** The room for runs that a change begins with. */
const leastRuns = 8;
const noRuns = new Uint16Array();
/** What a change takes beside its runs, as it was measured: objects, and the entry in a map. */
const besideBytes = 320;
/** V8 keeps small arrays beside their object; what another takes beside its content. */
const smallBytes = 64;
const outsideBytes = 160;

/**
 * What is to change of one page of a map: as long as that are few runs of sectors, only the runs;
 * two bits a sector otherwise. Writes at random places of a large volume make few marks in each of
 * many pages, and take some hundred bytes for each so.
 *
 * A run is 16 bits: its first sector << 2 | its kind, or `unchanged`. They are in order, the first
 * one begins at 0, each ends where the next one begins, and neighbours differ.
 */
export class PageChange {
  /** Room for runs, of which the first `#count` are there. */
  #runs: Uint16Array;
  #count: number;
  /** Instead of the runs: two bits a sector, `unchanged` or as in a page. */
  #dense: Uint8Array | undefined;

  /** No change. */
  constructor() {
    this.#runs = new Uint16Array(leastRuns);
    this.#runs[0] = runOf(0, unchanged);
    this.#count = 1;
  }

  /** A change of all sectors, to what a page says. */
  static toPage(page: Uint8Array): PageChange {
    const change = new PageChange();
    for (let from = 0; from < pageSectors;) {
      const to = runEnd(page, from, pageSectors);
      change.set(from, to, kindAt(page, from));
      from = to;
    }
    return change;
  }

  /** About how much memory the change takes. */
  get sizeBytes(): number {
    const { byteLength } = this.#dense ?? this.#runs;
    return besideBytes + byteLength + (byteLength > smallBytes ? outsideBytes : 0);
  }

  /** Sets the sectors from `from` to before `to`. */
  set(from: number, to: number, kind: SectorKind): void {
    if (this.#dense !== undefined) setKinds(this.#dense, from, to, kind);
    else if (from < to) this.#setRun(from, to, kind);
  }

  /** True when all sectors from `from` to before `to` have been set to this kind. */
  isAll(from: number, to: number, kind: SectorKind): boolean {
    if (this.#dense !== undefined) return this.#isAllDense(this.#dense, from, to, kind);
    const index = this.#find(from);
    return this.#kind(index) === kind && this.#end(index) >= to;
  }

  /** Makes the change in a page. */
  applyTo(page: Uint8Array): void {
    if (this.#dense !== undefined) {
      for (let byte = 0; byte < pageBytes; byte += 1) {
        const bits = this.#dense[byte] ?? 0;
        const kept = (bits & (bits >> 1) & 0b01010101) * 3;
        page[byte] = (bits & ~kept) | ((page[byte] ?? 0) & kept);
      }
      return;
    }
    for (let index = 0; index < this.#count; index += 1) {
      const kind = this.#kind(index);
      if (kind !== unchanged) fillBits(page, this.#start(index), this.#end(index), kind);
    }
  }

  #isAllDense(dense: Uint8Array, from: number, to: number, kind: SectorKind): boolean {
    for (let index = from; index < to; index += 1) {
      if ((((dense[index >> 2] ?? 0) >> ((index & 3) * 2)) & 3) !== kind) return false;
    }
    return true;
  }

  #setRun(from: number, to: number, kind: SectorKind): void {
    const before = this.#find(from);
    const after = this.#find(to - 1);
    const [afterKind, afterEnd] = [this.#kind(after), this.#end(after)];
    // What goes: all runs that begin in the range, and the next one if it is of the same kind.
    const first = this.#start(before) < from ? before + 1 : before;
    const joins = afterEnd === to && after + 1 < this.#count && this.#kind(after + 1) === kind;
    const end = joins ? after + 2 : after + 1;
    // What comes: the range, if it does not go on with what lies before; the rest of the last run.
    const begins = first === 0 || this.#kind(first - 1) !== kind;
    const goesOn = afterEnd > to && afterKind !== kind;
    const rest = first + Number(begins) + Number(goesOn);
    this.#move(end, rest);
    if (begins) this.#runs[first] = runOf(from, kind);
    if (goesOn) this.#runs[rest - 1] = runOf(to, afterKind);
    if (this.#count > runsMax) this.#spread();
  }

  /** Moves the runs from number `from` on to number `to`. */
  #move(from: number, to: number): void {
    const count = this.#count + to - from;
    if (count > this.#runs.length) {
      const more = new Uint16Array(Math.ceil((count * 5) / 4 / leastRuns) * leastRuns);
      more.set(this.#runs);
      this.#runs = more;
    }
    if (from !== to) this.#runs.copyWithin(to, from, this.#count);
    this.#count = count;
  }

  /** Goes over to two bits a sector. */
  #spread(): void {
    const dense = new Uint8Array(pageBytes);
    for (let index = 0; index < this.#count; index += 1) {
      fillBits(dense, this.#start(index), this.#end(index), this.#kind(index));
    }
    this.#dense = dense;
    this.#runs = noRuns;
    this.#count = 0;
  }

  /** Which run has a sector. */
  #find(sector: number): number {
    const last = runOf(sector, unchanged);
    let low = 0;
    for (let high = this.#count - 1; low < high;) {
      const middle = (low + high + 1) >> 1;
      if ((this.#runs[middle] ?? 0) <= last) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #start(index: number): number {
    return (this.#runs[index] ?? 0) >> 2;
  }

  #end(index: number): number {
    return index + 1 < this.#count ? this.#start(index + 1) : pageSectors;
  }

  #kind(index: number): number {
    return (this.#runs[index] ?? 0) & 3;
  }
}

function runOf(first: number, kind: number): number {
  return (first << 2) | kind;
}

/** Sets the two bits of the sectors from `from` to before `to`. */
function fillBits(page: Uint8Array, from: number, to: number, bits: number): void {
  const firstWhole = (from + 3) & ~3;
  const endWhole = to & ~3;
  if (firstWhole >= endWhole) {
    fillOnes(page, from, to, bits);
    return;
  }
  fillOnes(page, from, firstWhole, bits);
  page.fill(bits * 0b01010101, firstWhole >> 2, endWhole >> 2);
  fillOnes(page, endWhole, to, bits);
}

/** The same, one by one. */
function fillOnes(page: Uint8Array, from: number, to: number, bits: number): void {
  for (let index = from; index < to; index += 1) {
    const shift = (index & 3) * 2;
    page[index >> 2] = ((page[index >> 2] ?? 0) & ~(3 << shift)) | (bits << shift);
  }
}
