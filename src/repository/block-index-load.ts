import { throwIfAborted } from '../base/abort.ts';
import { isOperatingError } from '../base/errors.ts';
import type { Store } from '../store/store.ts';
import { fromAnyCopy, otherCopies } from './any-copy.ts';
import { BlockIndex } from './block-index.ts';
import { getBounded } from './bounded-get.ts';
import {
  decodeIndex,
  indexBytesMax,
  indexIdOf,
  indexName,
  type PackContent,
} from './index-format.ts';
import type { RepositoryKeys } from './keys.ts';
import { entriesOf, packIdOf, packName } from './pack-format.ts';
import { readPackContent } from './pack-read.ts';
import { objectLabel, seal, sealBytes, unseal } from './seal.ts';

/** Packs that no index names are read so many at a time: a remote store takes its time for each. */
const readsAtOnce = 8;

/**
 * Fills the index of a repository from its index objects, and from packs that none of them names.
 */
export async function loadBlockIndex(
  store: Store,
  keys: RepositoryKeys,
  signal?: AbortSignal,
): Promise<BlockIndex> {
  const index = new BlockIndex();
  // Packs are listed after the index objects: what an index names was put before it.
  const indexIds: string[] = [];
  for await (const { name } of store.list('indexes/')) {
    const indexId = indexIdOf(name);
    if (indexId !== undefined) indexIds.push(indexId);
  }
  const sizes = new Map<string, number>();
  for await (const { name, sizeBytes } of store.list('packs/')) {
    const packId = packIdOf(name);
    if (packId !== undefined) sizes.set(packId, sizeBytes);
  }
  for (const indexId of indexIds) {
    throwIfAborted(signal);
    try {
      const contents = await readIndex(store, keys, indexId);
      const there = contents.filter(({ packId, sizeBytes }) => sizes.get(packId) === sizeBytes);
      const fresh = there.filter(({ packId }) => index.findPack(packId) === undefined);
      if (fresh.length === 0) index.stale.push(indexId);
      for (const content of fresh) index.add(content, indexId);
    } catch (error) {
      index.noteDamage(indexName(indexId), error);
    }
  }
  const adopt = async ([packId, sizeBytes]: readonly [string, number]): Promise<void> => {
    throwIfAborted(signal);
    try {
      const content = await readWholest(store, keys, { packId, sizeBytes });
      index.add(content);
      index.unindexed.set(packId, content);
    } catch (error) {
      index.noteDamage(packName(packId), error);
    }
  };
  const unknown = [...sizes].filter(([packId]) => index.findPack(packId) === undefined);
  while (unknown.length > 0) await Promise.all(unknown.splice(0, readsAtOnce).map(adopt));
  return index;
}

/** Reads a pack that is listed with a size, or where it was cut short there, a copy of it. */
async function readWholest(
  store: Store,
  keys: RepositoryKeys,
  { packId, sizeBytes }: { packId: string; sizeBytes: number },
): Promise<PackContent> {
  try {
    return await readPackContent(store, keys, { packId, sizeBytes });
  } catch (error) {
    if (!isOperatingError(error, 'corrupt')) throw error;
    for (const copy of otherCopies(store)) {
      try {
        const copied = (await copy.sizeOf(packName(packId))) ?? 0;
        return await readPackContent(copy, keys, { packId, sizeBytes: copied });
      } catch (second) {
        if (!isOperatingError(second)) throw second;
      }
    }
    throw error;
  }
}

/** Reads one index object. Rejects with `corrupt` unless every directory in it is well-formed. */
export async function readIndex(
  store: Store,
  keys: RepositoryKeys,
  indexId: string,
): Promise<PackContent[]> {
  return fromAnyCopy(store, async (each) => {
    const sealed = await getBounded(each, indexName(indexId), indexBytesMax + sealBytes);
    return openIndex(keys, indexId, sealed);
  });
}

/** Opens what an index object holds, as `readIndex` does. */
export function openIndex(
  keys: RepositoryKeys,
  indexId: string,
  sealed: Uint8Array,
): PackContent[] {
  const subject = `the index ${indexName(indexId)}`;
  const label = objectLabel('index', indexId);
  const options = { subject, plainBytesMax: indexBytesMax };
  const packs = decodeIndex(unseal(keys.objectKey('index'), label, sealed, options), subject);
  for (const { directory } of packs) for (const entry of entriesOf(directory, subject)) void entry;
  return packs;
}

/** Seals an index's plaintext for `indexName(indexId)`. */
export function sealIndex(keys: RepositoryKeys, indexId: string, plain: Uint8Array): Buffer {
  return seal(keys.objectKey('index'), objectLabel('index', indexId), plain);
}
