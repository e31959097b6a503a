import { throwIfAborted } from '../base/abort.ts';
import { must } from '../base/assert.ts';
import { blockKinds, isZeroId } from './block.ts';
import { type BlockSource, placeBases } from './fetch.ts';
import type { OpenLeaf } from './leaf.ts';
import type { PackWriter } from './pack-writer.ts';
import { isPatchWorthwhile, type PatchBase } from './patch.ts';
import type { PatchBases } from './patch-bases.ts';
import { PatchPolicy } from './patch-policy.ts';
import type { Slot } from './slot.ts';

export interface BlockCounts {
  blocksNew: number;
  blocksShared: number;
  blocksZero: number;
}

/** Where a block of a slot belongs. */
export interface BlockPlace {
  readonly leaf: OpenLeaf;
  readonly offsetBytes: number;
  /** The sectors that may differ from the parent's; undefined: all may. */
  readonly changed: number | undefined;
}

/**
 * Turns chunks of plain blocks into ids in leaves and sealed blocks in packs.
 *
 * A block of which few sectors changed is sealed as a patch in the same step in which it gets its
 * id, since it will hardly be stored already. Others are sealed in a second step, when it is known
 * that they are stored nowhere.
 */
export class ChunkPipeline {
  readonly counts: BlockCounts = { blocksNew: 0, blocksShared: 0, blocksZero: 0 };
  readonly #source: BlockSource;
  readonly #packs: PackWriter;
  readonly #bases: PatchBases;
  readonly #policy = new PatchPolicy();
  readonly #signal: AbortSignal | undefined;

  constructor(options: {
    source: BlockSource;
    packs: PackWriter;
    bases: PatchBases;
    signal: AbortSignal | undefined;
  }) {
    this.#source = options.source;
    this.#packs = options.packs;
    this.#bases = options.bases;
    this.#signal = options.signal;
  }

  /**
   * `places` are those of the first blocks of the slot. When this resolves, each of them is named
   * in its leaf and stored, if only in memory.
   */
  async process(slot: Slot, places: readonly BlockPlace[]): Promise<void> {
    const { pool, keys } = this.#source;
    slot.modes.fill(0);
    const patched = places.flatMap(({ leaf, changed }) => (changed === undefined ? [] : [leaf]));
    await Promise.all(new Set(patched).values().map((leaf) => leaf.base()));
    await Promise.all(places.flatMap((place, block) => this.#planPatch(slot, block, place) ?? []));
    throwIfAborted(this.#signal);
    await pool.run(keys, 'hash', slot, places.length);
    await this.#packs.room();
    const whole = places.flatMap((_, block) => (this.#take(slot, block) ? [] : [block]));
    if (whole.length > 0) await this.#storeWhole(slot, places, whole);
    for (const [block, { leaf, offsetBytes }] of places.entries()) {
      leaf.set(offsetBytes, slot.id(block));
    }
  }

  /**
   * Has the block sealed as a patch if it makes a good one, as far as that is known already. The
   * base of its leaf was read. Nearly always that takes no wait, and costs no promise then.
   */
  #planPatch(slot: Slot, block: number, place: BlockPlace): Promise<void> | undefined {
    const { leaf, offsetBytes, changed } = place;
    if (changed === undefined || !isPatchWorthwhile(changed)) return undefined;
    const oldId = leaf.knownOldId(offsetBytes);
    const at = oldId === undefined ? undefined : this.#source.index.find(oldId);
    if (oldId === undefined || at === undefined) return undefined;
    const plan = (base: PatchBase | undefined): void => {
      if (base !== undefined) this.#patchOnto(slot, block, base, changed);
    };
    if (at.kind === blockKinds.whole) plan({ id: oldId, mask: 0 });
    if (at.kind !== blockKinds.patch) return undefined;
    if (!this.#bases.has(at)) return this.#bases.find(at).then(plan);
    plan(this.#bases.get(at));
    return undefined;
  }

  /** `base`: a whole block, and the sectors in which the parent's may differ from it. */
  #patchOnto(slot: Slot, block: number, base: PatchBase, changed: number): void {
    const mask = changed | base.mask;
    if (!isPatchWorthwhile(mask) || !this.#isStoredWhole(base.id)) return;
    slot.baseId(block).set(base.id);
    slot.results[block] = mask;
    slot.modes[block] = blockKinds.patch;
  }

  /** Stores a patch that is sealed already. False: the block is still to be sealed and stored. */
  #take(slot: Slot, block: number): boolean {
    const id = slot.id(block);
    if (isZeroId(id)) {
      this.counts.blocksZero += 1;
      return true;
    }
    if (this.#isStored(id)) {
      this.counts.blocksShared += 1;
      return true;
    }
    if (slot.modes[block] !== blockKinds.patch) return false;
    if (this.#mustBeWhole(id) || !this.#isStoredWhole(slot.baseId(block))) return false;
    this.#add(slot, block, { id: slot.baseId(block), mask: slot.results[block] ?? 0 });
    return true;
  }

  /** Seals and stores blocks, as patches where a comparison with the parent's finds good ones. */
  async #storeWhole(
    slot: Slot,
    places: readonly BlockPlace[],
    blocks: readonly number[],
  ): Promise<void> {
    const patched = await this.#comparePatches(slot, places, blocks);
    slot.modes.fill(0);
    for (const block of blocks) {
      slot.modes[block] = patched.has(block) ? blockKinds.patch : blockKinds.whole;
    }
    await this.#source.pool.run(this.#source.keys, 'seal', slot);
    for (const block of blocks) {
      // The same content may have been sealed at the same time for another place.
      if (this.#isStored(slot.id(block))) {
        this.counts.blocksShared += 1;
        continue;
      }
      const mask = slot.results[block] ?? 0;
      this.#add(slot, block, patched.has(block) ? { id: slot.baseId(block), mask } : undefined);
    }
  }

  /** The blocks that are best stored as patches; their masks are in `slot.results`. */
  async #comparePatches(
    slot: Slot,
    places: readonly BlockPlace[],
    blocks: readonly number[],
  ): Promise<Set<number>> {
    const patched = new Set<number>();
    const olds: { block: number; id: Uint8Array }[] = [];
    for (const block of blocks) {
      const { leaf, offsetBytes, changed } = must(places[block], 'the place of a block');
      const known = changed !== undefined && !isPatchWorthwhile(changed);
      if (known || this.#mustBeWhole(slot.id(block))) continue;
      const id = await leaf.oldId(offsetBytes);
      if (id !== undefined) olds.push({ block, id });
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

  #add(slot: Slot, block: number, base: PatchBase | undefined): void {
    const kind = base === undefined ? blockKinds.whole : blockKinds.patch;
    this.#packs.add(kind, slot.id(block), slot.sealedBlock(block), base);
    this.counts.blocksNew += 1;
  }

  /** True for a block that prune is taking away: it may be the base of other patches. */
  #mustBeWhole(id: Uint8Array): boolean {
    return this.#source.index.find(id) !== undefined;
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
