/** A volume as a picture: where it holds what, and how it came to be so. */
import { OperatingError } from '../base/errors.ts';
import { everyProject } from '../catalog/catalog.ts';
import type { BackupRow, SnapshotRow } from '../catalog/tables.ts';
import type { Caller } from '../identity/caller.ts';
import { authorize } from '../identity/policy.ts';
import type { SpaceMap } from '../volume/engine.ts';
import { findBackup } from './backup/find-backup.ts';
import type { OperationNeeds } from './needs.ts';
import { ofVolume } from './scope.ts';
import { showVolume } from './volume/list-volumes.ts';

type Needs = Pick<OperationNeeds, 'catalog' | 'engine'>;

/** Points of a history that are shown at most, the newest. */
const pointsMax = 100;

export interface VolumePicture extends SpaceMap {
  /** The snapshot that is drawn; undefined: the volume as it is now. */
  readonly until: string | undefined;
  /** The snapshot or backup that `changed` is against; undefined when there is none. */
  readonly since: string | undefined;
}

/**
 * Where the volume holds what, and what differs from `since`: the id of a snapshot or backup of it;
 * without one, the newest backup that the volume still knows. With `until`, a snapshot of it or a
 * backup of such, that is drawn instead of the volume as it is now.
 */
export async function drawVolume(
  needs: Needs,
  caller: Caller,
  volumeId: string,
  options: { buckets: number; since: string | undefined; until?: string | undefined },
): Promise<VolumePicture> {
  await showVolume(needs, caller, volumeId);
  const { buckets, since, until } = options;
  const point =
    since === undefined
      ? await newestBackup(needs, volumeId)
      : await pointOf(needs, caller, volumeId, since);
  const layer = point?.layerId ?? null;
  const map = await needs.engine.spaceMap({
    of: until === undefined ? { volumeId } : await snapshotOf(needs, caller, volumeId, until),
    buckets,
    ...(layer === null ? {} : { sinceLayerId: layer }),
  });
  return { ...map, until, since: map.changed === undefined ? undefined : point?.id };
}

/** The snapshot that a point of the volume's history is, or that a backup was made of. */
async function snapshotOf(
  { catalog }: Needs,
  caller: Caller,
  volumeId: string,
  pointId: string,
): Promise<{ snapshotId: string }> {
  const there = (id: string) => catalog.find('snapshots', { ...ofVolume(volumeId), id });
  if ((await there(pointId)) !== undefined) return { snapshotId: pointId };
  const { snapshotId } = await findBackup(catalog, caller, pointId);
  if (snapshotId !== null && (await there(snapshotId)) !== undefined) return { snapshotId };
  throw new OperatingError(
    'invalid_input',
    `until must be a snapshot of the volume, or a backup of one that is there; ${pointId} is none.`,
    { field: 'until' },
  );
}

interface Point {
  readonly id: string;
  readonly layerId: string | null;
}

async function newestBackup({ catalog }: Needs, volumeId: string): Promise<Point | undefined> {
  const where = { ...ofVolume(volumeId), status: 'available' as const };
  const [backup] = await catalog.list('backups', { where, limit: 1 });
  return backup;
}

async function pointOf(
  { catalog, engine }: Needs,
  caller: Caller,
  volumeId: string,
  id: string,
): Promise<Point> {
  const snapshot = await catalog.find('snapshots', { ...ofVolume(volumeId), id });
  if (snapshot !== undefined) {
    const facts = await engine.findSnapshot(id);
    return { id, layerId: facts?.layerId ?? null };
  }
  return await findBackup(catalog, caller, id);
}

/** A snapshot or a backup of a volume, and what had changed by then. */
export interface HistoryPoint {
  readonly kind: 'snapshot' | 'backup';
  readonly row: SnapshotRow | BackupRow;
  readonly at: number;
  /** Bytes that differ from the snapshot before; null when that is not known. */
  readonly changedBytes: number | null;
}

/** The newest snapshots and backups of a volume, oldest first. */
export async function volumeHistory(
  needs: Needs,
  caller: Caller,
  volumeId: string,
): Promise<HistoryPoint[]> {
  authorize(caller, 'volume:get_all_snapshots');
  authorize(caller, 'backup:get_all');
  await showVolume(needs, caller, volumeId);
  const query = { where: { volumeId, projectId: everyProject }, limit: pointsMax } as const;
  const snapshots = (await needs.catalog.list('snapshots', query)).toReversed();
  const backups = await needs.catalog.list('backups', query);
  const takenAt = new Map(snapshots.map((row) => [row.id, row.createdAt]));
  const points: HistoryPoint[] = backups.map((row) => ({
    kind: 'backup',
    row,
    at: takenAt.get(row.snapshotId ?? '') ?? row.dataTimestamp,
    changedBytes: row.bytesTotal,
  }));
  let layerBefore: string | undefined;
  for (const row of snapshots) {
    const layerId = (await needs.engine.findSnapshot(row.id))?.layerId;
    const changedBytes =
      layerId === undefined ? null : await changedSince(needs, row.id, layerBefore);
    points.push({ kind: 'snapshot', row, at: row.createdAt, changedBytes });
    layerBefore = layerId ?? layerBefore;
  }
  // A backup of a snapshot comes after it.
  const rank = { snapshot: 0, backup: 1 } as const;
  points.sort((a, b) => a.at - b.at || rank[a.kind] - rank[b.kind]);
  return points.slice(-pointsMax);
}

/** What a snapshot holds beyond a layer; all its data when there is none before. */
async function changedSince(
  { engine }: Needs,
  snapshotId: string,
  sinceLayerId: string | undefined,
): Promise<number | null> {
  const map = await engine.spaceMap({
    of: { snapshotId },
    buckets: 1,
    ...(sinceLayerId === undefined ? {} : { sinceLayerId }),
  });
  const counts = sinceLayerId === undefined ? map.allocated : map.changed;
  return counts === undefined ? null : counts.reduce((sum, bytes) => sum + bytes, 0);
}
