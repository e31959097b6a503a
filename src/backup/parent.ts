import { isOperatingError } from '../base/errors.ts';
import type { Extent } from '../base/extent.ts';
import type { Manifest } from '../repository/manifest.ts';
import type { Repository } from '../repository/repository.ts';
import type { SnapshotFacts, VolumeEngine } from '../volume/engine.ts';

export interface Parent {
  readonly manifest: Manifest;
  /** What differs between the parent and the snapshot. */
  readonly changed: readonly Extent[];
}

/**
 * The nearest backup that the snapshot's content grew from: the one whose layer comes first on the
 * way down the snapshot's chain. A clone's chain leads into its source's, so that the backups of
 * the source serve too. Undefined when there is none in this repository.
 */
export async function findParent(options: {
  engine: VolumeEngine;
  repository: Repository;
  snapshot: SnapshotFacts;
}): Promise<Parent | undefined> {
  const { engine, repository, snapshot } = options;
  const manifest = await nearestBackup(repository, snapshot);
  if (manifest === undefined) return undefined;
  const changed = await engine.changedExtents({
    snapshotId: snapshot.snapshotId,
    sinceLayerId: manifest.layerId,
  });
  return changed === undefined ? undefined : { manifest, changed };
}

async function nearestBackup(
  repository: Repository,
  snapshot: SnapshotFacts,
): Promise<Manifest | undefined> {
  const chain = new Set(snapshot.chain);
  const all = await repository.backupLayers();
  const candidates = [...all].filter(([, layerId]) => chain.has(layerId));
  for (const layerId of chain) {
    for (const [backupId, ofLayer] of candidates) {
      if (ofLayer !== layerId) continue;
      const manifest = await usableManifest(repository, backupId);
      if (manifest !== undefined && manifest.lengthBytes <= snapshot.lengthBytes) return manifest;
    }
  }
  return undefined;
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
