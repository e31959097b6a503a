import { isOperatingError } from '../base/errors.ts';
import type { BlockSource } from './fetch.ts';
import { indexName, type PackContent } from './index-format.ts';
import { readPackContent } from './pack-read.ts';
import { writeIndexes } from './write-indexes.ts';

/**
 * Makes index objects anew that are damaged, from what the packs say themselves, and then removes
 * them; answers their names. A pack that is damaged too stays without an index.
 */
export async function renewIndexes(
  source: BlockSource,
  indexIds: readonly string[],
): Promise<string[]> {
  const { store, keys, index } = source;
  const others: PackContent[] = [];
  for (const pack of index.packs()) {
    if (pack.indexId === undefined || !indexIds.includes(pack.indexId)) continue;
    try {
      others.push(await readPackContent(store, keys, pack));
    } catch (error) {
      if (!isOperatingError(error, 'corrupt') && !isOperatingError(error, 'not_found')) throw error;
      pack.indexId = undefined;
    }
  }
  await writeIndexes(source, { others });
  for (const indexId of indexIds) await store.remove(indexName(indexId));
  return indexIds.map(indexName);
}
