import { newHexId } from '../base/ids.ts';
import type { BlockSource } from './fetch.ts';
import { batchesOf, encodeIndex, indexName, type PackContent } from './index-format.ts';
import { sealIndex } from './read-index.ts';

/**
 * An index is written when so many packs are named by none; until then, who opens the repository
 * reads their directories. So small backups cost no index each, and thousands of them leave
 * hundreds of indexes.
 */
export const packsPerIndexDefault = 16;

/**
 * Writes index objects for the packs that none names yet, if they are many, and for `others`;
 * without any it writes nothing.
 */
export async function writeIndexes(
  { store, keys, index, packsPerIndex }: BlockSource,
  { others = [], signal }: { others?: readonly PackContent[]; signal?: AbortSignal | undefined },
): Promise<{ count: number; bytesStored: number }> {
  let count = 0;
  let bytesStored = 0;
  const few = index.unindexed.size < packsPerIndex;
  if (few && others.length === 0) return { count, bytesStored };
  for (const packs of batchesOf([...index.unindexed.values(), ...others])) {
    const indexId = newHexId();
    const sealed = sealIndex(keys, indexId, encodeIndex(packs));
    await store.put(indexName(indexId), [sealed], signal === undefined ? {} : { signal });
    index.indexIds.add(indexId);
    count += 1;
    bytesStored += sealed.length;
    for (const { packId } of packs) {
      index.unindexed.delete(packId);
      const pack = index.findPack(packId);
      if (pack !== undefined) pack.indexId = indexId;
    }
  }
  return { count, bytesStored };
}
