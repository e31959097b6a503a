/**
 * A store and its copy, for whoever works without the service that keeps the two equal in the
 * background (`replicate.ts`): all is read from the first, and from the copy what the first has
 * lost or cannot tell; all that is put or removed is put into and removed from both.
 */
import { must } from '../base/assert.ts';
import { type ErrorCode, isOperatingError } from '../base/errors.ts';
import { LateStore } from './late-store.ts';
import type {
  GetOptions,
  ListOptions,
  PutOptions,
  Store,
  StoredObject,
  StoreOptions,
  StoreRoot,
} from './store.ts';

export interface PairedOptions {
  readonly first: StoreRoot;
  readonly copy: StoreRoot;
  /** Told of a store that is away; work goes on with the other one. */
  readonly onProblem: (error: unknown) => void;
}

export function openPairedRoot({ first, copy, onProblem }: PairedOptions): StoreRoot {
  const roots = [first, copy] as const;
  /** What the two stores answer; rejects with what the first said when neither does. */
  const both = async <T>(ask: (root: StoreRoot) => Promise<T>): Promise<(T | undefined)[]> => {
    const answers = await Promise.allSettled(roots.map(ask));
    const failures = answers.flatMap((it) => (it.status === 'rejected' ? [it.reason] : []));
    if (failures.length === roots.length) throw failures[0];
    for (const failure of failures) onProblem(failure);
    return answers.map((it) => (it.status === 'fulfilled' ? it.value : undefined));
  };
  return {
    url: first.url,
    listingLagMs: first.listingLagMs,
    async open(container, options) {
      const opened = await both((root) => root.open(container, options));
      const [one, other] = roots.map(
        // One that is away now is tried again when it is needed.
        (root, at) => opened[at] ?? new LateStore(root.url, () => root.open(container, options)),
      );
      return new PairedStore(must(one, 'a store'), must(other, 'its copy'), onProblem);
    },
    async containers() {
      const names = await both((root) => root.containers());
      return [...new Set(names.flatMap((each) => each ?? []))];
    },
    checkContainer: (container) => first.checkContainer(container),
    async close() {
      await first.close();
      await copy.close();
    },
  };
}

/** After these the copy is asked; anything else would be the same there. */
const fallsBack = new Set<ErrorCode>(['not_found', 'corrupt', 'unavailable', 'io', 'denied']);

class PairedStore implements Store {
  readonly url: string;
  readonly listingLagMs: number | undefined;
  readonly copies: readonly Store[];
  readonly #first: Store;
  readonly #copy: Store;
  readonly #onProblem: (error: unknown) => void;

  constructor(first: Store, copy: Store, onProblem: (error: unknown) => void) {
    this.url = first.url;
    this.listingLagMs = first.listingLagMs;
    this.copies = [first, copy];
    this.#first = first;
    this.#copy = copy;
    this.#onProblem = onProblem;
  }

  /** What does not reach the copy now is copied by the next service that has both. */
  async put(name: string, chunks: readonly Uint8Array[], options?: PutOptions): Promise<void> {
    await this.#first.put(name, chunks, options);
    try {
      await this.#copy.put(name, chunks, options);
    } catch (error) {
      if (!isOperatingError(error) || error.code === 'aborted') throw error;
      if (error.code !== 'exists') this.#onProblem(error);
    }
  }

  get(name: string, options?: GetOptions): Promise<Uint8Array> {
    return this.#orCopy((store) => store.get(name, options));
  }

  async sizeOf(name: string, options?: StoreOptions): Promise<number | undefined> {
    const size = await this.#orCopy((store) => store.sizeOf(name, options));
    if (size !== undefined) return size;
    try {
      return await this.#copy.sizeOf(name, options);
    } catch (error) {
      // The first does not have it: that stands where the copy is away.
      if (!isOperatingError(error) || error.code === 'aborted') throw error;
      return undefined;
    }
  }

  async *list(prefix: string, options?: ListOptions): AsyncIterable<StoredObject> {
    const seen = new Set<string>();
    let broken: unknown;
    for (const store of this.copies) {
      try {
        for await (const object of store.list(prefix, options)) {
          if (!seen.has(object.name)) yield object;
          seen.add(object.name);
        }
      } catch (error) {
        if (!isOperatingError(error) || !fallsBack.has(error.code)) throw error;
        if (broken !== undefined) throw broken;
        broken = error;
      }
    }
  }

  /**
   * From the copy first: what the copy alone has would be taken for lost, and be put back. Rejects
   * when it cannot be removed there, and is then in the first store as well.
   */
  async remove(name: string, options?: StoreOptions): Promise<void> {
    await this.#copy.remove(name, options);
    await this.#first.remove(name, options);
  }

  async close(): Promise<void> {
    await this.#first.close();
    await this.#copy.close();
  }

  async #orCopy<T>(act: (store: Store) => Promise<T>): Promise<T> {
    try {
      return await act(this.#first);
    } catch (error) {
      if (!isOperatingError(error) || !fallsBack.has(error.code)) throw error;
      try {
        return await act(this.#copy);
      } catch (second) {
        // What the first store said is what somebody has to look at.
        if (isOperatingError(second) && second.code !== 'aborted') throw error;
        throw second;
      }
    }
  }
}
