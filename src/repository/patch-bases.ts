import { must } from '../base/assert.ts';
import { isOperatingError } from '../base/errors.ts';
import type { Store } from '../store/store.ts';
import type { BlockIndex } from './block-index.ts';
import type { Location } from './block-table.ts';
import type { RepositoryKeys } from './keys.ts';
import { baseOfEntry, type DirectoryEntry, entriesOf, packName } from './pack-format.ts';
import { readPackContent } from './pack-read.ts';
import type { PatchBase } from './patch.ts';

/** Directories that are kept, those that were used last: enough for weeks of small backups. */
const keptBytesMax = 8 * 1024 * 1024;

interface Source {
  readonly store: Store;
  readonly keys: RepositoryKeys;
  readonly index: BlockIndex;
}

/**
 * What patches lie on, as the directories of their packs say: two reads for each pack, and none for
 * each patch. The directories are kept in memory, up to a limit.
 */
export class PatchBases {
  readonly #source: Source;
  /** By the numbers of the packs; the one that was used last comes last. */
  readonly #kept = new Map<number, PatchDirectory>();
  readonly #loading = new Map<number, Promise<PatchDirectory>>();
  #keptBytes = 0;
  #usedLast = -1;

  constructor(source: Source) {
    this.#source = source;
  }

  /** Whether the directory that tells of the patch at `at` is in memory. */
  has(at: Location): boolean {
    return this.#kept.has(at.pack);
  }

  /** As `find`, from memory. */
  get(at: Location): PatchBase | undefined {
    const directory = this.#kept.get(at.pack);
    if (directory !== undefined) this.#noteUse(at.pack, directory);
    return directory?.find(at.offsetBytes);
  }

  /** What the patch lies on that is at `at`; undefined when its pack is gone or damaged. */
  async find(at: Location): Promise<PatchBase | undefined> {
    try {
      const directory = this.#kept.get(at.pack) ?? (await this.#loadOnce(at.pack));
      this.#noteUse(at.pack, directory);
      return directory.find(at.offsetBytes);
    } catch (error) {
      if (isOperatingError(error, 'not_found') || isOperatingError(error, 'corrupt')) {
        return undefined;
      }
      throw error;
    }
  }

  #noteUse(pack: number, directory: PatchDirectory): void {
    if (pack === this.#usedLast || !this.#kept.delete(pack)) return;
    this.#usedLast = pack;
    this.#kept.set(pack, directory);
  }

  #loadOnce(pack: number): Promise<PatchDirectory> {
    const known = this.#loading.get(pack);
    if (known !== undefined) return known;
    const loading = this.#load(pack).finally(() => this.#loading.delete(pack));
    this.#loading.set(pack, loading);
    return loading;
  }

  async #load(pack: number): Promise<PatchDirectory> {
    const { store, keys, index } = this.#source;
    const content = await readPackContent(store, keys, index.pack(pack));
    const directory = new PatchDirectory(content.directory, packName(content.packId));
    this.#kept.set(pack, directory);
    this.#usedLast = pack;
    this.#keptBytes += directory.memoryBytes;
    for (const [oldest, { memoryBytes }] of this.#kept) {
      if (this.#keptBytes <= keptBytesMax || oldest === pack) break;
      this.#kept.delete(oldest);
      this.#keptBytes -= memoryBytes;
    }
    return directory;
  }
}

/** The patches of one pack, by their places in it. */
class PatchDirectory {
  readonly #directory: Uint8Array;
  readonly #patches: DirectoryEntry[] = [];

  constructor(directory: Uint8Array, subject: string) {
    this.#directory = directory;
    for (const entry of entriesOf(directory, subject)) {
      if (entry.baseAt !== -1) this.#patches.push(entry);
    }
  }

  get memoryBytes(): number {
    return this.#directory.length + this.#patches.length * 64;
  }

  find(offsetBytes: number): PatchBase | undefined {
    let low = 0;
    let high = this.#patches.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (must(this.#patches[middle], 'patch').offsetBytes < offsetBytes) low = middle + 1;
      else high = middle;
    }
    const entry = this.#patches[low];
    return entry?.offsetBytes === offsetBytes ? baseOfEntry(this.#directory, entry) : undefined;
  }
}
