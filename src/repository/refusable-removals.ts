import { formatBytes } from '../base/bytes.ts';
import { isRefusal, OperatingError, type ErrorCode } from '../base/errors.ts';
import type { Store } from '../store/store.ts';

/** So many refusals, more than there were removals, and the rest is left for another time. */
const refusedMax = 16;

/**
 * Removes objects from a store that may refuse to let them go: a lock, a retention rule, a missing
 * right. Each attempt costs a request, so that a store that lets nothing go is not asked for all.
 */
export class RefusableRemovals {
  readonly #store: Store;
  #removed = 0;
  #refused = 0;
  #untried = 0;
  #bytesLeft = 0;
  #first: { code: ErrorCode; message: string } | undefined;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Whether the object went, was refused, or was not even tried. */
  async remove(name: string, sizeBytes = 0): Promise<'gone' | 'refused' | 'untried'> {
    if (this.#refused >= refusedMax + this.#removed) {
      this.#untried += 1;
      this.#bytesLeft += sizeBytes;
      return 'untried';
    }
    try {
      await this.#store.remove(name);
      this.#removed += 1;
      return 'gone';
    } catch (error) {
      if (!isRefusal(error)) throw error;
      this.#refused += 1;
      this.#bytesLeft += sizeBytes;
      this.#first ??= error;
      return 'refused';
    }
  }

  /** Throws the first refusal, which then says how much is left, if there was one. */
  throwIfRefused(): void {
    if (this.#first === undefined) return;
    const { code, message } = this.#first;
    const untried = this.#untried === 0 ? '' : ` and ${this.#untried} not tried this time`;
    const count = `${this.#refused} removals were refused${untried}`;
    throw new OperatingError(code, `${message} (${count}: ${formatBytes(this.#bytesLeft)} stay)`);
  }
}
