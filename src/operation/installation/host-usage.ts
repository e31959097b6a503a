/** What the projects have on the host that holds the volumes. */
import { OperatingError } from '../../base/errors.ts';
import { type CatalogReader, everyProject } from '../../catalog/catalog.ts';
import { everyPick } from '../../catalog/every-row.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import type { Reading } from '../needs.ts';
import { services } from './binaries.ts';

export interface ProjectUsage {
  /** Null: of all projects together. */
  readonly projectId: string | null;
  readonly volumeCount: number;
  readonly volumesGiB: number;
  readonly snapshotCount: number;
  readonly snapshotsGiB: number;
}

/** All projects together first, then each that has volumes. Rejects with `not_found`. */
export async function usageOfHost(
  { catalog }: Reading,
  caller: Caller,
  host: string,
): Promise<ProjectUsage[]> {
  authorize(caller, 'volume_extension:hosts');
  if (host !== services['cinder-volume']) {
    const message = `Service cinder-volume could not be found on host ${host}.`;
    throw new OperatingError('not_found', message);
  }
  const volumes = await countOf(catalog, 'volumes');
  const snapshots = await countOf(catalog, 'snapshots');
  return [null, ...volumes.keys().filter((id) => id !== null)].map((projectId) => {
    const [volume, snapshot] = [volumes.get(projectId), snapshots.get(projectId)];
    return {
      projectId,
      volumeCount: volume?.count ?? 0,
      volumesGiB: volume?.sizeGiB ?? 0,
      snapshotCount: snapshot?.count ?? 0,
      snapshotsGiB: snapshot?.sizeGiB ?? 0,
    };
  });
}

interface Counted {
  readonly count: number;
  readonly sizeGiB: number;
}

/** By project, and under null together. */
async function countOf(
  catalog: CatalogReader,
  table: 'volumes' | 'snapshots',
): Promise<Map<string | null, Counted>> {
  const counts = new Map<string | null, Counted>();
  const all = everyPick(catalog, table, ['projectId', 'size'], { projectId: everyProject });
  for await (const { projectId, size } of all) {
    for (const key of [projectId, null]) {
      const { count, sizeGiB } = counts.get(key) ?? { count: 0, sizeGiB: 0 };
      counts.set(key, { count: count + 1, sizeGiB: sizeGiB + size });
    }
  }
  return counts;
}
