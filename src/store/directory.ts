import { opendir, readdir, stat, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { throwIfAborted } from '../base/abort.ts';
import { readFileRange } from './read-file-range.ts';
import type { Clock } from '../base/clock.ts';
import { systemClock } from '../base/clock.ts';
import { syncFolder } from '../base/durable-file.ts';
import { errnoOf, isOperatingError, OperatingError } from '../base/errors.ts';
import { directoryError, goneError } from './directory-errors.ts';
import { FileDraft } from './file-draft.ts';
import { isTemporary, makeFolder, makeParents, putFile } from './directory-put.ts';
import { assertName, checkContainerName, checkSize } from './names.ts';
import type {
  Draft,
  GetOptions,
  ListOptions,
  PutOptions,
  Store,
  StoreOptions,
  StoreRoot,
  StoredObject,
} from './store.ts';

/** A temporary file this old belongs to no writer any more. */
const temporaryAgeMsMax = 24 * 60 * 60 * 1000;

/**
 * A store root in a folder, which must be there: each container is a folder in it, each object a
 * file. An object that is being written is a temporary file beside its place, which no call shows;
 * one that a crash left behind is removed by a `list` that meets it a day later.
 */
export function openDirectoryRoot(path: string, options: { clock?: Clock } = {}): StoreRoot {
  const folder = resolve(path);
  const url = `file://${folder}`;
  const clock = options.clock ?? systemClock;

  async function open(container: string, { create }: { create: boolean }): Promise<Store> {
    checkContainerName(container);
    const place = join(folder, container);
    const store = new DirectoryStore(place, clock);
    try {
      if (create && (await makeFolder(place))) await syncFolder(folder);
      if ((await stat(place)).isDirectory()) return store;
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw directoryError(error, url, 'open a container');
      if (!(await isFolder(folder))) throw goneError(url, error);
    }
    throw new OperatingError('not_found', `the store ${url} has no container ${container}`);
  }

  async function containers(): Promise<string[]> {
    try {
      const entries = await readdir(folder, { withFileTypes: true });
      const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
      return names.filter((name) => !name.startsWith('.') && name !== 'lost+found').sort();
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') throw goneError(url, error);
      throw directoryError(error, url, 'list its containers');
    }
  }

  return { url, open, containers, checkContainer: checkContainerName, close: async () => {} };
}

class DirectoryStore implements Store {
  readonly url: string;
  readonly #folder: string;
  readonly #clock: Clock;

  constructor(folder: string, clock: Clock) {
    this.url = `file://${folder}`;
    this.#folder = folder;
    this.#clock = clock;
  }

  async put(name: string, chunks: readonly Uint8Array[], options?: PutOptions): Promise<void> {
    assertName(name);
    await this.#putAs(name, chunks, options, async () => {
      await makeParents(this.#folder, name);
      await putFile(join(this.#folder, name), chunks, options);
    });
  }

  begin(name: string): Draft {
    assertName(name);
    const path = join(this.#folder, name);
    const draft = new FileDraft(path, () => makeParents(this.#folder, name));
    return {
      advance: (content) => draft.advance(content),
      put: async (chunks, options) => {
        try {
          await this.#putAs(name, chunks, options, () => draft.put(chunks));
        } finally {
          await draft.discard();
        }
      },
      discard: () => draft.discard(),
    };
  }

  /** Checks what is to be put, and says what an error of `write` means. */
  async #putAs(
    name: string,
    chunks: readonly Uint8Array[],
    options: StoreOptions | undefined,
    write: () => Promise<void>,
  ): Promise<void> {
    checkSize(chunks);
    throwIfAborted(options?.signal);
    try {
      await write();
    } catch (error) {
      if (errnoOf(error) === 'EEXIST' || isOperatingError(error, 'exists')) {
        throw new OperatingError('exists', `the store ${this.url} holds ${name} already`);
      }
      throw await this.#meaning(error, 'write', name);
    }
  }

  async get(name: string, options?: GetOptions): Promise<Uint8Array> {
    assertName(name);
    throwIfAborted(options?.signal);
    try {
      return await readFileRange(join(this.#folder, name), options);
    } catch (error) {
      throw await this.#meaning(error, 'read', name);
    }
  }

  async sizeOf(name: string, options?: StoreOptions): Promise<number | undefined> {
    assertName(name);
    throwIfAborted(options?.signal);
    try {
      const facts = await stat(join(this.#folder, name));
      return facts.isFile() ? facts.size : undefined;
    } catch (error) {
      const meaning = await this.#meaning(error, 'look at', name);
      if (isOperatingError(meaning, 'not_found')) return undefined;
      throw meaning;
    }
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncIterable<StoredObject> {
    // Only folders on the way to the prefix, and what is below, are walked.
    const start = prefix.includes('/') ? dirname(`${prefix}x`) : '';
    try {
      if (!(await isFolder(this.#folder))) throw goneError(this.url);
      yield* this.#walk(start, prefix, options);
    } catch (error) {
      throw await this.#meaning(error, 'list', prefix);
    }
  }

  async *#walk(folder: string, prefix: string, options: ListOptions): AsyncIterable<StoredObject> {
    const files: string[] = [];
    const folders: string[] = [];
    const path = join(this.#folder, folder);
    try {
      for await (const entry of await opendir(path, { bufferSize: 1024 })) {
        if (isTemporary(entry.name)) await this.#sweep(join(path, entry.name));
        else (entry.isDirectory() ? folders : files).push(entry.name);
      }
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return;
      throw error;
    }
    const under = folder === '' ? '' : `${folder}/`;
    for (let at = 0; at < files.length; at += 64) {
      throwIfAborted(options.signal);
      const batch = files.slice(at, at + 64).map((file) => `${under}${file}`);
      const found = batch.filter((name) => name.startsWith(prefix));
      const { isSizeNeeded = () => true } = options;
      const sizes = await Promise.all(
        found.map(async (name) => (isSizeNeeded(name) ? this.sizeOf(name) : 0)),
      );
      for (const [index, name] of found.entries()) {
        const sizeBytes = sizes[index];
        if (sizeBytes !== undefined) yield { name, sizeBytes };
      }
    }
    for (const child of folders) {
      const name = `${under}${child}`;
      const leads = `${name}/`.startsWith(prefix) || prefix.startsWith(`${name}/`);
      if (leads) yield* this.#walk(name, prefix, options);
    }
  }

  async remove(name: string, options?: StoreOptions): Promise<void> {
    assertName(name);
    throwIfAborted(options?.signal);
    const path = join(this.#folder, name);
    try {
      await unlink(path);
      await syncFolder(dirname(path));
    } catch (error) {
      const meaning = await this.#meaning(error, 'remove', name);
      if (!isOperatingError(meaning, 'not_found')) throw meaning;
    }
  }

  async close(): Promise<void> {}

  /** Removes a temporary file that nobody writes any more; a store that refuses keeps it. */
  async #sweep(path: string): Promise<void> {
    try {
      const ageMs = this.#clock.now() - (await stat(path)).mtimeMs;
      if (ageMs > temporaryAgeMsMax) await unlink(path);
    } catch (error) {
      const errno = errnoOf(error) ?? '';
      if (!['ENOENT', 'EROFS', 'EACCES', 'EPERM'].includes(errno)) throw error;
    }
  }

  async #meaning(error: unknown, doing: string, name: string): Promise<unknown> {
    const errno = errnoOf(error);
    if (errno !== 'ENOENT' && errno !== 'ENOTDIR') {
      return directoryError(error, this.url, `${doing} ${name}`);
    }
    if (!(await isFolder(this.#folder))) return goneError(this.url, error);
    return new OperatingError('not_found', `the store ${this.url} holds no ${name}`);
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return false;
    throw error;
  }
}
