/** Repositories without a server: all that is needed is the store and the key. */
import { OperatingError } from '../base/errors.ts';
import type { Manifest } from '../repository/manifest.ts';
import { openRepository, type Repository } from '../repository/repository.ts';
import { readKeyFile } from '../server/key-file.ts';
import { openStoreRoot } from '../store/open-root.ts';
import type { StoreRoot } from '../store/store.ts';
import type { StoreFlags } from './store-flags.ts';

/** Opens a repository while `work` runs. Rejects with `not_found`, `wrong_key` or `corrupt`. */
export async function withRepository<T>(
  flags: StoreFlags,
  work: (repository: Repository) => Promise<T>,
): Promise<T> {
  const { key } = await readKeyFile(flags.keyFile, { create: false });
  const root = openStoreRoot(flags.store);
  const container = flags.container ?? (await onlyContainer(root, flags.store));
  const store = await root.open(container, { create: false });
  let repository: Repository;
  try {
    repository = await openRepository(store, { wrappingKey: key });
  } catch (error) {
    await store.close();
    throw error;
  }
  try {
    return await work(repository);
  } finally {
    await repository.close();
  }
}

async function onlyContainer(root: StoreRoot, url: string): Promise<string> {
  const containers = await root.containers();
  const [only, ...others] = containers;
  if (only === undefined) throw new OperatingError('not_found', `${url} holds no repository`);
  if (others.length === 0) return only;
  throw new OperatingError(
    'invalid_input',
    `${url} holds several: choose one of ${containers.join(', ')} with --container`,
  );
}

/** The backup with this id, or the only one with this name. */
export async function findBackup(repository: Repository, idOrName: string): Promise<Manifest> {
  const named: Manifest[] = [];
  for await (const found of repository.listBackups()) {
    if (found.backupId === idOrName) {
      if ('error' in found) throw found.error;
      return found;
    }
    if (!('error' in found) && found.name === idOrName) named.push(found);
  }
  const [only, ...others] = named;
  if (only === undefined) throw new OperatingError('not_found', `there is no backup ${idOrName}`);
  if (others.length === 0) return only;
  throw new OperatingError(
    'conflict',
    `${named.length} backups are called ${idOrName}: name one by its id`,
  );
}
