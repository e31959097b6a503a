/** What volumes and snapshots take up on this host. */
import { GiB } from '../base/bytes.ts';
import { isOperatingError } from '../base/errors.ts';
import type { Caller } from '../identity/caller.ts';
import type { Usage } from '../volume/engine.ts';
import type { OperationNeeds } from './needs.ts';
import { showSnapshot } from './snapshot/list-snapshots.ts';
import { showVolume } from './volume/list-volumes.ts';

export type { Usage } from '../volume/engine.ts';

type Needs = Pick<OperationNeeds, 'catalog' | 'engine'>;

/** For whom may read the volume. One that is not made yet, or failed to be made, takes nothing. */
export async function volumeUsage(needs: Needs, caller: Caller, volumeId: string): Promise<Usage> {
  const { size } = await showVolume(needs, caller, volumeId);
  return await usageOf(needs, { volumeId }, size);
}

/** For whom may read the snapshot. */
export async function snapshotUsage(
  needs: Needs,
  caller: Caller,
  snapshotId: string,
): Promise<Usage> {
  const { size } = await showSnapshot(needs, caller, snapshotId);
  return await usageOf(needs, { snapshotId }, size);
}

async function usageOf(
  { engine }: Needs,
  of: { volumeId: string } | { snapshotId: string },
  sizeGiB: number,
): Promise<Usage> {
  try {
    return await engine.usage(of);
  } catch (error) {
    if (!isOperatingError(error, 'not_found')) throw error;
    return { logicalBytes: sizeGiB * GiB, allocatedBytes: 0, sharedBytes: 0, exclusiveBytes: 0 };
  }
}
