import { isOperatingError, OperatingError } from '../base/errors.ts';
import type { Store } from '../store/store.ts';
import type { Pack } from './block-index.ts';
import { idBytes } from './block.ts';
import type { BlockSource } from './fetch.ts';
import type { PackContent } from './index-format.ts';
import { isSound } from './object-check.ts';
import { baseOfEntry, entriesOf, packName } from './pack-format.ts';
import { readPackContent } from './pack-read.ts';
import type { PackWriter } from './pack-writer.ts';
import { readIndex } from './read-index.ts';

/**
 * Copies what of a pack is wanted to a writer, still sealed. The copies of the pack go with it, so
 * that whatever is sound in any of them moves along; what is damaged in all of them moves as it is.
 * Rejects with `not_found` when no copy is there, and as the store does when the copy that may have
 * what is damaged elsewhere cannot be asked.
 */
export async function moveBlocks(
  source: BlockSource,
  pack: Pack,
  isWanted: (id: Uint8Array) => boolean,
  writer: PackWriter,
): Promise<void> {
  const { keys, index } = source;
  const name = packName(pack.packId);
  const copies = new PackCopies(source.store, name);
  if (!(await copies.another())) {
    throw copies.away ?? new OperatingError('not_found', `there is no ${name}`);
  }
  const { directory } = await directoryOf(source, pack);
  for (const entry of entriesOf(directory, name)) {
    const id = directory.subarray(entry.idAt, entry.idAt + idBytes);
    const at = index.find(id);
    const isHere = at?.pack === pack.number && at.offsetBytes === entry.offsetBytes;
    if (!isHere || !isWanted(id)) continue;
    const end = entry.offsetBytes + entry.lengthBytes;
    const find = (): Uint8Array | undefined =>
      copies.found
        .map((bytes) => bytes.subarray(entry.offsetBytes, end))
        .find((sealed) => isSound(keys, { kind: entry.kind, id }, sealed));
    let sealed = find();
    while (sealed === undefined && (await copies.another())) sealed = find();
    if (sealed === undefined && copies.away !== undefined) throw copies.away;
    sealed ??= copies.found.find(({ length }) => length >= end)?.subarray(entry.offsetBytes, end);
    if (sealed === undefined) continue;
    const base = entry.baseAt === -1 ? undefined : baseOfEntry(directory, entry);
    writer.add(entry.kind, id, sealed, base);
  }
}

/** A pack as the copies of the store have it, each read when the ones before it do not do. */
class PackCopies {
  readonly found: Uint8Array[] = [];
  /** Why a copy could not be asked. */
  away: OperatingError | undefined;
  readonly #name: string;
  readonly #stores: Store[];

  constructor(store: Store, name: string) {
    this.#name = name;
    this.#stores = [...(store.copies ?? [store])];
  }

  /** Reads one copy more; false when there is none. */
  async another(): Promise<boolean> {
    for (let next = this.#stores.shift(); next !== undefined; next = this.#stores.shift()) {
      try {
        this.found.push(await next.get(this.#name));
        return true;
      } catch (error) {
        if (!isOperatingError(error) || error.code === 'aborted') throw error;
        if (error.code !== 'not_found') this.away = error;
      }
    }
    return false;
  }
}

/** The pack's own directory, or where that is damaged what its index says. */
async function directoryOf({ store, keys }: BlockSource, pack: Pack): Promise<PackContent> {
  try {
    return await readPackContent(store, keys, pack);
  } catch (error) {
    if (!isOperatingError(error, 'corrupt') || pack.indexId === undefined) throw error;
    const contents = await readIndex(store, keys, pack.indexId);
    const content = contents.find(({ packId }) => packId === pack.packId);
    if (content === undefined) throw error;
    return content;
  }
}
