/**
 * Marks what is live in the table of blocks, and adds up for each pack how much of it is.
 *
 * Backups of one volume share nearly all of their maps. What a node adds to the one of the backup
 * before is remembered (`NodeDifferences`), so that a mark of all backups reads, after the first
 * time, only nodes that are new, and those that lost the one that they were compared with.
 */
import { throwIfAborted } from '../base/abort.ts';
import { atOnce } from '../base/at-once.ts';
import { isOperatingError, OperatingError } from '../base/errors.ts';
import { marks } from './block-table.ts';
import type { Pack } from './block-index.ts';
import { idBytes, isZeroId } from './block.ts';
import type { BlockSource } from './fetch.ts';
import type { PackContent } from './index-format.ts';
import type { IndexKeeper } from './index-keeper.ts';
import type { MapRoot } from './map.ts';
import { isSameId, keyOf, type NodeDifferences } from './node-differences.ts';
import { NodeReader } from './nodes.ts';
import { entriesOf, packName } from './pack-format.ts';
import { readPackContent } from './pack-read.ts';
import { readIndex } from './read-index.ts';

/** Maps are walked, and directories read, so many at a time: a store takes its time for each. */
export const mapsAtOnce = 16;

export class Marking {
  /** Bytes of marked blocks, by the number of the pack. */
  readonly liveBytes = new Map<number, number>();
  readonly #source: BlockSource;
  readonly #keeper: IndexKeeper;
  readonly #nodes: NodeReader;
  readonly #differences: NodeDifferences;
  readonly #signal: AbortSignal | undefined;
  /** Nodes that are marked with all that is below them. */
  readonly #whole = new Set<string>();
  /** Nodes that were passed by since somebody else was still at what is below them. */
  readonly #reliedOn = new Set<string>();
  /** True when a map could not be walked, and another one had left a part of it to that walk. */
  isInDoubt = false;

  constructor(
    source: BlockSource,
    keeper: IndexKeeper,
    differences: NodeDifferences,
    signal: AbortSignal | undefined,
  ) {
    this.#source = source;
    this.#keeper = keeper;
    this.#differences = differences;
    this.#nodes = new NodeReader(source);
    this.#signal = signal;
  }

  /**
   * Marks all that a map holds. When it rejects, some of it may be marked, and no node of which not
   * all is. `before`: a map that is likely to be nearly the same.
   */
  async markMap(root: MapRoot, needer: string, before?: MapRoot): Promise<void> {
    try {
      const alike = before?.depth === root.depth ? before.rootId : undefined;
      await this.#markNode(root.rootId, root.depth, alike);
    } catch (error) {
      if (isOperatingError(error, 'corrupt')) throw blocked(needer, error);
      throw error;
    }
  }

  /**
   * Marks the base of every patch, also of one that nothing refers to: as long as its pack is there
   * a writer may find it and rely on it. Only packs from number `first` on are looked at. Returns
   * the bytes that are kept only for such patches.
   */
  async markBases(first = 0): Promise<number> {
    let bytesDeferred = 0;
    const { index } = this.#source;
    const packs = index.packs().filter(({ patches, number }) => patches && number >= first);
    const groups = Map.groupBy(packs, ({ indexId, packId }) => indexId ?? packId);
    await atOnce(mapsAtOnce, groups.values(), async (group) => {
      throwIfAborted(this.#signal);
      for (const { packId, directory } of await this.#directoriesOf(group)) {
        for (const { idAt, baseAt } of entriesOf(directory, packName(packId))) {
          if (baseAt === -1 || this.#mark(directory, baseAt) !== 'now') continue;
          if (index.table.isMarked(marks.live, directory, idAt)) continue;
          bytesDeferred += index.find(directory, baseAt)?.lengthBytes ?? 0;
        }
      }
    });
    return bytesDeferred;
  }

  /** The directories of packs of one index: from that, or else from the packs themselves. */
  async #directoriesOf(
    packs: readonly Pack[],
  ): Promise<{ packId: string; directory: Uint8Array }[]> {
    const { store, keys } = this.#source;
    const indexed = await this.#indexed(packs[0]?.indexId);
    return Promise.all(
      packs.map(async (pack) => {
        const known = indexed.get(pack.packId);
        if (known?.sizeBytes === pack.sizeBytes) return known;
        return await readPackContent(store, keys, pack).catch((error: unknown) => {
          throw isOperatingError(error, 'corrupt') ? blocked(packName(pack.packId), error) : error;
        });
      }),
    );
  }

  /** What an index says of its packs; nothing when it cannot be read. */
  async #indexed(indexId: string | undefined): Promise<ReadonlyMap<string, PackContent>> {
    const { store, keys, index } = this.#source;
    if (indexId === undefined) return index.unindexed;
    try {
      const contents = await readIndex(store, keys, indexId);
      return new Map(contents.map((content) => [content.packId, content]));
    } catch (error) {
      const isLost = isOperatingError(error, 'corrupt') || isOperatingError(error, 'not_found');
      if (!isLost) throw error;
      return new Map();
    }
  }

  async #markNode(id: Uint8Array, level: number, before?: Uint8Array): Promise<void> {
    if (isZeroId(id)) return;
    let outcome = this.#mark(id, 0);
    if (outcome === 'missing') {
      // Another process may have stored it since the index was looked through.
      await this.#keeper.refresh(this.#signal);
      outcome = this.#mark(id, 0);
    }
    const key = keyOf(id);
    if (outcome === 'before') {
      if (!this.#whole.has(key)) this.#reliedOn.add(key);
      return;
    }
    throwIfAborted(this.#signal);
    try {
      const added = this.#differences.addedTo(this.#whole, id);
      if (added === undefined) await this.#markRead(id, level, before);
      else await this.#markBelow(added, level);
    } catch (error) {
      this.#unmark(id);
      if (this.#reliedOn.has(key)) this.isInDoubt = true;
      throw error;
    }
    this.#whole.add(key);
  }

  /** Marks what is below a node by what the node itself says. */
  async #markRead(id: Uint8Array, level: number, before: Uint8Array | undefined): Promise<void> {
    const ids = await this.#nodes.read(id, this.#signal);
    if (ids === undefined) return;
    const isComparable = before !== undefined && this.#whole.has(keyOf(before));
    const beforeIds = isComparable ? await this.#nodes.read(before, this.#signal) : undefined;
    await this.#markBelow(ids, level, beforeIds);
    if (before !== undefined && beforeIds !== undefined) {
      this.#differences.note(id, ids, before, beforeIds);
    }
  }

  /** Marks ids that are below a node. `before`: those below a node that is marked whole. */
  async #markBelow(ids: Uint8Array, level: number, before?: Uint8Array): Promise<void> {
    for (let at = 0; at < ids.length; at += idBytes) {
      if (before !== undefined && isSameId(ids, before, at)) continue;
      if (level > 1) {
        const child = ids.subarray(at, at + idBytes);
        await this.#markNode(child, level - 1, before?.subarray(at, at + idBytes));
      } else if (!isZeroId(ids, at)) this.#mark(ids, at);
    }
  }

  /** Leaves a node to whoever comes to it next. */
  #unmark(id: Uint8Array): void {
    const { index } = this.#source;
    const place = index.find(id);
    if (place === undefined || !index.table.isMarked(marks.live, id)) return;
    index.table.setMarks(id, marks.live, 0);
    const before = this.liveBytes.get(place.pack) ?? 0;
    this.liveBytes.set(place.pack, before - place.lengthBytes);
  }

  #mark(ids: Uint8Array, at: number): 'now' | 'before' | 'missing' {
    const outcome = this.#source.index.table.mark(marks.live, ids, at);
    if (outcome !== 'now') return outcome;
    const place = this.#source.index.find(ids, at);
    if (place === undefined) return outcome;
    const before = this.liveBytes.get(place.pack) ?? 0;
    this.liveBytes.set(place.pack, before + place.lengthBytes);
    return outcome;
  }
}

export function blocked(needer: string, cause: OperatingError): OperatingError {
  const message = `nothing can be pruned while ${needer} cannot be read whole: ${cause.message}`;
  return new OperatingError('corrupt', message, { cause });
}
