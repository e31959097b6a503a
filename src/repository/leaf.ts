import { assert } from '../base/assert.ts';
import { blockBytes, idBytes, isZeroId, leafBytes, nodeBytes, nodeIds } from './block.ts';

/** The memory of a leaf that is being written, to be used again. */
export class LeafMemory {
  readonly ids = new Uint8Array(nodeBytes);
  /** For each block 1 when its id is known. */
  readonly touched = new Uint8Array(nodeIds);
  #base: Uint8Array | undefined;

  /** For the ids of the parent. */
  get base(): Uint8Array {
    return (this.#base ??= new Uint8Array(nodeBytes));
  }

  clear(): this {
    this.ids.fill(0);
    this.touched.fill(0);
    return this;
  }
}

/** A leaf that is being written: new ids on top of the parent's. */
export class OpenLeaf {
  readonly leafIndex: number;
  /** Chunks of this leaf whose ids are not known yet. */
  pending = 0;
  readonly memory: LeafMemory;
  readonly #loadBase: () => Promise<Uint8Array | undefined>;
  #base: Promise<Uint8Array | undefined> | undefined;
  #known: Uint8Array | undefined;

  /** `memory`: clear, and this leaf's until its ids were stored. */
  constructor(
    leafIndex: number,
    memory: LeafMemory,
    loadBase: () => Promise<Uint8Array | undefined>,
  ) {
    this.leafIndex = leafIndex;
    this.memory = memory;
    this.#loadBase = loadBase;
  }

  get endBytes(): number {
    return (this.leafIndex + 1) * leafBytes;
  }

  /** The parent's ids in this place; undefined when they are all zero. Read once, when needed. */
  base(): Promise<Uint8Array | undefined> {
    return (this.#base ??= this.#loadBase().then((ids) => (this.#known = ids)));
  }

  set(offsetBytes: number, id: Uint8Array): void {
    const at = this.#slot(offsetBytes);
    this.memory.ids.set(id, at * idBytes);
    this.memory.touched[at] = 1;
  }

  zero(offsetBytes: number, blocks: number): void {
    const at = this.#slot(offsetBytes);
    assert(at + blocks <= nodeIds, 'the run ends within the leaf');
    this.memory.ids.fill(0, at * idBytes, (at + blocks) * idBytes);
    this.memory.touched.fill(1, at, at + blocks);
  }

  /** The id that the parent has for a block, or undefined when it is zero there. */
  async oldId(offsetBytes: number): Promise<Uint8Array | undefined> {
    await this.base();
    return this.knownOldId(offsetBytes);
  }

  /** The same once `base` has resolved. */
  knownOldId(offsetBytes: number): Uint8Array | undefined {
    const base = this.#known;
    const at = this.#slot(offsetBytes) * idBytes;
    if (base === undefined || isZeroId(base, at)) return undefined;
    return base.subarray(at, at + idBytes);
  }

  /** The ids of the finished leaf. */
  async finish(): Promise<Uint8Array> {
    assert(this.pending === 0, 'every chunk of the leaf is known');
    if (this.memory.touched.every((touched) => touched === 1)) return this.memory.ids;
    const base = await this.base();
    if (base === undefined) return this.memory.ids;
    for (let at = 0; at < nodeIds; at += 1) {
      if (this.memory.touched[at] === 1) continue;
      this.memory.ids.set(base.subarray(at * idBytes, (at + 1) * idBytes), at * idBytes);
    }
    return this.memory.ids;
  }

  #slot(offsetBytes: number): number {
    const at = (offsetBytes - this.leafIndex * leafBytes) / blockBytes;
    assert(Number.isInteger(at) && at >= 0 && at < nodeIds, 'the block is one of the leaf');
    return at;
  }
}
