import { isOperatingError, OperatingError } from '../base/errors.ts';
import { throwIfHeadless } from '../repository/header.ts';
import { createRepository, openRepository, type Repository } from '../repository/repository.ts';
import { manifestName } from '../repository/manifest.ts';
import type { ReplicatedRoot } from '../store/replicate.ts';
import type { StoreRoot } from '../store/store.ts';

/** The repositories of one store, by container; each is opened once and kept. */
export interface Repositories {
  /**
   * Opens the repository of a container; with `create`, container and repository are made where
   * they are missing. Rejects with `not_found`, `wrong_key`, `corrupt`, or what the store says.
   */
  open(container: string, options: { create: boolean }): Promise<Repository>;
  /** Rejects with `invalid_input` a name that no container of this store can have. */
  checkContainer(container: string): void;
  /** How far other stores have a backup that is whole in this one; empty without such stores. */
  copiesOf(container: string, backupId: string): readonly BackupCopy[];
  /** Whether nothing of a container is on its way to another store, as far as that is known. */
  isSettled(container: string): boolean;
  /** The names of all containers that are there, with or without a repository. */
  containers(): Promise<string[]>;
  /**
   * Whether a container holds a repository, or what is left of one; also when that cannot be looked
   * at just now. Costs a request or two.
   */
  holds(container: string): Promise<boolean>;
  /** `listener` is called whenever a repository was opened, before anybody can use it. */
  onOpen(listener: (container: string, repository: Repository) => void): void;
  /**
   * `listener` is called when a prune of a container will give back what an earlier one could not:
   * a deleted backup was still read, or built on, by this process.
   */
  onPruneDue(listener: (container: string) => void): void;
  /** Closes the root as well. */
  close(): Promise<void>;
}

/** A second store's copy of a backup. */
export interface BackupCopy {
  /** The store, for people. */
  readonly url: string;
  /** `unknown`: the two stores have not been compared yet. */
  readonly state: 'unknown' | 'copying' | 'complete';
  /** What stands in the way at the moment. */
  readonly problem: string | null;
}

/** Where the root's objects are copied to, and how far that is. */
export type Replication = Pick<ReplicatedRoot, 'copyUrl' | 'copyState' | 'isCopied'>;

/**
 * `wrappingKey`: 32 bytes that open every repository of this store. `cacheFolder`: a local folder
 * for copies of what is read often; nothing is lost with it.
 */
export function openRepositories(options: {
  root: StoreRoot;
  wrappingKey: Uint8Array;
  cacheFolder?: string;
  replication?: Replication | undefined;
}): Repositories {
  const { root, wrappingKey, cacheFolder, replication } = options;
  const opened = new Map<string, Promise<Repository>>();
  const listeners: ((container: string, repository: Repository) => void)[] = [];
  const pruneListeners: ((container: string) => void)[] = [];

  async function openContainer(container: string, create: boolean): Promise<Repository> {
    const store = await root.open(container, { create });
    try {
      if (create && (await store.sizeOf('repository.json')) === undefined) {
        await makeRepository(container);
      }
      const onOutlived = (): void => {
        for (const listener of pruneListeners) listener(container);
      };
      const repository = await openRepository(store, { wrappingKey, cacheFolder, onOutlived });
      for (const listener of listeners) listener(container, repository);
      return repository;
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  /** Two processes may make one at the same time; whoever comes second uses the first one's. */
  async function makeRepository(container: string): Promise<void> {
    const store = await root.open(container, { create: true });
    try {
      await createRepository(store, { wrappingKey });
    } catch (error) {
      if (!(error instanceof OperatingError && error.code === 'exists')) throw error;
    } finally {
      await store.close();
    }
  }

  async function openOnce(container: string, create: boolean): Promise<Repository> {
    const known = opened.get(container);
    const opening = known ?? openContainer(container, create);
    opened.set(container, opening);
    try {
      return await opening;
    } catch (error) {
      if (opened.get(container) === opening) opened.delete(container);
      // Whoever opened it first may only have looked for it.
      const lookedOnly = known !== undefined && create && isOperatingError(error, 'not_found');
      if (!lookedOnly) throw error;
      return await openOnce(container, create);
    }
  }

  async function holds(container: string): Promise<boolean> {
    if (opened.has(container)) return true;
    try {
      const store = await root.open(container, { create: false });
      try {
        if ((await store.sizeOf('repository.json')) !== undefined) return true;
        await throwIfHeadless(store);
        return false;
      } finally {
        await store.close();
      }
    } catch (error) {
      if (!isOperatingError(error)) throw error;
      return error.code !== 'not_found';
    }
  }

  return {
    holds,
    open: (container, { create }) => openOnce(container, create),
    checkContainer: (container) => root.checkContainer(container),
    copiesOf(container, backupId) {
      if (replication === undefined) return [];
      // A manifest is copied when all that it needs is there.
      const isCopied = replication.isCopied(container, manifestName(backupId));
      const state = isCopied === undefined ? 'unknown' : isCopied ? 'complete' : 'copying';
      const problem = replication.copyState(container)?.problem ?? null;
      return [{ url: replication.copyUrl, state, problem: state === 'complete' ? null : problem }];
    },
    isSettled: (container) =>
      replication === undefined || replication.copyState(container)?.state === 'complete',
    containers: () => root.containers(),
    onOpen: (listener) => void listeners.push(listener),
    onPruneDue: (listener) => void pruneListeners.push(listener),
    async close() {
      const all = await Promise.allSettled(opened.values());
      opened.clear();
      for (const one of all) if (one.status === 'fulfilled') await one.value.close();
      await root.close();
    },
  };
}
