import type { SectorRange } from './range-set.ts';
import { RangeSet } from './range-set.ts';

/**
 * Where the data file of a layer may hold bytes that no mark refers to any more.
 *
 * Freed sectors are `fresh` until a flush takes them along with their marks, `pending` until that
 * flush has made the marks durable, and `settled` afterwards. The sets may hold more than was freed
 * (`RangeSet`), so what is settled is only a hint; the guarantee is this: a sector that the map in
 * memory does not call data, and that is neither fresh nor pending, is not data in the durable map.
 */
export class FreedSpace {
  #fresh = new RangeSet();
  #pending = new RangeSet();
  readonly #settled = new RangeSet();
  /** The end of all that was settled since the end of the file was last cut. */
  #settledEnd = 0;

  /** Notes sectors that have just stopped being data. */
  note(first: number, end: number): void {
    this.#fresh.add(first, end);
  }

  /** A flush begins; called in the turn in which it copies the marks. */
  take(): void {
    for (const { first, end } of this.#fresh.ranges) this.#pending.add(first, end);
    this.#fresh = new RangeSet();
  }

  /** That flush has succeeded. */
  settle(): void {
    for (const { first, end } of this.#pending.ranges) this.suspect(first, end);
    this.#pending = new RangeSet();
  }

  /** Notes sectors of which some may hold bytes for nothing. */
  suspect(first: number, end: number): void {
    this.#settled.add(first, end);
    this.#settledEnd = Math.max(this.#settledEnd, end);
  }

  get hasSettled(): boolean {
    return !this.#settled.isEmpty;
  }

  get settledFirst(): number {
    return this.#settled.ranges[0]?.first ?? 0;
  }

  get settledEnd(): number {
    return this.#settledEnd;
  }

  /** The end of the file was looked at, and nothing is left to cut. */
  noteCut(): void {
    this.#settledEnd = 0;
  }

  takeSettled(sectorsMax: number, blockSectors: number): SectorRange | undefined {
    return this.#settled.takeFirst(sectorsMax, blockSectors);
  }

  /** The parts of a range whose marks in memory are as the durable ones, if they are not data. */
  *durable(first: number, end: number): Generator<SectorRange> {
    for (const part of this.#fresh.missing(first, end)) {
      yield* this.#pending.missing(part.first, part.end);
    }
  }

  /** True when something in the range was freed of which that is not durable yet. */
  isUnsettled(first: number, end: number): boolean {
    return this.#fresh.overlaps(first, end) || this.#pending.overlaps(first, end);
  }

  clear(): void {
    this.#fresh.clear();
    this.#pending.clear();
    this.#settled.clear();
    this.#settledEnd = 0;
  }
}
