import type { ProjectScope, Where } from '../../catalog/catalog.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import { everyRow } from '../../catalog/every-row.ts';
import type { Reading } from '../needs.ts';
import { listScope, type Projects } from '../scope.ts';

export interface VolumeSummary {
  readonly totalSizeGiB: number;
  readonly totalCount: number;
  /** Every value that a key of the volumes' metadata has. */
  readonly metadata: Readonly<Record<string, readonly string[]>>;
}

/** How many volumes there are and how large; with `metadata` every volume is looked at. */
export async function summarizeVolumes(
  { catalog }: Reading,
  caller: Caller,
  wanted: {
    where: Omit<Where<'volumes'>, 'projectId'>;
    projects: Projects;
    metadata: boolean;
  },
): Promise<VolumeSummary> {
  authorize(caller, 'volume:get_all');
  const projectId: ProjectScope = listScope(caller, wanted.projects);
  const where: Where<'volumes'> = { ...wanted.where, projectId };
  const values = new Map<string, Set<string>>();
  if (wanted.metadata) {
    for await (const { metadata } of everyRow(catalog, 'volumes', where)) {
      for (const [key, value] of Object.entries(metadata)) {
        values.set(key, (values.get(key) ?? new Set()).add(value));
      }
    }
  }
  return {
    totalCount: await catalog.count('volumes', where),
    totalSizeGiB: await catalog.sum('volumes', 'size', where),
    metadata: Object.fromEntries([...values].map(([key, set]) => [key, [...set]])),
  };
}
