import type { GetOptions, PutOptions, Store, StoredObject, StoreOptions } from './store.ts';

export interface PaceOptions {
  readonly bytesPerSecond: number;
  /** Milliseconds that never run backwards. */
  readonly now: () => number;
  /** Waits; rejects when the signal fires. */
  readonly sleep: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
}

/**
 * A rate that everybody who takes from it keeps together. Whoever takes bytes waits until those
 * that were taken before have had their time, so that the mean holds at any size of what is taken.
 */
export class Pace {
  readonly #options: PaceOptions;
  #freeAtMs = 0;

  constructor(options: PaceOptions) {
    this.#options = options;
  }

  async take(bytes: number, signal?: AbortSignal): Promise<void> {
    const { now, sleep } = this.#options;
    const waitMs = Math.max(0, this.#freeAtMs - now());
    this.charge(bytes);
    if (waitMs > 0) await sleep(waitMs, signal);
  }

  /** Counts bytes that went already: whoever takes next waits for them. */
  charge(bytes: number): void {
    const { bytesPerSecond, now } = this.#options;
    this.#freeAtMs = Math.max(this.#freeAtMs, now()) + (bytes / bytesPerSecond) * 1000;
  }
}

export interface Limits {
  /** What puts keep to; undefined: no limit. */
  readonly upload: Pace | undefined;
  /** What gets keep to. */
  readonly download: Pace | undefined;
}

/** A store whose puts and gets keep to a rate, which other stores may share. */
export class LimitedStore implements Store {
  readonly url: string;
  readonly listingLagMs: number | undefined;
  /** What is written ahead keeps to no rate. */
  readonly begin: Store['begin'];
  readonly #inner: Store;
  readonly #limits: Limits;

  constructor(inner: Store, limits: Limits) {
    this.url = inner.url;
    this.listingLagMs = inner.listingLagMs;
    this.#inner = inner;
    this.#limits = limits;
    const begin = limits.upload === undefined ? inner.begin?.bind(inner) : undefined;
    this.begin = begin;
  }

  async put(name: string, chunks: readonly Uint8Array[], options?: PutOptions): Promise<void> {
    const sizeBytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    await this.#limits.upload?.take(sizeBytes, options?.signal);
    await this.#inner.put(name, chunks, options);
  }

  async get(name: string, options?: GetOptions): Promise<Uint8Array> {
    const { download } = this.#limits;
    await download?.take(options?.range?.lengthBytes ?? 0, options?.signal);
    const bytes = await this.#inner.get(name, options);
    if (options?.range === undefined) download?.charge(bytes.length);
    return bytes;
  }

  async sizeOf(name: string, options?: StoreOptions): Promise<number | undefined> {
    return this.#inner.sizeOf(name, options);
  }

  list(prefix: string, options?: StoreOptions): AsyncIterable<StoredObject> {
    return this.#inner.list(prefix, options);
  }

  async remove(name: string, options?: StoreOptions): Promise<void> {
    await this.#inner.remove(name, options);
  }

  async close(): Promise<void> {
    await this.#inner.close();
  }
}
