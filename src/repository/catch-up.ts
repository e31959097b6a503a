import { throwIfAborted } from '../base/abort.ts';
import { atOnce } from '../base/at-once.ts';
import { isOperatingError } from '../base/errors.ts';
import type { Store } from '../store/store.ts';
import { otherCopies } from './any-copy.ts';
import type { BlockIndex, Pack } from './block-index.ts';
import { indexIdOf, indexName, type PackContent } from './index-format.ts';
import type { RepositoryKeys } from './keys.ts';
import { packIdOf, packName } from './pack-format.ts';
import { readPackContent } from './pack-read.ts';
import { readIndex } from './read-index.ts';

/** Objects are read so many at a time: a remote store takes its time for each. */
const readsAtOnce = 8;

/**
 * Makes an index say what the store holds now: adds what came, from index objects and from packs
 * that none of them names. With `pruned`, which says that another process has pruned, the packs
 * that are gone are forgotten, as condemned ones always are; otherwise one that is not there is
 * damage, and stays to be named.
 * True when anything changed.
 */
export async function catchUp(
  { index, store, keys }: { index: BlockIndex; store: Store; keys: RepositoryKeys },
  { pruned }: { pruned: boolean },
  signal?: AbortSignal,
): Promise<boolean> {
  const known = new Map(Array.from(index.packs(), (pack) => [pack.packId, pack.sizeBytes]));
  // Packs are listed after the index objects: what an index names was put before it.
  const indexIds = await listIndexes(store);
  const sizes = await listPacks(store, known);
  for (const indexId of index.indexIds) if (!indexIds.has(indexId)) index.indexIds.delete(indexId);
  // Those of a list that is open may be taken away by whoever prunes just now.
  const mayGo = (packId: string): boolean => pruned || index.findPack(packId)?.condemned === true;
  const gone = await findGone(index, store, sizes, [...known.keys()].filter(mayGo));
  if (gone.length > 0) {
    for (const pack of gone) pack.condemned = true;
    index.forget(gone);
    // What was found in them may be in others as well: all is looked through anew.
    index.indexIds.clear();
    index.liveMarksOf = undefined;
    for (const content of index.unindexed.values()) index.add(content);
  }
  const news = [...indexIds].filter((indexId) => !index.indexIds.has(indexId));
  await atOnce(readsAtOnce, news, async (indexId) => {
    throwIfAborted(signal);
    const contents = await unlessGone(store, indexName(indexId), index, () =>
      readIndex(store, keys, indexId),
    );
    if (contents !== undefined) addIndex(index, indexId, contents, sizes);
  });
  const unnamed = [...sizes].filter(([packId]) => index.findPack(packId) === undefined);
  await atOnce(readsAtOnce, unnamed, async ([packId, sizeBytes]) => {
    throwIfAborted(signal);
    const content = await unlessGone(store, packName(packId), index, () =>
      readWholest(store, keys, { packId, sizeBytes }),
    );
    if (content === undefined) return;
    index.add(content);
    index.unindexed.set(packId, content);
  });
  return gone.length > 0 || index.packs().some(({ packId }) => !known.has(packId));
}

function addIndex(
  index: BlockIndex,
  indexId: string,
  contents: readonly PackContent[],
  sizes: ReadonlyMap<string, number>,
): void {
  let isUseful = false;
  for (const content of contents) {
    if (sizes.get(content.packId) !== content.sizeBytes) continue;
    const pack = index.add(content, indexId);
    const isNamed = pack.indexId !== undefined && index.indexIds.has(pack.indexId);
    if (isNamed) continue;
    isUseful = true;
    pack.indexId = indexId;
    index.unindexed.delete(pack.packId);
  }
  index.indexIds.add(indexId);
  if (!isUseful) index.stale.push(indexId);
}

/** A listing may lag behind: a pack is only gone when it is not there by its name either. */
async function findGone(
  index: BlockIndex,
  store: Store,
  sizes: ReadonlyMap<string, number>,
  packIds: readonly string[],
): Promise<Pack[]> {
  const gone: Pack[] = [];
  const missing = packIds.filter((packId) => !sizes.has(packId));
  await atOnce(readsAtOnce, missing, async (packId) => {
    if ((await store.sizeOf(packName(packId))) !== undefined) return;
    const pack = index.findPack(packId);
    if (pack !== undefined) gone.push(pack);
  });
  return gone;
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

async function listIndexes(store: Store): Promise<Set<string>> {
  const found = new Set<string>();
  for await (const { name } of store.list('indexes/', { isSizeNeeded: () => false })) {
    const indexId = indexIdOf(name);
    if (indexId !== undefined) found.add(indexId);
  }
  return found;
}

/** The packs that are there, by ids, and how long each is; what is known is not asked again. */
async function listPacks(
  store: Store,
  known: ReadonlyMap<string, number>,
): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  const isSizeNeeded = (name: string): boolean => !known.has(packIdOf(name) ?? '');
  for await (const { name, sizeBytes } of store.list('packs/', { isSizeNeeded })) {
    const packId = packIdOf(name);
    if (packId !== undefined) found.set(packId, known.get(packId) ?? sizeBytes);
  }
  return found;
}

/** Notes what is damaged; what another process has removed since it was listed is not. */
async function unlessGone<T>(
  store: Store,
  name: string,
  index: BlockIndex,
  read: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    const isGone = isOperatingError(error, 'not_found') && (await store.sizeOf(name)) === undefined;
    if (!isGone) index.noteDamage(name, error);
    return undefined;
  }
}
