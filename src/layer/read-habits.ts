/** Counted for a read that memory does not have; one that it has takes one away. */
const missWeight = 4;
const weightMax = 256;
/** From here on, most of what is asked for is not in memory. */
const coldWeight = 32;
/** Every so many of such reads goes through memory all the same. */
const keptEach = 16;
/** Ends of reads that are remembered. */
const endsMax = 64;

/**
 * How one file is read, and so whether a read that memory does not have is worth keeping there.
 *
 * Where most reads of a file miss, the page cache costs more than it gives: it takes room from
 * others, and two thirds of the time of each read. Then reads go past it, but for every sixteenth,
 * so that what is read again and again comes to be there all the same; and but for those that go
 * on where an earlier one has ended, for which the kernel reads ahead.
 */
export class ReadHabits {
  #weight = 0;
  #misses = 0;
  readonly #ends = new Float64Array(endsMax).fill(-1);
  #next = 0;

  /** True while most reads miss. */
  get isCold(): boolean {
    return this.#weight >= coldWeight;
  }

  noteHit(): void {
    if (this.#weight > 0) this.#weight -= 1;
  }

  /** Notes a read that memory does not have; answers whether it is to go past it. */
  noteMiss(positionBytes: number, lengthBytes: number): boolean {
    const { isCold } = this;
    this.#weight = Math.min(this.#weight + missWeight, weightMax);
    const goesOn = this.#ends.includes(positionBytes);
    this.#ends[this.#next] = positionBytes + lengthBytes;
    this.#next = (this.#next + 1) % endsMax;
    this.#misses += 1;
    return isCold && !goesOn && this.#misses % keptEach !== 0;
  }
}
