/** How long the instants of freezes took, in milliseconds. A group counts as one freeze. */
export class FreezeTimes {
  #count = 0;
  #lastMs = 0;
  #maxMs = 0;

  get count(): number {
    return this.#count;
  }

  get lastMs(): number {
    return this.#lastMs;
  }

  get maxMs(): number {
    return this.#maxMs;
  }

  note(tookMs: number): void {
    this.#count += 1;
    this.#lastMs = tookMs;
    this.#maxMs = Math.max(this.#maxMs, tookMs);
  }
}
