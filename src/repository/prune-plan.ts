/**
 * Finds what no backup refers to: marks every block that a manifest, or a running writer or reader,
 * reaches, and adds up for each pack how much of it is marked.
 *
 * A manifest or map node that cannot be read hides what it refers to, so that nothing is planned
 * until that backup is deleted or repaired.
 */
import { atOnce } from '../base/at-once.ts';
import { isOperatingError, OperatingError } from '../base/errors.ts';
import { marks } from './block-table.ts';
import type { Pack } from './block-index.ts';
import { hexOf } from './block.ts';
import type { BlockSource } from './fetch.ts';
import type { Holds } from './holds.ts';
import type { IndexKeeper } from './index-keeper.ts';
import { describeOwner, type Leases, type SeenLease } from './leases.ts';
import { type Manifest, manifestName } from './manifest.ts';
import type { DamagedManifest } from './manifests.ts';
import type { MapRoot } from './map.ts';
import { blocked, mapsAtOnce, Marking } from './marking.ts';
import type { NodeDifferences } from './node-differences.ts';

/** A pack of which less than this is live is written anew without what is dead. */
const liveShareMin = 0.5;
/** Backups of a volume are looked at one after the other, about so many of them in a row. */
const rowLength = 32;

/** What a prune looks at. */
export interface PruneParts {
  readonly source: BlockSource;
  readonly holds: Holds;
  readonly leases: Leases;
  readonly keeper: IndexKeeper;
  /** What was learned of the maps by earlier prunes. */
  readonly differences: NodeDifferences;
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
  const { source, holds, keeper, differences } = parts;
  const { index } = source;
  await differences.begin();
  await keeper.refresh(signal);
  index.table.clearMarks(marks.live);
  const { moment, roots, usedSince } = holds.beginPlan();
  index.liveMarksOf = moment;
  const marking = new Marking(source, keeper, differences, signal);
  const rootIds = new Set<string>();
  for (const root of roots) {
    rootIds.add(hexOf(root.rootId));
    await marking.markMap(root, 'a backup that is being made or read');
  }
  holds.noteBackups(await markOthers(parts, await parts.leases.others(), { marking, rootIds }));
  const { packCount } = index;
  const bytesDeferred = await marking.markBases();
  await differences.save();
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
 * made that has none any more is among the backups. Answers the roots of the backups' maps.
 */
export async function markOthers(
  { source, list }: PruneParts,
  leases: readonly SeenLease[],
  { marking, rootIds }: { marking: Marking; rootIds: Set<string> },
): Promise<Set<string>> {
  const mark = async (
    { rootId, depth }: Manifest['map'],
    needer: string,
    isNeeded: () => Promise<boolean>,
    before?: Manifest['map'],
  ): Promise<void> => {
    if (rootIds.has(rootId)) return;
    rootIds.add(rootId);
    try {
      await marking.markMap(rootOf({ rootId, depth }), needer, before && rootOf(before));
    } catch (error) {
      if (!isOperatingError(error, 'corrupt') || (await isNeeded())) throw error;
      if (marking.isInDoubt) throw outOfDate();
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
  const markRow = async (row: readonly BackupMap[]): Promise<void> => {
    let before: Manifest['map'] | undefined;
    for (const { backupId, map } of row) {
      const name = manifestName(backupId);
      // Deleted since it was listed, and pruned by another process.
      const isNeeded = async (): Promise<boolean> =>
        (await source.store.sizeOf(name)) !== undefined;
      await mark(map, name, isNeeded, before);
      before = map;
    }
  };
  const maps = await mapsOf(list());
  const volumes = volumesOf(maps);
  // The first ones of the rows are a row of their own: of each volume one map is read whole.
  const firsts = volumes.map((each) => each.filter(beginsRow));
  await atOnce(mapsAtOnce, firsts, markRow);
  await atOnce(mapsAtOnce, volumes.flatMap(rowsOf), markRow);
  return new Set(maps.map(({ map }) => map.rootId));
}

export function outOfDate(): OperatingError {
  return new OperatingError('conflict', 'the plan to prune is out of date: plan again');
}

interface BackupMap {
  readonly backupId: string;
  readonly volumeId: string;
  readonly dataTimestamp: string;
  readonly map: Manifest['map'];
}

/** The maps of all backups. Rejects when one of them is not known. */
async function mapsOf(list: AsyncIterable<Manifest | DamagedManifest>): Promise<BackupMap[]> {
  const maps: BackupMap[] = [];
  for await (const found of list) {
    if ('error' in found) throw blocked(manifestName(found.backupId), found.error);
    const { backupId, volume, dataTimestamp, map } = found;
    maps.push({ backupId, volumeId: volume.volumeId, dataTimestamp, map });
  }
  return maps;
}

/** The backups of each volume by their age. */
function volumesOf(maps: readonly BackupMap[]): BackupMap[][] {
  const volumes = [...Map.groupBy(maps, ({ volumeId }) => volumeId).values()];
  for (const each of volumes) each.sort((a, b) => byText(a.dataTimestamp, b.dataTimestamp));
  return volumes;
}

/** By chance of its id, so that when others are deleted the rows stay as they were. */
function beginsRow({ map: { rootId } }: BackupMap, at: number): boolean {
  return at === 0 || Number.parseInt(rootId.slice(0, 8), 16) % rowLength === 0;
}

/** The backups of a volume in rows that can be looked at beside each other. */
function rowsOf(maps: readonly BackupMap[]): BackupMap[][] {
  const rows: BackupMap[][] = [];
  for (const [at, map] of maps.entries()) {
    if (beginsRow(map, at)) rows.push([map]);
    else rows.at(-1)?.push(map);
  }
  return rows;
}

function byText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

function rootOf({ rootId, depth }: Manifest['map']): MapRoot {
  return { rootId: Buffer.from(rootId, 'hex'), depth };
}

/** True when no writer relies on the pack that a plan does not see in a backup. */
export function mayGo(pack: Pack, usedSince: number): boolean {
  return !pack.condemned && pack.lastUse < usedSince;
}
