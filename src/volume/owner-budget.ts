import { MiB } from '../base/bytes.ts';

/** Something that holds memory, and can be had again. */
interface Held {
  readonly sizeBytes: number;
  usedLately: boolean;
  drop(): void;
}

/**
 * Bounds the memory of all owner maps of an engine together. Who was not used since the last look
 * goes first.
 */
export class OwnerBudget {
  readonly #bytesMax: number;
  /** What each holds, as far as that is known. */
  readonly #held = new Map<Held, number>();
  #bytes = 0;

  constructor(bytesMax = 32 * MiB) {
    this.#bytesMax = bytesMax;
  }

  /** What they hold together. */
  get sizeBytes(): number {
    return this.#bytes;
  }

  /** Counts a newcomer, or one that may hold more than before. */
  admit(held: Held): void {
    const { sizeBytes } = held;
    const known = this.#held.get(held);
    if (known === sizeBytes) return;
    this.#bytes += sizeBytes - (known ?? 0);
    this.#held.set(held, sizeBytes);
    for (const [oldest, bytes] of this.#held) {
      if (this.#bytes <= this.#bytesMax) return;
      this.#held.delete(oldest);
      if (oldest.usedLately || oldest === held) {
        oldest.usedLately = false;
        this.#held.set(oldest, bytes);
      } else {
        this.#bytes -= bytes;
        oldest.drop();
      }
    }
  }

  forget(held: Held): void {
    this.#bytes -= this.#held.get(held) ?? 0;
    this.#held.delete(held);
  }
}
