import { newHexId } from '../base/ids.ts';
import type { BlockSource } from './fetch.ts';
import { batchesOf, encodeIndex, indexName, type PackContent } from './index-format.ts';
import { sealIndex } from './block-index-load.ts';

/**
 * Writes index objects for the packs that none names yet, and for `others`; without any it writes
 * nothing.
 */
export async function writeIndexes(
  { store, keys, index }: BlockSource,
  { others = [], signal }: { others?: readonly PackContent[]; signal?: AbortSignal | undefined },
): Promise<{ count: number; bytesStored: number }> {
  let count = 0;
  let bytesStored = 0;
  for (const packs of batchesOf([...index.unindexed.values(), ...others])) {
    const indexId = newHexId();
    const sealed = sealIndex(keys, indexId, encodeIndex(packs));
    await store.put(indexName(indexId), [sealed], signal === undefined ? {} : { signal });
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
