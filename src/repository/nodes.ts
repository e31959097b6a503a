import { must } from '../base/assert.ts';
import { isOperatingError, OperatingError } from '../base/errors.ts';
import type { Store } from '../store/store.ts';
import { fromAnyCopy } from './any-copy.ts';
import { blockKinds, hexOf, isZeroId, nodeBytes } from './block.ts';
import type { BlockSource } from './fetch.ts';
import { packName } from './pack-format.ts';
import { blockLabel, unsealInto } from './seal.ts';

/** Nodes that are kept: 2 MiB of them. */
const cachedMax = 64;

/** Reads the nodes of maps, each checked against its id. */
export class NodeReader {
  readonly #source: BlockSource;
  readonly #cache = new Map<string, Uint8Array>();

  constructor(source: BlockSource) {
    this.#source = source;
  }

  /**
   * The 1,024 ids of a node; undefined for the zero id. Not to be changed. Rejects with `corrupt`
   * when the node is lost or damaged.
   */
  read(id: Uint8Array, signal?: AbortSignal): Promise<Uint8Array | undefined> {
    return this.#read(id, undefined, signal);
  }

  /**
   * As `read`, for who reads many nodes once: one that finds no room among those that are kept is
   * put into `room`, of `nodeBytes`, and leaves nothing behind.
   */
  readInto(
    room: Uint8Array,
    id: Uint8Array,
    signal?: AbortSignal,
  ): Promise<Uint8Array | undefined> {
    return this.#read(id, room, signal);
  }

  async #read(
    id: Uint8Array,
    room: Uint8Array | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array | undefined> {
    if (isZeroId(id)) return undefined;
    const key = hexOf(id);
    const cached = this.#cache.get(key);
    if (cached !== undefined) {
      this.#cache.delete(key);
      this.#cache.set(key, cached);
      return cached;
    }
    const isLent = room !== undefined && this.#cache.size >= cachedMax;
    const plain = isLent ? room : new Uint8Array(nodeBytes);
    await fromAnyCopy(this.#source.store, (store) => this.#load(store, id, plain, signal));
    if (isLent) return plain;
    this.#cache.set(key, plain);
    if (this.#cache.size > cachedMax) {
      this.#cache.delete(must(this.#cache.keys().next().value, 'the oldest node'));
    }
    return plain;
  }

  /** Fills `plain`, of `nodeBytes`. */
  async #load(
    store: Store,
    id: Uint8Array,
    plain: Uint8Array,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { keys, index, refresh } = this.#source;
    const name = `the map node ${hexOf(id).slice(0, 16)}…`;
    for (let attempt = 1; ; attempt += 1) {
      const at = index.find(id);
      if (at === undefined || at.kind !== blockKinds.node) {
        // Another process may have stored it.
        if (attempt === 1 && at === undefined && (await refresh())) continue;
        throw new OperatingError('corrupt', `${name} is in no pack: a pack is missing or damaged`);
      }
      const object = packName(index.pack(at.pack).packId);
      const range = { offsetBytes: at.offsetBytes, lengthBytes: at.lengthBytes };
      let sealed: Uint8Array;
      try {
        sealed = await store.get(object, signal === undefined ? { range } : { range, signal });
      } catch (error) {
        const moved = isOperatingError(error, 'not_found') || isOperatingError(error, 'corrupt');
        // Prune, here or elsewhere, may have moved it; the second look-up knows where.
        if (!moved) throw error;
        if (attempt === 1) {
          await refresh();
          continue;
        }
        const because = { cause: error };
        throw new OperatingError('corrupt', `${name} is lost with ${object}`, because);
      }
      const subject = `${name} in ${object}`;
      const label = blockLabel(blockKinds.node, id);
      const key = keys.blockKey(id[0] ?? 0);
      const length = unsealInto(plain, key, label, sealed, { subject });
      if (length === nodeBytes && keys.idOf(plain).equals(id)) return;
      throw new OperatingError('corrupt', `${subject} is damaged`);
    }
  }
}
