/**
 * A store and a copy of it in another place. Puts go to the first store, and reach the copy in the
 * background (`copy-queue.ts`); what the first store has lost, or cannot tell just now, is read
 * from the copy, and put back in the background.
 */
import { join } from 'node:path';
import { type ErrorCode, isOperatingError } from '../base/errors.ts';
import { CopyQueue, type CopyQueueOptions, type CopyState } from './copy-queue.ts';
import { LateStore } from './late-store.ts';
import { Removals } from './removals.ts';
import type {
  GetOptions,
  PutOptions,
  Store,
  StoredObject,
  StoreOptions,
  StoreRoot,
} from './store.ts';

export interface ReplicationOptions extends Pick<
  CopyQueueOptions,
  'isRoot' | 'isPassing' | 'sleep' | 'onProblem'
> {
  readonly first: StoreRoot;
  readonly copy: StoreRoot;
  /** A folder on this machine, for the names that are to be removed from the copy. */
  readonly folder: string;
}

type Opening = () => Promise<Store>;

interface Started {
  readonly queue: CopyQueue;
  readonly removals: Removals;
}

export class ReplicatedRoot implements StoreRoot {
  readonly url: string;
  readonly listingLagMs: number | undefined;
  /** The second store, for people. */
  readonly copyUrl: string;
  readonly #options: ReplicationOptions;
  readonly #starting = new Map<string, Promise<Started>>();
  readonly #queues = new Map<string, CopyQueue>();

  constructor(options: ReplicationOptions) {
    this.url = options.first.url;
    this.listingLagMs = options.first.listingLagMs;
    this.copyUrl = options.copy.url;
    this.#options = options;
  }

  async open(container: string, { create }: { create: boolean }): Promise<Store> {
    const { first, copy } = this.#options;
    const isInCopy = await this.#demand(container, create);
    // One that the copy has is made anew in the first store where that has lost it.
    const openFirst = once(() => first.open(container, { create: create || isInCopy }));
    const openCopy = once(() => copy.open(container, { create: true }));
    if (!isInCopy) await openFirst();
    const starting = this.#starting.get(container) ?? this.#start(container, openFirst, openCopy);
    this.#starting.set(container, starting);
    const { isPassing } = this.#options;
    const parts = { openFirst, openCopy, isPassing, ...(await starting) };
    return new ReplicatedStore(first, copy.url, parts);
  }

  async containers(): Promise<string[]> {
    try {
      return await this.#options.first.containers();
    } catch (error) {
      try {
        return await this.#options.copy.containers();
      } catch {
        throw error;
      }
    }
  }

  checkContainer(container: string): void {
    this.#options.first.checkContainer(container);
    this.#options.copy.checkContainer(container);
  }

  async close(): Promise<void> {
    for (const queue of this.#queues.values()) await queue.close();
    await this.#options.first.close();
    await this.#options.copy.close();
  }

  /** How far the copy of a container is; undefined when the container was not opened yet. */
  copyState(container: string): CopyState | undefined {
    return this.#queues.get(container)?.state();
  }

  /** Whether the copy holds an object; undefined: not known (yet). */
  isCopied(container: string, name: string): boolean | undefined {
    return this.#queues.get(container)?.isCopied(name);
  }

  /**
   * Goes on with the containers that hold an object called `mark` in either store, without waiting
   * for a use. Rejects with what kept it from looking.
   */
  async resume(mark: string): Promise<void> {
    const { first, copy } = this.#options;
    const failures: unknown[] = [];
    for (const place of [first, copy]) {
      try {
        for (const container of await place.containers()) {
          if (this.#starting.has(container)) continue;
          const store = await place.open(container, { create: false });
          const isMarked = (await store.sizeOf(mark)) !== undefined;
          await store.close();
          if (isMarked) await this.open(container, { create: false });
        }
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  async #start(container: string, openFirst: Opening, openCopy: Opening): Promise<Started> {
    const { folder, ...options } = this.#options;
    const removals = await Removals.open(join(folder, `removals-${container}`));
    const queue = new CopyQueue({ ...options, first: openFirst, copy: openCopy, removals });
    this.#queues.set(container, queue);
    return { queue, removals };
  }

  /**
   * Rejects unless one of the stores has the container, or neither does and it may be made. True
   * when only the copy has it.
   */
  async #demand(container: string, create: boolean): Promise<boolean> {
    const { first, copy, onProblem } = this.#options;
    let reason: unknown;
    try {
      await (await first.open(container, { create: false })).close();
      return false;
    } catch (error) {
      reason = error;
    }
    try {
      await (await copy.open(container, { create: false })).close();
    } catch (error) {
      if (!isOperatingError(reason, 'not_found')) throw reason;
      // One that is missing may have been lost: nothing is made anew before the copy says so too.
      if (!create || !isOperatingError(error, 'not_found')) throw error;
      return false;
    }
    onProblem(reason);
    return true;
  }
}

/** Opens at the first use that succeeds. */
function once(open: Opening): Opening {
  let opening: Promise<Store> | undefined;
  return async () => {
    opening ??= open();
    try {
      return await opening;
    } catch (error) {
      opening = undefined;
      throw error;
    }
  };
}

/** After these the copy is asked; anything else would be the same there. */
const fallsBack = new Set<ErrorCode>(['not_found', 'corrupt', 'unavailable', 'io', 'denied']);

interface Parts {
  readonly openFirst: Opening;
  readonly openCopy: Opening;
  readonly isPassing: (name: string) => boolean;
  readonly queue: CopyQueue;
  readonly removals: Removals;
}

class ReplicatedStore implements Store {
  readonly url: string;
  readonly listingLagMs: number | undefined;
  readonly copies: readonly Store[];
  readonly #parts: Parts;

  constructor({ url, listingLagMs }: StoreRoot, copyUrl: string, parts: Parts) {
    this.url = url;
    this.listingLagMs = listingLagMs;
    this.copies = [new LateStore(url, parts.openFirst), new LateStore(copyUrl, parts.openCopy)];
    this.#parts = parts;
  }

  async put(name: string, chunks: readonly Uint8Array[], options?: PutOptions): Promise<void> {
    const { openFirst, queue, removals } = this.#parts;
    const first = await openFirst();
    await first.put(name, chunks, options);
    if (this.#parts.isPassing(name)) return;
    if (removals.has(name)) await removals.done([name]);
    queue.added(name);
  }

  async get(name: string, options?: GetOptions): Promise<Uint8Array> {
    return this.#orCopy(name, (store) => store.get(name, options));
  }

  async sizeOf(name: string, options?: StoreOptions): Promise<number | undefined> {
    const { openCopy, removals } = this.#parts;
    const found = await this.#orCopy(name, (store) => store.sizeOf(name, options));
    if (found !== undefined || removals.has(name) || this.#parts.isPassing(name)) return found;
    try {
      return await (await openCopy()).sizeOf(name, options);
    } catch (error) {
      // The first store does not have it: that stands, and work goes on without the copy.
      if (!isOperatingError(error) || error.code === 'aborted') throw error;
      return undefined;
    }
  }

  /**
   * What the first store lists, and what of the rest the copy has: the first store may have lost
   * it. Rejects when the first store does and the copy cannot stand in for it; a copy that is away
   * keeps nobody from work with the first store.
   */
  async *list(prefix: string, options?: StoreOptions): AsyncIterable<StoredObject> {
    const { openFirst, openCopy, removals, queue, isPassing } = this.#parts;
    const yielded = new Set<string>();
    let broken: unknown;
    try {
      for await (const object of (await openFirst()).list(prefix, options)) {
        yielded.add(object.name);
        yield object;
      }
    } catch (error) {
      if (!isOperatingError(error) || !fallsBack.has(error.code)) throw error;
      broken = error;
    }
    // Whoever waits for a copy that is known to be away waits for nothing.
    if (broken === undefined && queue.state().problem !== null) return;
    try {
      for await (const object of (await openCopy()).list(prefix, options)) {
        const { name } = object;
        if (!yielded.has(name) && !removals.has(name) && !isPassing(name)) yield object;
      }
    } catch (error) {
      if (broken !== undefined) throw broken;
      if (!isOperatingError(error) || !fallsBack.has(error.code)) throw error;
    }
  }

  async remove(name: string, options?: StoreOptions): Promise<void> {
    const { openFirst, queue, removals, isPassing } = this.#parts;
    const first = await openFirst();
    if (!isPassing(name)) await removals.add(name);
    await first.remove(name, options);
    if (!isPassing(name)) queue.removed(name);
  }

  /** The queue goes on, and is the root's to close. */
  async close(): Promise<void> {}

  async #orCopy<T>(name: string, act: (store: Store) => Promise<T>): Promise<T> {
    const { openFirst, openCopy, removals } = this.#parts;
    try {
      return await act(await openFirst());
    } catch (error) {
      if (!isOperatingError(error) || !fallsBack.has(error.code)) throw error;
      if (removals.has(name) || this.#parts.isPassing(name)) throw error;
      try {
        return await act(await openCopy());
      } catch (second) {
        // What the first store said is what somebody has to look at.
        if (isOperatingError(second)) throw error;
        throw second;
      }
    }
  }
}
