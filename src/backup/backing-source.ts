import { leafBytes } from '../repository/block.ts';
import type { BackupReader } from '../repository/reader.ts';
import type { Manifest } from '../repository/manifest.ts';
import type { Repository } from '../repository/repository.ts';
import type { Backing, BackingSource } from '../volume/hydration.ts';
import type { Repositories } from './repositories.ts';

interface Kept {
  readonly backing: Backing;
  reader: BackupReader | undefined;
  holders: number;
}

/**
 * The backups that volumes are being filled from. What a backing refers to stays in the store as
 * long as somebody keeps it, whether the backup itself is deleted or not: as soon as its repository
 * is open, and before anybody can prune it, its map is held.
 */
export class KeptBackups implements BackingSource {
  readonly #repositories: Pick<Repositories, 'open' | 'onOpen'>;
  readonly #kept = new Map<string, Kept>();
  readonly #open = new Map<string, Repository>();
  readonly #holders = new Map<string, () => void>();

  constructor(repositories: Pick<Repositories, 'open' | 'onOpen'>) {
    this.#repositories = repositories;
    repositories.onOpen((container, repository) => {
      this.#open.set(container, repository);
      for (const kept of this.#kept.values()) {
        if (kept.backing.container === container) readerIn(repository, kept);
      }
    });
  }

  /** Keeps what a backing refers to until the returned function is called. */
  keep(backing: Backing): () => void {
    const kept = this.#entry(backing);
    kept.holders += 1;
    return () => {
      kept.holders -= 1;
      if (kept.holders > 0) return;
      kept.reader?.close();
      this.#kept.delete(keyOf(backing));
    };
  }

  /** Keeps it for a holder of that name, until `dropFor`; one that has it already keeps it. */
  keepFor(holder: string, backing: Backing): void {
    if (!this.#holders.has(holder)) this.#holders.set(holder, this.keep(backing));
  }

  dropFor(holder: string): void {
    this.#holders.get(holder)?.();
    this.#holders.delete(holder);
  }

  /** For somebody who keeps it. */
  async reader(backing: Backing): Promise<BackupReader> {
    const kept = this.#entry(backing);
    if (kept.reader !== undefined) return kept.reader;
    const repository = await this.#repositories.open(backing.container, { create: false });
    return readerIn(repository, kept);
  }

  async blocks(backing: Backing, page: number): Promise<Uint8Array> {
    return (await this.reader(backing)).blocksAt(page * leafBytes);
  }

  async read(backing: Backing, offsetBytes: number, target: Uint8Array): Promise<void> {
    await (await this.reader(backing)).read(offsetBytes, target);
  }

  #entry(backing: Backing): Kept {
    const key = keyOf(backing);
    const kept = this.#kept.get(key) ?? { backing, reader: undefined, holders: 0 };
    this.#kept.set(key, kept);
    const repository = this.#open.get(backing.container);
    if (repository !== undefined) readerIn(repository, kept);
    return kept;
  }
}

function readerIn(repository: Repository, kept: Kept): BackupReader {
  const { rootId, depth, lengthBytes } = kept.backing;
  kept.reader ??= repository.openMap({ rootId: Buffer.from(rootId, 'hex'), depth }, lengthBytes);
  return kept.reader;
}

/** What a volume that is to show a backup at once is made from. */
export function backingOf(container: string, manifest: Manifest): Backing {
  const { backupId, map, lengthBytes } = manifest;
  return { container, backupId, ...map, lengthBytes, doneBytes: 0 };
}

function keyOf({ container, rootId, lengthBytes }: Backing): string {
  return `${container}/${rootId}/${lengthBytes}`;
}
