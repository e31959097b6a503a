import { throwIfAborted } from '../base/abort.ts';
import { isOperatingError, type OperatingError } from '../base/errors.ts';
import type { Store } from '../store/store.ts';
import { fromAnyCopy } from './any-copy.ts';
import { getBounded } from './bounded-get.ts';
import type { RepositoryKeys } from './keys.ts';
import {
  backupIdOf,
  type Manifest,
  manifestName,
  openManifest,
  sealedManifestBytesMax,
} from './manifest.ts';

/** A manifest that is there and cannot be read. */
export interface DamagedManifest {
  readonly backupId: string;
  readonly error: OperatingError;
}

const readsMax = 16;

/**
 * Every backup, in no promised order; a damaged one does not hide the others. What `known` answers
 * is not read.
 */
export async function* listManifests(
  store: Store,
  keys: RepositoryKeys,
  options: {
    signal?: AbortSignal | undefined;
    known?: (backupId: string) => Manifest | undefined;
  } = {},
): AsyncGenerator<Manifest | DamagedManifest> {
  const { signal, known } = options;
  let batch: Reading[] = [];
  for await (const { name } of store.list('backups/', { isSizeNeeded: () => false })) {
    throwIfAborted(signal);
    const backupId = backupIdOf(name);
    if (backupId === undefined) continue;
    const manifest = known?.(backupId);
    if (manifest !== undefined) {
      yield manifest;
      continue;
    }
    // Settled: one may fail before anybody waits for it.
    batch.push(Promise.allSettled([readListed(store, keys, backupId)]));
    if (batch.length < readsMax) continue;
    yield* await foundOf(batch);
    batch = [];
  }
  yield* await foundOf(batch);
}

type Listed = Manifest | DamagedManifest;
type Reading = Promise<[PromiseSettledResult<Listed | undefined>]>;

/** Rejects with the first failure. */
async function foundOf(batch: readonly Reading[]): Promise<Listed[]> {
  const outcomes = (await Promise.all(batch)).flat();
  return outcomes.flatMap((outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value ?? [];
  });
}

/** Rejects with `not_found` or `corrupt`. */
export async function readManifest(
  store: Store,
  keys: RepositoryKeys,
  backupId: string,
): Promise<Manifest> {
  return fromAnyCopy(store, async (each) => {
    const sealed = await getBounded(each, manifestName(backupId), sealedManifestBytesMax);
    return openManifest(keys, backupId, sealed);
  });
}

/** Undefined when the backup was deleted since it was listed. */
export async function readListed(
  store: Store,
  keys: RepositoryKeys,
  backupId: string,
): Promise<Manifest | DamagedManifest | undefined> {
  try {
    return await readManifest(store, keys, backupId);
  } catch (error) {
    if (isOperatingError(error, 'not_found')) return undefined;
    if (isOperatingError(error, 'corrupt')) return { backupId, error };
    throw error;
  }
}
