import { throwIfAborted } from '../base/abort.ts';
import type { Store } from '../store/store.ts';
import type { RepositoryKeys } from './keys.ts';
import type { Manifest } from './manifest.ts';
import { ManifestCache } from './manifest-cache.ts';
import { type DamagedManifest, listManifests, readListed } from './manifests.ts';

/** What is kept in memory of each backup. */
export interface BackupEntry {
  readonly backupId: string;
  readonly volumeId: string;
  readonly layerId: string;
  readonly lengthBytes: number;
  /** The instant whose data it holds: ISO 8601 in UTC, without zone. */
  readonly dataTimestamp: string;
}

/**
 * The backups of a repository. Each listing asks the store which there are, and reads the manifests
 * that the local cache lacks.
 *
 * The entries are for finding the parent of a new backup: listed once, and kept right by what this
 * process adds and removes. They are hints: their reader looks at the manifest itself.
 */
export class BackupList {
  readonly #store: Store;
  readonly #keys: RepositoryKeys;
  readonly #cache: ManifestCache;
  /** Backups that were seen, and that a listing which lags behind may lack. */
  readonly #seen = new Set<string>();
  readonly #removed = new Set<string>();
  /** Counts what this process has added and removed. */
  version = 0;
  #entries: Promise<Map<string, BackupEntry>> | undefined;

  /** `cacheFolder`: where copies of manifests are kept; undefined keeps none. */
  constructor(store: Store, keys: RepositoryKeys, cacheFolder: string | undefined) {
    this.#store = store;
    this.#keys = keys;
    this.#cache = new ManifestCache(cacheFolder, keys);
  }

  /**
   * Every backup, in no promised order; also one that is known here and not in the store's listing,
   * which may lag behind. A damaged manifest is reported and hides no other.
   */
  async *list(signal?: AbortSignal): AsyncGenerator<Manifest | DamagedManifest> {
    const cached = await this.#cache.load();
    const fresh: Manifest[] = [];
    const used = new Set<string>();
    const listed = new Set<string>();
    const known = (backupId: string): Manifest | undefined => {
      const manifest = cached.get(backupId);
      if (manifest !== undefined) used.add(backupId);
      return manifest;
    };
    for await (const found of listManifests(this.#store, this.#keys, { signal, known })) {
      if (!('error' in found) && !cached.has(found.backupId)) fresh.push(found);
      listed.add(found.backupId);
      this.#seen.add(found.backupId);
      yield found;
    }
    const isLate = this.#store.listingLagMs !== undefined;
    for (const backupId of isLate ? new Set([...this.#seen, ...cached.keys()]) : []) {
      if (listed.has(backupId) || this.#removed.has(backupId)) continue;
      throwIfAborted(signal);
      const found = await readListed(this.#store, this.#keys, backupId);
      if (found === undefined) this.#seen.delete(backupId);
      if (found === undefined) continue;
      used.add(backupId);
      yield found;
    }
    await this.#cache.settle({ fresh, cached, used });
  }

  /** What this machine keeps of a manifest, if it does. */
  async localCopy(backupId: string): Promise<Manifest | undefined> {
    return (await this.#cache.load()).get(backupId);
  }

  /** By backup ids. What another process adds or removes later is not seen. */
  entries(): Promise<ReadonlyMap<string, BackupEntry>> {
    return (this.#entries ??= this.#load());
  }

  /** Notes a backup that this process made or read. */
  add(manifest: Manifest): void {
    this.#seen.add(manifest.backupId);
    this.#change((entries) => entries.set(manifest.backupId, entryOf(manifest)));
  }

  /** Keeps a copy of a manifest that was just written. */
  keep(manifest: Manifest): void {
    this.version += 1;
    this.add(manifest);
    void this.#cache.append([manifest]);
  }

  /** Resolves when the copies are written. */
  async close(): Promise<void> {
    await this.#cache.idle();
  }

  remove(backupId: string): void {
    this.version += 1;
    this.#removed.add(backupId);
    this.#change((entries) => entries.delete(backupId));
  }

  /** A change that comes while the list is being made is done after it. */
  #change(act: (entries: Map<string, BackupEntry>) => void): void {
    // Without a list there is nothing to change: the next one sees what is there.
    void this.#entries?.then(act, () => undefined);
  }

  async #load(): Promise<Map<string, BackupEntry>> {
    const entries = new Map<string, BackupEntry>();
    try {
      for await (const found of this.list()) {
        if (!('error' in found)) entries.set(found.backupId, entryOf(found));
      }
      return entries;
    } catch (error) {
      this.#entries = undefined;
      throw error;
    }
  }
}

function entryOf({ backupId, volume, layerId, lengthBytes, dataTimestamp }: Manifest): BackupEntry {
  return { backupId, volumeId: volume.volumeId, layerId, lengthBytes, dataTimestamp };
}
