import type { Store } from '../store/store.ts';
import { fromAnyCopy } from './any-copy.ts';
import { getBounded } from './bounded-get.ts';
import { decodeIndex, indexBytesMax, indexName, type PackContent } from './index-format.ts';
import type { RepositoryKeys } from './keys.ts';
import { entriesOf } from './pack-format.ts';
import { objectLabel, seal, sealBytes, unseal } from './seal.ts';

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
