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
 * the
 * source serve too. Undefined when there is none in this repository.
 */
export async function findParent(options: {
  engine: VolumeEngine;
  repository: Repository;
  snapshot: SnapshotFacts;
}): Promise<Parent | undefined> {
  const { engine, repository, snapshot } = options;
  const depths = new Map(snapshot.chain.map((layerId, depth) => [layerId, depth]));
  let nearest: { manifest: Manifest; depth: number } | undefined;
  for await (const listed of repository.listBackups()) {
    if ('error' in listed) continue;
    const depth = depths.get(listed.layerId);
    if (depth === undefined || listed.lengthBytes > snapshot.lengthBytes) continue;
    if (nearest === undefined || depth < nearest.depth) nearest = { manifest: listed, depth };
  }
  if (nearest === undefined) return undefined;
  const changed = await engine.changedExtents({
    snapshotId: snapshot.snapshotId,
    sinceLayerId: nearest.manifest.layerId,
  });
  return changed === undefined ? undefined : { manifest: nearest.manifest, changed };
}
