/** How often trying must have paid off for trying again every time. */
const successMin = 0.2;
/** Without success, one chunk of this many is tried all the same. */
const probeEvery = 16;
const memory = 1024;

/**
 * Decides whether blocks are compared with what was in their place before. Small scattered writes
 * make good patches; where whole files are replaced, comparing only costs reads of the store.
 */
export class PatchPolicy {
  #tried = 0;
  #good = 0;
  #skipped = 0;

  shouldTry(): boolean {
    if (this.#tried < 64 || this.#good >= this.#tried * successMin) return true;
    this.#skipped = (this.#skipped + 1) % probeEvery;
    return this.#skipped === 0;
  }

  note(good: boolean): void {
    this.#tried += 1;
    if (good) this.#good += 1;
    if (this.#tried < memory) return;
    this.#tried /= 2;
    this.#good /= 2;
  }
}
