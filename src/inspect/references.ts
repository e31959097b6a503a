import type { LayerRecord } from '../layer/layer-record.ts';
import type { Inventory } from './inventory.ts';
import { recordOf } from './inventory.ts';

/** A volume's head, or one of its snapshots, as the name of a layer. */
export interface LayerName {
  readonly volumeId: string;
  /** Null for the head. */
  readonly snapshotId: string | null;
  readonly layerId: string;
  readonly lengthBytes: number;
}

/** Why a chain ends before its oldest layer. */
export interface ChainBreak {
  readonly why: 'missing' | 'damaged' | 'cycle';
  /** The layer that is missing, has no readable record, or comes a second time. */
  readonly layerId: string;
}

export interface ChainFacts {
  /** From the top down, as far as the records lead. */
  readonly layers: readonly LayerRecord[];
  readonly end: ChainBreak | undefined;
}

/** Who refers to whom in a folder, from its readable records. */
export class References {
  readonly names: readonly LayerName[];
  readonly #inventory: Inventory;
  readonly #namesOf = new Map<string, LayerName[]>();
  readonly #children = new Map<string, string[]>();
  readonly #led = new Set<string>();
  readonly #cyclic: Set<string>;

  constructor(inventory: Inventory) {
    this.#inventory = inventory;
    this.names = [...inventory.volumes.values()].flatMap((volume) => {
      const record = recordOf(volume);
      if (record === undefined) return [];
      const { id: volumeId, lengthBytes } = record;
      return [
        { volumeId, snapshotId: null, layerId: record.head, lengthBytes },
        ...record.snapshots.map((snapshot) => ({
          volumeId,
          snapshotId: snapshot.id,
          layerId: snapshot.layer,
          lengthBytes: snapshot.lengthBytes,
        })),
      ];
    });
    for (const name of this.names) append(this.#namesOf, name.layerId, name);
    for (const layer of inventory.layers.values()) {
      const parent = recordOf(layer)?.parent;
      if (parent !== undefined && parent !== null) append(this.#children, parent, layer.id);
    }
    for (const name of this.names) this.#lead(name.layerId);
    this.#cyclic = this.#findCycles();
  }

  namesOf(layerId: string): readonly LayerName[] {
    return this.#namesOf.get(layerId) ?? [];
  }

  childrenOf(layerId: string): readonly string[] {
    return this.#children.get(layerId) ?? [];
  }

  /** True when a head or a snapshot leads down to the layer. */
  isLed(layerId: string): boolean {
    return this.#led.has(layerId);
  }

  chain(layerId: string): ChainFacts {
    const layers = new Map<string, LayerRecord>();
    for (let next: string | null = layerId; next !== null;) {
      if (layers.has(next)) return facts(layers, { why: 'cycle', layerId: next });
      const entry = this.#inventory.layers.get(next);
      if (entry === undefined) return facts(layers, { why: 'missing', layerId: next });
      const record = recordOf(entry);
      if (record === undefined) return facts(layers, { why: 'damaged', layerId: next });
      layers.set(next, record);
      next = record.parent;
    }
    return facts(layers, undefined);
  }

  /** True when the layer is one of those that lie on themselves. */
  isCyclic(layerId: string): boolean {
    return this.#cyclic.has(layerId);
  }

  /** The layer and all above it, each once, children after their parents. */
  *descendants(layerId: string): Generator<string> {
    const seen = new Set([layerId]);
    for (const id of seen) {
      yield id;
      for (const child of this.childrenOf(id)) seen.add(child);
    }
  }

  /** Every name whose chain the layer is in. */
  readersOf(layerId: string): LayerName[] {
    return [...this.descendants(layerId)].flatMap((id) => [...this.namesOf(id)]);
  }

  /** Follows the parents of each layer once: who comes by again on the same way is on a cycle. */
  #findCycles(): Set<string> {
    const cyclic = new Set<string>();
    const wayOf = new Map<string, string>();
    for (const start of this.#inventory.layers.keys()) {
      let next: string | null | undefined = start;
      while (next && !wayOf.has(next)) {
        wayOf.set(next, start);
        next = recordOf(this.#inventory.layers.get(next))?.parent;
      }
      if (!next || wayOf.get(next) !== start) continue;
      for (let id: string | null | undefined = next; id && !cyclic.has(id);) {
        cyclic.add(id);
        id = recordOf(this.#inventory.layers.get(id))?.parent;
      }
    }
    return cyclic;
  }

  #lead(layerId: string): void {
    for (let next: string | null | undefined = layerId; next && !this.#led.has(next);) {
      this.#led.add(next);
      next = recordOf(this.#inventory.layers.get(next))?.parent;
    }
  }
}

function facts(layers: Map<string, LayerRecord>, end: ChainBreak | undefined): ChainFacts {
  return { layers: [...layers.values()], end };
}

function append<T>(lists: Map<string, T[]>, key: string, value: T): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}
