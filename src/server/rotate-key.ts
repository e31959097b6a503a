/**
 * Replaces the key in the key file, in every repository of a store. It may be stopped at any point,
 * and goes on when it is called again:
 *
 * 1. The new key is made as `PATH.next`, and every repository's master key is wrapped for it.
 * 2. The old key file becomes `PATH.previous`, the new one takes its place.
 * 3. What was wrapped for the previous key is removed from every repository, then `PATH.previous`.
 *
 * The master keys stay, so that no backup is written anew. Whoever had the old key file and a copy
 * of the objects below `keys/` from before can still read what they have copied.
 */
import { rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncFolder } from '../base/durable-file.ts';
import { fromSystemError, isOperatingError } from '../base/errors.ts';
import { readHeader, readRepositoryId } from '../repository/header.ts';
import type { RepositoryKeys } from '../repository/keys.ts';
import { addWrappingKey, keyIdOf, removeWrappedKey } from '../repository/wrapped-keys.ts';
import type { Store } from '../store/store.ts';
import { readKeyFile, writeKeyFile } from './key-file.ts';

/** Calls `work` with every repository, one after the other. */
export type EachRepository = (work: (store: Store) => Promise<void>) => Promise<unknown>;

export async function rotateKey(keyPath: string, each: EachRepository): Promise<void> {
  const [nextPath, previousPath] = [`${keyPath}.next`, `${keyPath}.previous`];
  await removePrevious(keyPath, previousPath, each);
  const { key: current } = await readKeyFile(keyPath, { create: false });
  const { key: next } = await readKeyFile(nextPath, { create: true });
  await each(async (store) => {
    await addWrappingKey(store, await openWithEither(store, current, next), next);
  });
  await writeKeyFile(previousPath, current);
  try {
    await rename(nextPath, keyPath);
    await syncFolder(dirname(keyPath));
  } catch (error) {
    throw fromSystemError(error, `the key file ${keyPath} cannot be replaced`);
  }
  await removePrevious(keyPath, previousPath, each);
}

/** Ends a rotation that has replaced the key file. */
async function removePrevious(
  keyPath: string,
  previousPath: string,
  each: EachRepository,
): Promise<void> {
  const previous = await keyIfThere(previousPath);
  if (previous === undefined) return;
  const { key: current } = await readKeyFile(keyPath, { create: false });
  // A crash came between the two names: the key is still the old one.
  if (!Buffer.from(previous).equals(current)) {
    await each(async (store) => {
      const repositoryId = await readRepositoryId(store);
      await readHeader(store, { wrappingKey: current });
      try {
        await removeWrappedKey(store, repositoryId, keyIdOf(previous, repositoryId));
      } catch (error) {
        if (!isOperatingError(error, 'not_found')) throw error;
      }
    });
  }
  await rm(previousPath);
  await syncFolder(dirname(keyPath));
}

async function openWithEither(
  store: Store,
  current: Uint8Array,
  next: Uint8Array,
): Promise<RepositoryKeys> {
  try {
    return await readHeader(store, { wrappingKey: current });
  } catch (error) {
    if (!isOperatingError(error, 'wrong_key')) throw error;
    return readHeader(store, { wrappingKey: next });
  }
}

async function keyIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return (await readKeyFile(path, { create: false })).key;
  } catch (error) {
    if (isOperatingError(error, 'not_found')) return undefined;
    throw error;
  }
}
