import { pageSectors } from '../layer/map-page.ts';

/**
 * A region is the part of a volume that one page of a map describes, 64 MiB. Its owner map says for
 * each sector which layer of a chain holds it, in 16 bits:
 *
 * - `absentOwner`: no layer holds it, it reads as zeros.
 * - `zeroOwner`: the newest layer that says anything says zeros.
 * - else `firstSlotOwner` + the slot of the layer in the chain.
 */
export type Owners = Uint16Array;

export const regionSectors = pageSectors;
export const absentOwner = 0;
export const zeroOwner = 1;
export const firstSlotOwner = 2;
/** The slots that 16 bits can tell apart. */
export const slotsMax = 0x10000 - firstSlotOwner;

/** The owner map of every region that no layer holds anything of. Never written to. */
export const emptyOwners: Owners = new Uint16Array(regionSectors);

/** Lays the page of a layer over what the layers below it own. */
export function overlayOwners(owners: Owners, page: Uint8Array, slot: number): void {
  const owner = firstSlotOwner + slot;
  for (let byte = 0; byte < page.length; byte += 1) {
    let bits = page[byte] ?? 0;
    for (let index = byte * 4; bits !== 0; index += 1) {
      const kind = bits & 3;
      if (kind !== 0) owners[index] = kind === 1 ? owner : zeroOwner;
      bits >>= 2;
    }
  }
}

/** The end of the run of sectors with the same owner that begins at `from`, at most `to`. */
export function ownerRunEnd(owners: Owners, from: number, to: number): number {
  const owner = owners[from];
  let index = from + 1;
  while (index < to && owners[index] === owner) index += 1;
  return index;
}

interface Held {
  usedLately: boolean;
  drop(): void;
}

/**
 * Bounds the memory of all owner maps of an engine together: at most `max` regions of 32 KiB. Who
 * was not used since the last look goes first.
 */
export class RegionBudget {
  readonly #max: number;
  readonly #held = new Set<Held>();

  constructor(max = 2048) {
    this.#max = max;
  }

  admit(newcomer: Held): void {
    this.#held.add(newcomer);
    for (const oldest of this.#held) {
      if (this.#held.size <= this.#max) return;
      this.#held.delete(oldest);
      if (oldest.usedLately || oldest === newcomer) {
        oldest.usedLately = false;
        this.#held.add(oldest);
      } else {
        oldest.drop();
      }
    }
  }

  forget(held: Held): void {
    this.#held.delete(held);
  }
}
