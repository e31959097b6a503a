import { assertName } from './names.ts';
import type { GetOptions, PutOptions, Store, StoreOptions, StoredObject } from './store.ts';

/**
 * The objects of a bucket whose names begin with `folder`, which is empty or ends with a slash, as
 * a store of their own. A bucket is a store that takes any name.
 */
export class FolderStore implements Store {
  readonly url: string;
  readonly listingLagMs: number | undefined;
  readonly #bucket: Store;
  readonly #folder: string;

  constructor(bucket: Store, folder: string) {
    this.url = `${bucket.url}${folder === '' ? '' : `/${folder.slice(0, -1)}`}`;
    this.listingLagMs = bucket.listingLagMs;
    this.#bucket = bucket;
    this.#folder = folder;
  }

  async put(name: string, chunks: readonly Uint8Array[], options?: PutOptions): Promise<void> {
    await this.#bucket.put(this.#key(name), chunks, options);
  }

  async get(name: string, options?: GetOptions): Promise<Uint8Array> {
    return this.#bucket.get(this.#key(name), options);
  }

  async sizeOf(name: string, options?: StoreOptions): Promise<number | undefined> {
    return this.#bucket.sizeOf(this.#key(name), options);
  }

  async *list(prefix: string, options?: StoreOptions): AsyncIterable<StoredObject> {
    for await (const object of this.#bucket.list(`${this.#folder}${prefix}`, options)) {
      const name = object.name.slice(this.#folder.length);
      // A name that ends so is a mark that says that the folder is there.
      if (name !== '' && !name.endsWith('/')) yield { ...object, name };
    }
  }

  async remove(name: string, options?: StoreOptions): Promise<void> {
    await this.#bucket.remove(this.#key(name), options);
  }

  async keepsRemoved(): Promise<string | undefined> {
    return this.#bucket.keepsRemoved?.();
  }

  async close(): Promise<void> {
    await this.#bucket.close();
  }

  #key(name: string): string {
    assertName(name);
    return `${this.#folder}${name}`;
  }
}
