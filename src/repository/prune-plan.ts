/**
 * Finds what no backup refers to: marks every block that a manifest, or a running writer or reader,
 * reaches, and adds up for each pack how much of it is marked.
 *
 * A manifest or map node that cannot be read hides what it refers to, so that nothing is planned
 * until that backup is deleted or repaired.
 */
import { throwIfAborted } from '../base/abort.ts';
import { atOnce } from '../base/at-once.ts';
import { isOperatingError, OperatingError } from '../base/errors.ts';
import { marks } from './block-table.ts';
import type { Pack } from './block-index.ts';
import { hexOf, idBytes, isZeroId } from './block.ts';
import type { BlockSource } from './fetch.ts';
import type { Holds } from './holds.ts';
import type { IndexKeeper } from './index-keeper.ts';
import { describeOwner, type Leases, type SeenLease } from './leases.ts';
import { type Manifest, manifestName } from './manifest.ts';
import type { DamagedManifest } from './manifests.ts';
import type { MapRoot } from './map.ts';
import { NodeReader } from './nodes.ts';
import { entriesOf, packName } from './pack-format.ts';
import { readPackContent } from './pack-read.ts';

/** A pack of which less than this is live is written anew without what is dead. */
const liveShareMin = 0.5;
/** Maps are walked, and directories read, so many at a time: a store takes its time for each. */
const mapsAtOnce = 16;

/** What a prune looks at. */
export interface PruneParts {
  readonly source: BlockSource;
  readonly holds: Holds;
  readonly leases: Leases;
  readonly keeper: IndexKeeper;
  readonly list: () => AsyncIterable<Manifest | DamagedManifest>;
}

export interface PlannedPack {
  readonly packId: string;
  readonly sizeBytes: number;
  readonly liveBytes: number;
}

export interface PrunePlan {
  /** The moment of the plan, by the repository's own count. */
  readonly moment: number;
  /** A pack that somebody used at this moment or later stays. */
  readonly usedSince: number;
  /** The roots of all maps that were reached, as hexadecimal ids. */
  readonly rootIds: Set<string>;
  /** Packs that hold nothing live. */
  readonly remove: readonly PlannedPack[];
  /** Packs whose live blocks are copied before they are removed. */
  readonly rewrite: readonly PlannedPack[];
  readonly bytesTotal: number;
  /** Bytes that the store will have back. */
  readonly bytesFreed: number;
  /** Bytes kept for patches that nothing refers to; when these go, the next plan frees them. */
  readonly bytesDeferred: number;
  /** Packs with a smaller number were seen. */
  readonly packCount: number;
  /** The live bytes of each pack, by its number; none of those that came since. */
  readonly liveBytes: ReadonlyMap<number, number>;
}

export async function planPrune(parts: PruneParts, signal?: AbortSignal): Promise<PrunePlan> {
  const { source, holds, keeper } = parts;
  const { index } = source;
  await keeper.refresh(signal);
  index.table.clearMarks(marks.live);
  const { moment, roots, usedSince } = holds.beginPlan();
  index.liveMarksOf = moment;
  const marking = new Marking(source, keeper, signal);
  const rootIds = new Set<string>();
  for (const root of roots) {
    rootIds.add(hexOf(root.rootId));
    await marking.markMap(root, 'a backup that is being made or read');
  }
  await markOthers(parts, await parts.leases.others(), { marking, rootIds });
  const { packCount } = index;
  const bytesDeferred = await marking.markBases();
  const { liveBytes: liveBytesOf } = marking;
  const remove: PlannedPack[] = [];
  const rewrite: PlannedPack[] = [];
  let bytesTotal = 0;
  let bytesFreed = 0;
  for (const pack of index.packs()) {
    bytesTotal += pack.sizeBytes;
    const { packId, sizeBytes } = pack;
    const liveBytes = liveBytesOf.get(pack.number) ?? 0;
    // What was condemned goes, whoever began with it.
    const mayStay = !pack.condemned && liveBytes > sizeBytes * liveShareMin;
    if (mayStay || pack.lastUse >= usedSince) continue;
    (liveBytes === 0 ? remove : rewrite).push({ packId, sizeBytes, liveBytes });
    bytesFreed += sizeBytes - liveBytes;
  }
  const bytes = { bytesTotal, bytesFreed, bytesDeferred, liveBytes: liveBytesOf };
  return { moment, usedSince, packCount, rootIds, remove, rewrite, ...bytes };
}

/**
 * Marks what processes with these leases rely on, and what every backup holds, but for the maps in
 * `rootIds`, to which the others are added. The leases were looked at before: what a writer has
 * made that has none any more is among the backups.
 */
export async function markOthers(
  { source, list }: PruneParts,
  leases: readonly SeenLease[],
  { marking, rootIds }: { marking: Marking; rootIds: Set<string> },
): Promise<void> {
  const mark = async (
    { rootId, depth }: { rootId: string; depth: number },
    needer: string,
    isNeeded: () => Promise<boolean>,
  ): Promise<void> => {
    if (rootIds.has(rootId)) return;
    rootIds.add(rootId);
    try {
      await marking.markMap({ rootId: Buffer.from(rootId, 'hex'), depth }, needer);
    } catch (error) {
      if (!isOperatingError(error, 'corrupt') || (await isNeeded())) throw error;
      rootIds.delete(rootId);
    }
  };
  for (const lease of leases) {
    for (const root of lease.roots) {
      const map = { rootId: hexOf(root.rootId), depth: root.depth };
      // Its backup was pruned before the lease was there, or blocks the plan itself.
      await mark(map, `a backup of ${describeOwner(lease)}`, async () => false);
    }
  }
  await atOnce(mapsAtOnce, list(), async (found) => {
    if ('error' in found) throw blocked(manifestName(found.backupId), found.error);
    const name = manifestName(found.backupId);
    // Deleted since it was listed, and pruned by another process.
    await mark(found.map, name, async () => (await source.store.sizeOf(name)) !== undefined);
  });
}

/** True when no writer relies on the pack that a plan does not see in a backup. */
export function mayGo(pack: Pack, usedSince: number): boolean {
  return !pack.condemned && pack.lastUse < usedSince;
}

export class Marking {
  /** Bytes of marked blocks, by the number of the pack. */
  readonly liveBytes = new Map<number, number>();
  readonly #source: BlockSource;
  readonly #keeper: IndexKeeper;
  readonly #nodes: NodeReader;
  readonly #signal: AbortSignal | undefined;

  constructor(source: BlockSource, keeper: IndexKeeper, signal: AbortSignal | undefined) {
    this.#source = source;
    this.#keeper = keeper;
    this.#nodes = new NodeReader(source);
    this.#signal = signal;
  }

  async markMap(root: MapRoot, needer: string): Promise<void> {
    try {
      await this.#markNode(root.rootId, root.depth);
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
    const { store, keys, index } = this.#source;
    const packs = index.packs().filter(({ patches, number }) => patches && number >= first);
    await atOnce(mapsAtOnce, packs, async (pack) => {
      throwIfAborted(this.#signal);
      const { directory } = await readPackContent(store, keys, pack).catch((error: unknown) => {
        throw isOperatingError(error, 'corrupt') ? blocked(packName(pack.packId), error) : error;
      });
      for (const { idAt, baseAt } of entriesOf(directory, packName(pack.packId))) {
        if (baseAt === -1 || this.#mark(directory, baseAt) !== 'now') continue;
        if (index.table.isMarked(marks.live, directory, idAt)) continue;
        bytesDeferred += index.find(directory, baseAt)?.lengthBytes ?? 0;
      }
    });
    return bytesDeferred;
  }

  async #markNode(id: Uint8Array, level: number): Promise<void> {
    if (isZeroId(id)) return;
    let outcome = this.#mark(id, 0);
    if (outcome === 'missing') {
      // Another process may have stored it since the index was looked through.
      await this.#keeper.refresh(this.#signal);
      outcome = this.#mark(id, 0);
    }
    if (outcome === 'before') return;
    throwIfAborted(this.#signal);
    const ids = await this.#nodes.read(id, this.#signal);
    if (ids === undefined) return;
    for (let at = 0; at < ids.length; at += idBytes) {
      if (level > 1) await this.#markNode(ids.subarray(at, at + idBytes), level - 1);
      else if (!isZeroId(ids, at)) this.#mark(ids, at);
    }
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

function blocked(needer: string, cause: OperatingError): OperatingError {
  const message = `nothing can be pruned while ${needer} cannot be read whole: ${cause.message}`;
  return new OperatingError('corrupt', message, { cause });
}
