/**
 * What was condemned: every prune says which packs it is about to take away before it takes one.
 *
 *     prunes/<id>    32 hexadecimal digits at random; plaintext = pack id (16) …, sealed
 *
 * Condemnation is final: a writer that begins later relies on none of these packs, and whoever
 * prunes next goes on with the list, also when the process that wrote it is gone, or only sleeps
 * and wakes up. When its packs are gone, an empty list takes its place: a process that finds one
 * that it does not know looks at the whole store anew.
 */
import { assert } from '../base/assert.ts';
import { isOperatingError, OperatingError } from '../base/errors.ts';
import { newHexId } from '../base/ids.ts';
import type { Store } from '../store/store.ts';
import type { BlockIndex, Pack } from './block-index.ts';
import { getBounded } from './bounded-get.ts';
import type { RepositoryKeys } from './keys.ts';
import { objectLabel, seal, sealBytes, unseal } from './seal.ts';

const packIdBytes = 16;
/** Packs that one list names at most; what is more is for the next prune. */
export const listedPacksMax = 65_536;

export interface OpenList {
  readonly packIds: ReadonlySet<string>;
  /** Writers of other processes that began before they could know the list; unknown at first. */
  waitsFor: Set<string> | undefined;
}

export class PruneLists {
  /** The lists that are not known to be done, by their ids. */
  readonly open = new Map<string, OpenList>();
  readonly #store: Store;
  readonly #keys: RepositoryKeys;
  readonly #index: BlockIndex;
  /** Every list that is there, as far as this process knows. */
  readonly #there = new Set<string>();

  constructor(store: Store, keys: RepositoryKeys, index: BlockIndex) {
    this.#store = store;
    this.#keys = keys;
    this.#index = index;
    index.isCondemned = (packId) => this.#condemns(packId);
  }

  /** Reads the lists that are new; true when there are any. `condemn` is to follow. */
  async notice(): Promise<boolean> {
    const listed = new Set<string>();
    for await (const { name } of this.#store.list('prunes/', { isSizeNeeded: () => false })) {
      const pruneId = /^prunes\/([0-9a-f]{32})$/.exec(name)?.[1];
      if (pruneId !== undefined) listed.add(pruneId);
    }
    for (const pruneId of this.#there) {
      if (listed.has(pruneId)) continue;
      // A listing may lag behind.
      const isOpen = this.open.has(pruneId);
      if (isOpen && (await this.#store.sizeOf(nameOf(pruneId))) !== undefined) continue;
      this.#there.delete(pruneId);
      this.open.delete(pruneId);
    }
    let found = false;
    for (const pruneId of listed) {
      if (this.#there.has(pruneId)) continue;
      found = true;
      await this.#read(pruneId);
      this.#there.add(pruneId);
    }
    return found;
  }

  /** Takes the packs of every list from the writers of this process. */
  condemn(): void {
    for (const { packIds } of this.open.values()) {
      for (const packId of packIds) {
        const pack = this.#index.findPack(packId);
        if (pack !== undefined) pack.condemned = true;
      }
    }
  }

  #condemns(packId: string): boolean {
    return this.open.values().some(({ packIds }) => packIds.has(packId));
  }

  /** Publishes a list of packs that no writer of this process relies on; returns its id. */
  async publish(packs: readonly Pack[]): Promise<string> {
    assert(packs.length <= listedPacksMax, 'a list has a limit');
    const packIds = packs.map(({ packId }) => packId);
    const pruneId = await this.#put(packIds);
    this.open.set(pruneId, { packIds: new Set(packIds), waitsFor: undefined });
    return pruneId;
  }

  async #put(packIds: readonly string[]): Promise<string> {
    const pruneId = newHexId();
    const plain = Buffer.from(packIds.join(''), 'hex');
    const label = objectLabel('prune', pruneId);
    await this.#store.put(nameOf(pruneId), [seal(this.#keys.objectKey('prune'), label, plain)]);
    this.#there.add(pruneId);
    return pruneId;
  }

  /**
   * Tells which writers of other processes are at work. What a list waits for is settled when this
   * is first called after it was published.
   */
  noteWriters(leaseIds: ReadonlySet<string>): void {
    for (const list of this.open.values()) {
      list.waitsFor = new Set(
        [...(list.waitsFor ?? leaseIds)].filter((leaseId) => leaseIds.has(leaseId)),
      );
    }
  }

  /** Says, here and to others, that all packs of these lists are gone. */
  async finish(pruneIds: readonly string[]): Promise<void> {
    if (pruneIds.length === 0) return;
    const last = await this.#put([]);
    for (const pruneId of pruneIds) this.open.delete(pruneId);
    for (const pruneId of this.#there) {
      if (pruneId === last || this.open.has(pruneId)) continue;
      await this.#store.remove(nameOf(pruneId));
      this.#there.delete(pruneId);
    }
  }

  async #read(pruneId: string): Promise<void> {
    const subject = nameOf(pruneId);
    const plainBytesMax = listedPacksMax * packIdBytes;
    try {
      const sealed = await getBounded(this.#store, subject, plainBytesMax + sealBytes);
      const label = objectLabel('prune', pruneId);
      const key = this.#keys.objectKey('prune');
      const plain = unseal(key, label, sealed, { subject, plainBytesMax });
      if (plain.length % packIdBytes !== 0) {
        throw new OperatingError('corrupt', `${subject} is damaged`);
      }
      const hex = plain.toString('hex');
      const packIds = Array.from({ length: plain.length / packIdBytes }, (_, n) =>
        hex.slice(n * packIdBytes * 2, (n + 1) * packIdBytes * 2),
      );
      if (packIds.length === 0) return;
      this.open.set(pruneId, { packIds: new Set(packIds), waitsFor: undefined });
    } catch (error) {
      if (isOperatingError(error, 'not_found')) return;
      this.#index.noteDamage(subject, error);
    }
  }
}

/** The packs of a list that are still there. */
export function packsOf(index: BlockIndex, list: OpenList): Pack[] {
  return [...list.packIds].flatMap((packId) => index.findPack(packId) ?? []);
}

function nameOf(pruneId: string): string {
  return `prunes/${pruneId}`;
}
