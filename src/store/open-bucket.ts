import { opendir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../base/errors.ts';
import { directoryError, goneError } from './directory-errors.ts';
import { folderOf } from './open-root.ts';
import { readFileRange } from './read-file-range.ts';
import { openS3Bucket } from './s3.ts';
import type { GetOptions, Store, StoredObject, StoreOptions } from './store.ts';
import { invalidStore } from './store-url.ts';
import { openSwiftContainer } from './swift.ts';

/** Objects of whatever names that somebody else wrote, to be read. */
export type Bucket = Pick<Store, 'url' | 'get' | 'list' | 'close'>;

/** Opens `file:///FOLDER`, `s3://BUCKET?…` or `swift://CONTAINER?…` for reading. */
export async function openBucket(text: string): Promise<Bucket> {
  switch (URL.parse(text)?.protocol) {
    case 'file:':
      return new Folder(folderOf(text));
    case 's3:':
      return openS3Bucket(text);
    case 'swift:':
      return openSwiftContainer(text);
    case undefined:
    default:
      throw invalidStore(text, 'is not file:///FOLDER, s3://BUCKET or swift://CONTAINER');
  }
}

/** Every file below a folder is an object; only names that `list` gave are read. */
class Folder implements Bucket {
  readonly url: string;
  readonly #folder: string;

  constructor(folder: string) {
    this.url = `file://${folder}`;
    this.#folder = folder;
  }

  async get(name: string, options?: GetOptions): Promise<Uint8Array> {
    try {
      return await readFileRange(join(this.#folder, name), options);
    } catch (error) {
      throw directoryError(error, this.url, `read ${name}`);
    }
  }

  async *list(prefix: string, _options?: StoreOptions): AsyncIterable<StoredObject> {
    try {
      for await (const entry of await opendir(this.#folder, { recursive: true })) {
        if (!entry.isFile()) continue;
        const path = join(entry.parentPath, entry.name);
        const name = path.slice(this.#folder.length + 1);
        if (name.startsWith(prefix)) yield { name, sizeBytes: (await stat(path)).size };
      }
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') throw goneError(this.url, error);
      throw directoryError(error, this.url, 'list its files');
    }
  }

  async close(): Promise<void> {}
}
