import { blockBytes, blockKinds, isZeroId } from './block.ts';
import { type BlockSource, placeBases } from './fetch.ts';
import type { OpenLeaf } from './leaf.ts';
import type { PackWriter } from './pack-writer.ts';
import { isPatchWorthwhile } from './patch.ts';
import { PatchPolicy } from './patch-policy.ts';
import type { Slot } from './slot.ts';

export interface BlockCounts {
  blocksNew: number;
  blocksShared: number;
  blocksZero: number;
}

/** Where the blocks of a slot belong. */
export interface Piece {
  readonly offsetBytes: number;
  /** Blocks. */
  readonly count: number;
  /** For each block, the sectors that may differ from the parent's; without it all may. */
  readonly changed: Uint16Array | undefined;
}

/** Turns chunks of plain blocks into ids in a leaf and sealed blocks in packs. */
export class ChunkPipeline {
  readonly counts: BlockCounts = { blocksNew: 0, blocksShared: 0, blocksZero: 0 };
  readonly #source: BlockSource;
  readonly #packs: PackWriter;
  readonly #policy = new PatchPolicy();
  readonly #signal: AbortSignal | undefined;

  constructor(source: BlockSource, packs: PackWriter, signal: AbortSignal | undefined) {
    this.#source = source;
    this.#packs = packs;
    this.#signal = signal;
  }

  /**
   * When this resolves, each block of the slot is named in `leaf` and stored, if only in memory.
   */
  async process(slot: Slot, leaf: OpenLeaf, piece: Piece): Promise<void> {
    const { pool, keys } = this.#source;
    const { offsetBytes, count } = piece;
    await pool.run(keys, 'hash', slot, count);
    const fresh = this.#freshBlocks(slot, count);
    if (fresh.length > 0) {
      const patched = await this.#findPatches(slot, leaf, piece, fresh);
      slot.modes.fill(0);
      for (const block of fresh) {
        slot.modes[block] = patched.has(block) ? blockKinds.patch : blockKinds.whole;
      }
      await this.#packs.room();
      await pool.run(keys, 'seal', slot);
      for (const block of fresh) this.#store(slot, block, patched.has(block));
    }
    for (let block = 0; block < count; block += 1) {
      leaf.set(offsetBytes + block * blockBytes, slot.id(block));
    }
  }

  /** The blocks that are stored nowhere yet. */
  #freshBlocks(slot: Slot, count: number): number[] {
    const fresh: number[] = [];
    for (let block = 0; block < count; block += 1) {
      const id = slot.id(block);
      if (isZeroId(id)) this.counts.blocksZero += 1;
      else if (this.#isStored(id)) this.counts.blocksShared += 1;
      else fresh.push(block);
    }
    return fresh;
  }

  /** The fresh blocks that are best stored as patches; their masks are in `slot.results`. */
  async #findPatches(
    slot: Slot,
    leaf: OpenLeaf,
    { offsetBytes, changed }: Piece,
    fresh: readonly number[],
  ): Promise<Set<number>> {
    const patched = new Set<number>();
    const olds: { block: number; id: Uint8Array }[] = [];
    for (const block of fresh) {
      // Prune is taking it away: it may be the base of other patches, and stays whole for them.
      if (this.#source.index.find(slot.id(block)) !== undefined) continue;
      const id = await leaf.oldId(offsetBytes + block * blockBytes);
      const mask = changed?.[block];
      if (id === undefined || (mask !== undefined && !isPatchWorthwhile(mask))) continue;
      if (mask !== undefined && this.#isStoredWhole(id)) {
        slot.baseId(block).set(id);
        slot.results[block] = mask;
        patched.add(block);
      } else olds.push({ block, id });
    }
    if (olds.length === 0 || !this.#policy.shouldTry()) return patched;
    await placeBases(this.#source, slot, olds, this.#signal);
    await this.#source.pool.run(this.#source.keys, 'diff', slot);
    for (const { block } of olds) {
      const good = slot.modes[block] === 1 && isPatchWorthwhile(slot.results[block] ?? 0);
      this.#policy.note(good);
      if (good) patched.add(block);
    }
    return patched;
  }

  #store(slot: Slot, block: number, patched: boolean): void {
    const id = slot.id(block);
    // The same content may have been sealed at the same time for another place.
    if (this.#isStored(id)) {
      this.counts.blocksShared += 1;
      return;
    }
    const kind = patched ? blockKinds.patch : blockKinds.whole;
    this.#packs.add(kind, id, slot.sealedBlock(block), patched ? slot.baseId(block) : undefined);
    this.counts.blocksNew += 1;
  }

  /** True when the block can be the base of a patch from now on. */
  #isStoredWhole(id: Uint8Array): boolean {
    const { index } = this.#source;
    return index.find(id)?.kind === blockKinds.whole && index.use(id);
  }

  #isStored(id: Uint8Array): boolean {
    return this.#source.index.use(id) || this.#packs.holds(id);
  }
}
