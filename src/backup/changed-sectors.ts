import type { Extent } from '../base/extent.ts';
import { blockBytes, sectorBytes } from '../repository/block.ts';

/**
 * Which sectors may differ from the parent backup, as the maps say. `changed` is in order and
 * covers every difference.
 */
export class ChangedSectors {
  readonly #changed: readonly Extent[];

  constructor(changed: readonly Extent[]) {
    this.#changed = changed;
  }

  /** For each block of a piece, which begins with a block: bit s means sector s may differ. */
  masksOf(piece: Extent): Uint16Array {
    const masks = new Uint16Array(Math.ceil(piece.lengthBytes / blockBytes));
    const end = piece.offsetBytes + piece.lengthBytes;
    for (let at = this.#firstAfter(piece.offsetBytes); at < this.#changed.length; at += 1) {
      const extent = this.#changed[at];
      if (extent === undefined || extent.offsetBytes >= end) break;
      const from = Math.max(0, extent.offsetBytes - piece.offsetBytes);
      const to = Math.min(end, extent.offsetBytes + extent.lengthBytes) - piece.offsetBytes;
      for (let sector = Math.floor(from / sectorBytes); sector * sectorBytes < to; sector += 1) {
        const block = Math.floor((sector * sectorBytes) / blockBytes);
        const bit = sector % (blockBytes / sectorBytes);
        masks[block] = (masks[block] ?? 0) | (1 << bit);
      }
    }
    return masks;
  }

  /** The index of the first extent that ends after `offsetBytes`. */
  #firstAfter(offsetBytes: number): number {
    let low = 0;
    let high = this.#changed.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const extent = this.#changed[middle];
      if (extent !== undefined && extent.offsetBytes + extent.lengthBytes <= offsetBytes) {
        low = middle + 1;
      } else high = middle;
    }
    return low;
  }
}
