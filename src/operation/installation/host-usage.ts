/** What the projects have on the host that holds the volumes. */
import { OperatingError } from '../../base/errors.ts';
import { type CatalogReader, everyProject, type Total } from '../../catalog/catalog.ts';
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

type Counted = Omit<Total, 'of'>;

const projectsAtOnce = 1000;

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
      volumesGiB: volume?.sum ?? 0,
      snapshotCount: snapshot?.count ?? 0,
      snapshotsGiB: snapshot?.sum ?? 0,
    };
  });
}

/** By project, and under null together. */
async function countOf(
  catalog: CatalogReader,
  table: 'volumes' | 'snapshots',
): Promise<Map<string | null, Counted>> {
  const counts = new Map<string | null, Counted>();
  const whole = { count: 0, sum: 0 };
  const query = { where: { projectId: everyProject }, sum: 'size', limit: projectsAtOnce } as const;
  let found: Total[] = [];
  do {
    const last = found.at(-1);
    const page = last === undefined ? query : { ...query, after: last.of };
    found = await catalog.totals(table, 'projectId', page);
    for (const { of, count, sum } of found) {
      counts.set(of, { count, sum });
      whole.count += count;
      whole.sum += sum;
    }
  } while (found.length === projectsAtOnce);
  return counts.set(null, whole);
}
