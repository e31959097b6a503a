import { isOperatingError } from '../base/errors.ts';
import type { Extent } from '../base/extent.ts';
import type { BackupEntry } from '../repository/backup-list.ts';
import type { Manifest } from '../repository/manifest.ts';
import type { Repository } from '../repository/repository.ts';
import type { BlockDevice } from '../volume/block-device.ts';
import type { SnapshotFacts, VolumeEngine } from '../volume/engine.ts';
import { checkpointId } from './checkpoint.ts';

export interface Parent {
  readonly manifest: Manifest;
  /**
   * Finds what differs between the parent and the snapshot, from the maps alone; called once.
   * Undefined when a layer that is needed for that is gone. Not there when none was left to begin
   * with, and anything may differ.
   */
  readonly difference?: () => Promise<Extent[] | undefined>;
}

interface Search {
  readonly engine: VolumeEngine;
  readonly repository: Repository;
  readonly snapshotId: string;
  /** The backups whose layers were found to be gone: they serve as the last resort only. */
  readonly gone: ReadonlySet<string>;
}

/**
 * The nearest backup that the snapshot's content grew from: the one whose layer comes first on the
 * way down the snapshot's chain. A clone's chain leads into its source's, so that the backups of
 * the source serve too. When no such layer is left, a newer backup that grew from the snapshot: the
 * maps between the two tell as well what differs. Else the newest backup of the same volume: then
 * everything is read, and only what that backup does not have is stored. Undefined when there is
 * none in this repository, or the snapshot is gone.
 */
export async function findParent(search: Search): Promise<Parent | undefined> {
  const { engine, repository, snapshotId } = search;
  const all = [...(await repository.backupEntries()).values()];
  // After the store, which may take its time, so that what the chain says is of this moment.
  const snapshot = await engine.findSnapshot(snapshotId);
  if (snapshot === undefined) return undefined;
  const entries = all.filter(({ lengthBytes }) => lengthBytes <= snapshot.lengthBytes);
  const ofVolume = entries
    .filter(({ volumeId }) => volumeId === snapshot.volumeId)
    .sort(newestFirst);
  return (
    (await findBelow(search, snapshot, entries)) ??
    (await findAbove(search, snapshot, ofVolume)) ??
    (await findAnyOf(repository, ofVolume))
  );
}

async function findBelow(
  { engine, repository, snapshotId, gone }: Search,
  { chain }: SnapshotFacts,
  entries: readonly BackupEntry[],
): Promise<Parent | undefined> {
  for (const layerId of chain) {
    for (const { backupId } of entries.filter((entry) => entry.layerId === layerId)) {
      if (gone.has(backupId)) continue;
      const hold = await holdLayer(engine, backupId);
      const manifest = await usableManifest(repository, backupId).catch(async (error: unknown) => {
        await hold?.close();
        throw error;
      });
      if (manifest === undefined) {
        await hold?.close();
        continue;
      }
      const difference = async (): Promise<Extent[] | undefined> => {
        try {
          return await engine.changedExtents({ snapshotId, sinceLayerId: layerId });
        } finally {
          await hold?.close();
        }
      };
      return { manifest, difference };
    }
  }
  return undefined;
}

/** Keeps the layer of a backup from being merged away, until closed, where it has a checkpoint. */
async function holdLayer(engine: VolumeEngine, backupId: string): Promise<BlockDevice | undefined> {
  return unlessGone(engine.openSnapshot(checkpointId(backupId)));
}

/** So many of the newest backups are looked at: as a rule the newest alone keeps a checkpoint. */
const aboveMax = 8;

async function findAbove(
  { engine, repository, gone }: Search,
  { layerId, lengthBytes }: SnapshotFacts,
  newest: readonly BackupEntry[],
): Promise<Parent | undefined> {
  for (const { backupId } of newest.slice(0, aboveMax)) {
    const snapshotId = checkpointId(backupId);
    const checkpoint = await engine.findSnapshot(snapshotId);
    if (checkpoint?.lengthBytes !== lengthBytes || gone.has(backupId)) continue;
    if (!checkpoint.chain.includes(layerId)) continue;
    const manifest = await usableManifest(repository, backupId);
    if (manifest === undefined) continue;
    const difference = async (): Promise<Extent[] | undefined> => {
      const changes = engine.changedExtents({ snapshotId, sinceLayerId: layerId });
      // What is known of the newer content says nothing of the snapshot's own, which is asked.
      return (await unlessGone(changes))?.map((extent) => ({ ...extent, kind: 'absent' }));
    };
    return { manifest, difference };
  }
  return undefined;
}

async function findAnyOf(
  repository: Repository,
  newest: readonly BackupEntry[],
): Promise<Parent | undefined> {
  for (const { backupId } of newest) {
    const manifest = await usableManifest(repository, backupId);
    if (manifest !== undefined) return { manifest };
  }
  return undefined;
}

function newestFirst(a: BackupEntry, b: BackupEntry): number {
  return a.dataTimestamp < b.dataTimestamp ? 1 : -1;
}

async function unlessGone<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found;
  } catch (error) {
    if (isOperatingError(error, 'not_found')) return undefined;
    throw error;
  }
}

/** Undefined for a backup that cannot be a parent: it was deleted since, or is damaged. */
async function usableManifest(
  repository: Repository,
  backupId: string,
): Promise<Manifest | undefined> {
  try {
    return await repository.findManifest(backupId);
  } catch (error) {
    if (isOperatingError(error, 'corrupt')) return undefined;
    throw error;
  }
}
