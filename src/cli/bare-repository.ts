/** Repositories without a server: all that is needed is the store and the key. */
import type { Command } from 'commander';
import { OperatingError } from '../base/errors.ts';
import type { Manifest } from '../repository/manifest.ts';
import { openRepository, type Repository } from '../repository/repository.ts';
import type { KeySecret } from '../repository/wrapped-keys.ts';
import type { Config } from '../server/config.ts';
import { keyInEnvironment, readKey } from '../server/key-file.ts';
import type { Context } from './context.ts';
import { passphraseOf } from './passphrase.ts';
import { forEachRepository, type RepositoryPlace, repositoryPlace } from './repository-place.ts';

interface Flags {
  readonly container?: string;
  readonly keyFile?: string;
  readonly passphraseFile?: string;
}

/**
 * Opens the repository that the flags of `addRepositoryOptions`, the environment or the
 * configuration file name, while `work` runs. Rejects with `not_found`, `wrong_key` or `corrupt`.
 */
export async function withRepository<T>(
  context: Context,
  command: Command,
  work: (repository: Repository) => Promise<T>,
): Promise<T> {
  const flags = command.opts<Flags>();
  const { config, root } = await repositoryPlace(context, command);
  try {
    const secret = await secretOf(context, flags, config);
    const container = flags.container ?? (await onlyContainer(root));
    const store = await root.open(container, { create: false });
    let repository: Repository;
    try {
      repository = await openRepository(store, secret);
    } catch (error) {
      await store.close();
      throw error;
    }
    try {
      return await work(repository);
    } finally {
      await repository.close();
    }
  } finally {
    await root.close();
  }
}

/** A passphrase where one is given and no key is named, else the key as a service finds it. */
async function secretOf(context: Context, flags: Flags, { keyPath }: Config): Promise<KeySecret> {
  const { environment } = context;
  const namesKey = flags.keyFile !== undefined || keyInEnvironment(environment) !== undefined;
  const isGiven = flags.passphraseFile ?? (namesKey ? undefined : environment['FIRN_PASSPHRASE']);
  if (isGiven !== undefined) return { passphrase: await passphraseOf(context, flags) };
  return { wrappingKey: (await readKey(keyPath, environment, { create: false })).key };
}

async function onlyContainer(root: RepositoryPlace['root']): Promise<string> {
  const containers: string[] = [];
  await forEachRepository(root, undefined, async (container) => void containers.push(container));
  const [only, ...others] = containers;
  if (only === undefined) throw new OperatingError('not_found', `${root.url} holds no repository`);
  if (others.length === 0) return only;
  throw new OperatingError(
    'invalid_input',
    `${root.url} holds several: choose one of ${containers.join(', ')} with --container`,
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
