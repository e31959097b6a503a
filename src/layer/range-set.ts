/** Sectors from `first` to before `end`. */
export interface SectorRange {
  readonly first: number;
  readonly end: number;
}

/**
 * A set of sectors as sorted ranges that do not touch, in bounded memory: when there are too many,
 * the two with the smallest gap become one. So it holds all that was added, and perhaps more.
 */
export class RangeSet {
  readonly #max: number;
  #ranges: SectorRange[] = [];

  constructor(max = 1024) {
    this.#max = max;
  }

  get isEmpty(): boolean {
    return this.#ranges.length === 0;
  }

  get ranges(): readonly SectorRange[] {
    return this.#ranges;
  }

  add(first: number, end: number): void {
    if (first >= end) return;
    const from = this.#firstEndingAt(first);
    let to = from;
    let joined = { first, end };
    for (; to < this.#ranges.length; to += 1) {
      const range = this.#ranges[to];
      if (range === undefined || range.first > end) break;
      joined = { first: Math.min(joined.first, range.first), end: Math.max(joined.end, range.end) };
    }
    this.#ranges.splice(from, to - from, joined);
    if (this.#ranges.length > this.#max) this.#closeSmallestGap();
  }

  /** Takes out the lowest sectors: of one range, at most `sectorsMax`, none of two `blocks`. */
  takeFirst(sectorsMax: number, blockSectors: number): SectorRange | undefined {
    const range = this.#ranges[0];
    if (range === undefined) return undefined;
    const blockEnd = (Math.floor(range.first / blockSectors) + 1) * blockSectors;
    const end = Math.min(range.end, range.first + sectorsMax, blockEnd);
    if (end === range.end) this.#ranges.shift();
    else this.#ranges[0] = { first: end, end: range.end };
    return { first: range.first, end };
  }

  /** The parts of a range that are not in the set. */
  *missing(first: number, end: number): Generator<SectorRange> {
    let at = first;
    for (let index = this.#firstEndingAt(first); index < this.#ranges.length; index += 1) {
      const range = this.#ranges[index];
      if (range === undefined || range.first >= end) break;
      if (range.first > at) yield { first: at, end: range.first };
      at = Math.max(at, range.end);
    }
    if (at < end) yield { first: at, end };
  }

  overlaps(first: number, end: number): boolean {
    for (const range of this.#ranges) if (range.first < end && first < range.end) return true;
    return false;
  }

  clear(): void {
    this.#ranges = [];
  }

  /** The index of the first range that ends at `sector` or behind it. */
  #firstEndingAt(sector: number): number {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#ranges[middle]?.end ?? 0) < sector) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #closeSmallestGap(): void {
    let best = 1;
    let smallest = Infinity;
    for (let index = 1; index < this.#ranges.length; index += 1) {
      const gap = (this.#ranges[index]?.first ?? 0) - (this.#ranges[index - 1]?.end ?? 0);
      if (gap >= smallest) continue;
      smallest = gap;
      best = index;
    }
    const [lower, upper] = this.#ranges.slice(best - 1, best + 1);
    if (lower === undefined || upper === undefined) return;
    this.#ranges.splice(best - 1, 2, { first: lower.first, end: upper.end });
  }
}
