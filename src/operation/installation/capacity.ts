/** How much room there is for volumes, of the host and as promised to projects. */
import { GiB } from '../../base/bytes.ts';
import { everyProject } from '../../catalog/catalog.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize, type Action } from '../../identity/policy.ts';
import type { OperationNeeds } from '../needs.ts';

export interface Capacity {
  readonly totalGiB: number;
  readonly freeGiB: number;
  /** The sizes of all volumes together; they take what they hold. */
  readonly provisionedGiB: number;
  readonly volumeCount: number;
}

type Needs = Pick<OperationNeeds, 'catalog' | 'hostSpace'>;

/** For administrators, who need the right to `action`. */
export async function showCapacity(
  { catalog, hostSpace }: Needs,
  caller: Caller,
  action: Action,
): Promise<Capacity> {
  authorize(caller, action);
  const { totalBytes, freeBytes } = await hostSpace();
  const where = { projectId: everyProject } as const;
  return {
    totalGiB: rounded(totalBytes),
    freeGiB: rounded(freeBytes),
    provisionedGiB: await catalog.sum('volumes', 'size', where),
    volumeCount: await catalog.count('volumes', where),
  };
}

function rounded(bytes: number): number {
  return Math.round((bytes / GiB) * 100) / 100;
}
