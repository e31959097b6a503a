/** Keeps an index true to a store that other processes write to and prune as well. */
import { monotonicMs } from '../base/clock.ts';
import type { Store } from '../store/store.ts';
import { BlockIndex } from './block-index.ts';
import { catchUp } from './catch-up.ts';
import type { RepositoryKeys } from './keys.ts';
import { PruneLists } from './prune-lists.ts';

/** After a look in vain nobody looks again for so long: what is missing is damaged. */
const vainPauseMs = 5000;

export class IndexKeeper {
  readonly index = new BlockIndex();
  readonly lists: PruneLists;
  readonly #store: Store;
  readonly #keys: RepositoryKeys;
  #last: Promise<unknown> = Promise.resolve();
  #vainUntilMs = -Infinity;

  constructor(store: Store, keys: RepositoryKeys) {
    this.#store = store;
    this.#keys = keys;
    this.lists = new PruneLists(store, keys, this.index);
  }

  /**
   * Looks whether another process has condemned packs; only then at all else. From here on no
   * writer of this process relies on any of them. True when there was something new.
   */
  noticePrunes(signal?: AbortSignal): Promise<boolean> {
    return this.#inTurn(async () => {
      if (!(await this.lists.notice())) return false;
      await this.#catchUp(true, signal);
      return true;
    });
  }

  /** Looks at the whole store. True when anything was new. */
  refresh(signal?: AbortSignal): Promise<boolean> {
    return this.#inTurn(async () => this.#catchUp(await this.lists.notice(), signal));
  }

  /** After something was not where the index says; true when it is worth looking there again. */
  async refreshAfterMiss(): Promise<boolean> {
    if (monotonicMs() < this.#vainUntilMs) return false;
    const isChanged = await this.refresh();
    if (!isChanged) this.#vainUntilMs = monotonicMs() + vainPauseMs;
    return isChanged;
  }

  async #catchUp(pruned: boolean, signal?: AbortSignal): Promise<boolean> {
    // What is known of the lists holds before anything else is found, and for what is found.
    this.lists.condemn();
    if (pruned) this.index.liveMarksOf = undefined;
    const parts = { index: this.index, store: this.#store, keys: this.#keys };
    const isChanged = await catchUp(parts, { pruned }, signal);
    this.lists.condemn();
    return isChanged;
  }

  /** Each looks when the one before has ended: what it must see may have come since that began. */
  async #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const work = this.#last.then(act, act);
    this.#last = work;
    return work;
  }
}
