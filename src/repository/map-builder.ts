/**
 * Builds the upper levels of a map from finished leaves, on top of the parent's map.
 *
 * Leaves come in order, so that one node of each level is open at a time. A node begins as a copy
 * of the parent's node in its place; what is not put into it stays shared with the parent, unread.
 */
import { assert } from '../base/assert.ts';
import { idBytes, isZeroId, nodeBytes, nodeIds, zeroId } from './block.ts';
import type { MapRoot } from './map.ts';
import { nodeIdAt } from './map-walk.ts';
import type { NodeReader } from './nodes.ts';

interface OpenNode {
  readonly index: number;
  readonly ids: Uint8Array;
}

/** Stores a node and returns its id. */
export type StoreNode = (ids: Uint8Array) => Promise<Uint8Array>;

export class MapBuilder {
  readonly #nodes: NodeReader;
  readonly #parent: MapRoot | undefined;
  readonly #depth: number;
  readonly #store: StoreNode;
  /**
   * The open node of each level; levels begin at 1 and leaves come finished, so 2 is the lowest.
   */
  readonly #open = new Map<number, OpenNode>();
  #root: Uint8Array | undefined;

  constructor(options: {
    nodes: NodeReader;
    parent: MapRoot | undefined;
    depth: number;
    store: StoreNode;
  }) {
    assert((options.parent?.depth ?? 0) <= options.depth, 'a map does not shrink');
    this.#nodes = options.nodes;
    this.#parent = options.parent;
    this.#depth = options.depth;
    this.#store = options.store;
  }

  /** The id of the root when all `leaves`, which are in order, are put in their places. */
  async build(leaves: Iterable<{ leafIndex: number; id: Uint8Array }>): Promise<Uint8Array> {
    await this.#grow();
    for (const { leafIndex, id } of leaves) await this.#put(1, leafIndex, id);
    for (let level = 2; level <= this.#depth; level += 1) await this.#close(level);
    return this.#root ?? this.#parent?.rootId ?? zeroId;
  }

  /** Puts the root of a parent with fewer levels where it belongs in this map. */
  async #grow(): Promise<void> {
    const parent = this.#parent;
    if (parent === undefined || parent.depth === this.#depth || isZeroId(parent.rootId)) return;
    const ids = new Uint8Array(nodeBytes);
    ids.set(parent.rootId);
    this.#open.set(parent.depth + 1, { index: 0, ids });
  }

  /** Says which id the node `index` of `level` has. */
  async #put(level: number, index: number, id: Uint8Array): Promise<void> {
    if (level === this.#depth) {
      assert(index === 0, 'a map has one root');
      this.#root = Uint8Array.from(id);
      return;
    }
    const above = Math.floor(index / nodeIds);
    let open = this.#open.get(level + 1);
    if (open !== undefined && open.index !== above) {
      await this.#close(level + 1);
      open = undefined;
    }
    if (open === undefined) {
      open = { index: above, ids: await this.#base(level + 1, above) };
      this.#open.set(level + 1, open);
    }
    open.ids.set(id, (index % nodeIds) * idBytes);
  }

  async #close(level: number): Promise<void> {
    const open = this.#open.get(level);
    if (open === undefined) return;
    this.#open.delete(level);
    await this.#put(level, open.index, await this.#store(open.ids));
  }

  /** A copy of the parent's node in this place. */
  async #base(level: number, index: number): Promise<Uint8Array> {
    const parent = this.#parent;
    const none = new Uint8Array(nodeBytes);
    if (parent === undefined || level > parent.depth) return none;
    const id = await nodeIdAt(this.#nodes, parent, level, index);
    const ids = await this.#nodes.read(id);
    return ids === undefined ? none : Uint8Array.from(ids);
  }
}
