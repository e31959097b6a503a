import { isOperatingError } from '../base/errors.ts';
import type { BackupEntry } from '../repository/backup-list.ts';
import type { Manifest } from '../repository/manifest.ts';
import type { Repository } from '../repository/repository.ts';
import type { SnapshotFacts } from '../volume/engine.ts';

export interface Parent {
  readonly manifest: Manifest;
  /** The layer that the parent was made from, if it is one under the snapshot. */
  readonly layerId: string | undefined;
}

/**
 * The nearest backup that the snapshot's content grew from: the one whose layer comes first on the
 * way down the snapshot's chain. A clone's chain leads into its source's, so that the backups of
 * the source serve too. When no such layer is left, the newest backup of the same volume: then
 * everything is read, and only what that backup does not have is stored. Undefined when there is
 * none in this repository.
 */
export async function findParent(options: {
  repository: Repository;
  snapshot: SnapshotFacts;
}): Promise<Parent | undefined> {
  const { repository, snapshot } = options;
  const entries = [...(await repository.backupEntries()).values()].filter(
    ({ lengthBytes }) => lengthBytes <= snapshot.lengthBytes,
  );
  for (const layerId of snapshot.chain) {
    for (const { backupId } of entries.filter((entry) => entry.layerId === layerId)) {
      const manifest = await usableManifest(repository, backupId);
      if (manifest !== undefined) return { manifest, layerId };
    }
  }
  const { volumeId } = snapshot;
  const ofVolume = entries.filter((entry) => entry.volumeId === volumeId).sort(newestFirst);
  for (const { backupId } of ofVolume) {
    const manifest = await usableManifest(repository, backupId);
    if (manifest !== undefined) return { manifest, layerId: undefined };
  }
  return undefined;
}

function newestFirst(a: BackupEntry, b: BackupEntry): number {
  return a.dataTimestamp < b.dataTimestamp ? 1 : -1;
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
