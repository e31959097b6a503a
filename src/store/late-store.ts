import type { GetOptions, PutOptions, Store, StoredObject, StoreOptions } from './store.ts';

/** A store that is opened when it is first used; closing it is up to whoever opens it. */
export class LateStore implements Store {
  readonly url: string;
  readonly #open: () => Promise<Store>;

  constructor(url: string, open: () => Promise<Store>) {
    this.url = url;
    this.#open = open;
  }

  async put(name: string, chunks: readonly Uint8Array[], options?: PutOptions): Promise<void> {
    await (await this.#open()).put(name, chunks, options);
  }

  async get(name: string, options?: GetOptions): Promise<Uint8Array> {
    return (await this.#open()).get(name, options);
  }

  async sizeOf(name: string, options?: StoreOptions): Promise<number | undefined> {
    return (await this.#open()).sizeOf(name, options);
  }

  async *list(prefix: string, options?: StoreOptions): AsyncIterable<StoredObject> {
    yield* (await this.#open()).list(prefix, options);
  }

  async remove(name: string, options?: StoreOptions): Promise<void> {
    await (await this.#open()).remove(name, options);
  }

  async close(): Promise<void> {}
}
