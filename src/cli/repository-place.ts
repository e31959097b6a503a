/** What `firn repository` commands share that work without a service: which store, which key. */
import type { Command } from 'commander';
import { isOperatingError, messageOf, OperatingError } from '../base/errors.ts';
import { throwIfHeadless } from '../repository/header.ts';
import { type Config, readConfig } from '../server/config.ts';
import { gatherOptions } from '../server/config-source.ts';
import { openStoreRoot } from '../store/open-root.ts';
import { openPairedRoot } from '../store/paired.ts';
import type { Store, StoreRoot } from '../store/store.ts';
import type { Context } from './context.ts';
import { sourceOf } from './serve-options.ts';

export interface RepositoryPlace {
  readonly config: Config;
  readonly root: StoreRoot;
}

/** Adds the flags that say where the store and the key are. */
export function addPlaceOptions(command: Command): Command {
  return command
    .option('--config <FILE>', 'the configuration file (FIRN_CONFIG)')
    .option('--store <URL>', 'where the backups are (FIRN_STORE)')
    .option('--store-copy <URL>', 'where a copy of them is (FIRN_STORE_COPY)')
    .option('--key-file <PATH>', 'the key of the backups (FIRN_KEY_FILE)');
}

/** Adds these, and what one repository is opened by: `withRepository` reads them. */
export function addRepositoryOptions(command: Command): Command {
  return addPlaceOptions(command)
    .option('--passphrase-file <PATH>', 'open it with a passphrase instead; - reads it')
    .option('--container <NAME>', 'of this repository; needed where there are several');
}

/**
 * The store, with its copy where there is one, and the key's place, as `firn serve` would find
 * them. A store that is away is told of on standard error when its copy stands in for it.
 */
export async function repositoryPlace(
  context: Context,
  command: Command,
): Promise<RepositoryPlace> {
  const { given } = await gatherOptions(sourceOf(command, context.environment));
  const config = readConfig(given);
  const first = openStoreRoot(config.storeUrl);
  const { storeCopy } = config.settings;
  if (storeCopy === undefined) return { config, root: first };
  const onProblem = (error: unknown): void => {
    context.stderr.write(`One of the two stores is away: ${messageOf(error)}\n`);
  };
  return { config, root: openPairedRoot({ first, copy: openStoreRoot(storeCopy), onProblem }) };
}

/** Runs `work` on every container that holds a repository, or on the one that is named. */
export async function forEachRepository(
  root: StoreRoot,
  named: string | undefined,
  work: (container: string, store: Store) => Promise<void>,
): Promise<number> {
  let count = 0;
  for (const container of named === undefined ? await root.containers() : [named]) {
    const store = await root.open(container, { create: false });
    try {
      if ((await store.sizeOf('repository.json')) === undefined) {
        await throwIfHeadless(store);
        if (named === undefined) continue;
        throw new OperatingError('not_found', `${store.url} holds no repository`);
      }
      await work(container, store);
      count += 1;
    } finally {
      await store.close();
    }
  }
  return count;
}

/** As `forEachRepository`, but a store that is not there has none. */
export async function repositoriesIfThere(
  root: StoreRoot,
  work: (container: string, store: Store) => Promise<void>,
): Promise<number> {
  try {
    return await forEachRepository(root, undefined, work);
  } catch (error) {
    if (isOperatingError(error, 'unavailable')) return 0;
    throw error;
  }
}
