import { assert, must } from '../base/assert.ts';
import type { Layer } from '../layer/layer.ts';
import type { OwnerBudget } from './owner-budget.ts';
import { OwnerMap, emptyOwners, firstSlotOwner, regionSectors, slotsMax } from './owner-map.ts';

/** Maps of frozen layers that are read at the same time while an owner map is built. */
const pagesAtOnce = 16;

/** The owner map of a region that is kept. */
class Region {
  readonly owners: OwnerMap;
  readonly drop: () => void;
  usedLately = false;

  constructor(owners: OwnerMap, drop: () => void) {
    this.owners = owners;
    this.drop = drop;
  }

  get sizeBytes(): number {
    return this.owners.sizeBytes;
  }
}

/**
 * The layers under one view of a volume, oldest first, and for each region who owns its sectors, so
 * that a look-up costs the same whatever the number of layers.
 *
 * Invariants:
 * - A layer keeps its slot. When it was merged into its child, the slot points to the child, which
 *   holds the same bytes; so owner maps stay valid across freezes and merges.
 * - An owner map that is kept is complete: whoever marks sectors of the top layer, or ends what was
 *   begun on a former one, marks them here in the same turn of the event loop.
 * - `generation` changes with the layers; who looked something up and then waited looks again.
 */
export class Chain {
  #layers: Layer[];
  #slots: Layer[];
  #slotOf: Map<Layer, number>;
  #generation = 0;
  readonly #regions = new Map<number, Region>();
  readonly #loading = new Map<number, Promise<OwnerMap>>();
  readonly #budget: OwnerBudget;

  constructor(layers: readonly Layer[], budget: OwnerBudget) {
    assert(layers.length > 0, 'a chain has a layer');
    this.#budget = budget;
    this.#layers = [...layers];
    this.#slots = [...layers];
    this.#slotOf = new Map(layers.map((layer, slot) => [layer, slot]));
  }

  get layers(): readonly Layer[] {
    return this.#layers;
  }

  /** The newest layer: the head of a volume, or the frozen layer of a snapshot. */
  get top(): Layer {
    return must(this.#layers.at(-1), 'a chain has a layer');
  }

  get generation(): number {
    return this.#generation;
  }

  /** The value that stands for a layer in an owner map. */
  ownerOf(layer: Layer): number {
    return firstSlotOwner + must(this.#slotOf.get(layer), 'a layer of the chain has a slot');
  }

  /** The layer that an owner map names, which holds the data of the sector. */
  layerOf(owner: number): Layer {
    return must(this.#slots[owner - firstSlotOwner], 'the owner is a slot of the chain');
  }

  /** The owner map of a region, if it is in memory, or no layer holds anything there. */
  owners(region: number): OwnerMap | undefined {
    const held = this.#regions.get(region);
    if (held === undefined) {
      return this.#layers.every((layer) => layer.isSilent(region)) ? emptyOwners : undefined;
    }
    held.usedLately = true;
    return held.owners;
  }

  /** The owner map of a region, built if it must. Valid as long as `generation` stays. */
  load(region: number): Promise<OwnerMap> {
    let loading = this.#loading.get(region);
    if (loading === undefined) {
      loading = this.#build(region).finally(() => this.#loading.delete(region));
      this.#loading.set(region, loading);
    }
    return loading;
  }

  /**
   * Notes that sectors, which `layer` has marked in this turn, have a new owner. Where that is not
   * the top any more, owner maps that are being built may have read its marks already.
   */
  mark(layer: Layer, firstSector: number, endSector: number, owner: number): void {
    if (layer !== this.top) this.#generation += 1;
    for (let sector = firstSector; sector < endSector;) {
      const region = Math.floor(sector / regionSectors);
      const from = sector - region * regionSectors;
      const to = Math.min(regionSectors, from + endSector - sector);
      const held = this.#regions.get(region);
      if (held !== undefined) {
        held.owners.fill(owner, from, to);
        this.#budget.admit(held);
      }
      sector += to - from;
    }
  }

  /** Puts a new, empty layer on top. */
  push(layer: Layer): void {
    if (this.#slots.length === slotsMax) this.#renumber();
    this.#generation += 1;
    this.#layers.push(layer);
    this.#slotOf.set(layer, this.#slots.length);
    this.#slots.push(layer);
  }

  /** Takes out a layer whose content its child, which is in the chain, has taken over. */
  replace(merged: Layer, child: Layer): void {
    if (!this.#slotOf.has(merged)) return;
    this.#generation += 1;
    this.#layers = this.#layers.filter((layer) => layer !== merged);
    this.#slotOf.delete(merged);
    for (const [slot, layer] of this.#slots.entries()) {
      if (layer === merged) this.#slots[slot] = child;
    }
  }

  /** The marks of a layer are not what they were; what was looked up of it is looked up again. */
  refresh(layer: Layer): void {
    if (!this.#slotOf.has(layer)) return;
    this.#generation += 1;
    this.release();
  }

  /** Gives up the memory of all owner maps; they are built again when they are needed. */
  release(): void {
    for (const region of this.#regions.values()) this.#budget.forget(region);
    this.#regions.clear();
  }

  #renumber(): void {
    this.release();
    this.#slots = [...this.#layers];
    this.#slotOf = new Map(this.#layers.map((layer, slot) => [layer, slot]));
  }

  async #build(region: number): Promise<OwnerMap> {
    for (;;) {
      const generation = this.#generation;
      try {
        const owners = await this.#overlayFrozen(region);
        const { map } = this.top;
        await map.open();
        while (map.hasPage(region) && map.cachedPage(region) === undefined) {
          await map.load(region, region);
        }
        if (generation !== this.#generation) continue;
        return this.#finish(region, owners, map.cachedPage(region));
      } catch (error) {
        // A layer that was merged away while its map was read is no error.
        if (generation === this.#generation) throw error;
      }
    }
  }

  /** Who owns the sectors among all layers but the top; undefined when none of them does. */
  async #overlayFrozen(region: number): Promise<OwnerMap | undefined> {
    let owners: OwnerMap | undefined;
    const frozen = this.#layers.slice(0, -1);
    const slots = frozen.map((layer) => must(this.#slotOf.get(layer), 'a layer has a slot'));
    for (let first = 0; first < frozen.length; first += pagesAtOnce) {
      const some = frozen.slice(first, first + pagesAtOnce);
      const pages = await Promise.all(some.map((layer) => layer.readPage(region)));
      for (const [index, page] of pages.entries()) {
        if (page === undefined) continue;
        owners ??= new OwnerMap();
        owners.overlay(page, must(slots[first + index], 'a slot for each layer'));
      }
    }
    return owners;
  }

  /** Lays the top layer over the rest and keeps the result, without a wait in between. */
  #finish(region: number, frozen: OwnerMap | undefined, page: Uint8Array | undefined): OwnerMap {
    if (frozen === undefined && page === undefined) return emptyOwners;
    const owners = frozen ?? new OwnerMap();
    if (page !== undefined) owners.overlay(page, this.ownerOf(this.top) - firstSlotOwner);
    const held = new Region(owners, () => this.#regions.delete(region));
    this.#regions.set(region, held);
    this.#budget.admit(held);
    return owners;
  }
}
