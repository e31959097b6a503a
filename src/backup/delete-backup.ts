import { throwIfAborted } from '../base/abort.ts';
import { isOperatingError } from '../base/errors.ts';
import type { Repository } from '../repository/repository.ts';
import type { VolumeEngine } from '../volume/engine.ts';
import { checkpointId } from './checkpoint.ts';

/**
 * Removes a backup and gives back what nothing else refers to. The manifest goes first: from then
 * on there is no such backup, and all the rest can be done again after a crash. No other backup
 * depends on it.
 */
export async function deleteBackup(options: {
  engine: VolumeEngine;
  repository: Repository;
  backupId: string;
  signal: AbortSignal;
}): Promise<void> {
  const { engine, repository, backupId, signal } = options;
  await repository.deleteBackup(backupId);
  await engine.deleteSnapshot(checkpointId(backupId));
  throwIfAborted(signal);
  await giveBackSpace(repository, signal);
}

/**
 * Prunes. What some other damaged backup needs cannot be known, and what somebody began to read
 * since the plan must stay: then a later prune gives the space back, and the backup is gone anyhow.
 */
async function giveBackSpace(repository: Repository, signal: AbortSignal): Promise<void> {
  try {
    for (let again = true; again;) {
      const plan = await repository.planPrune({ signal });
      const { packsRemoved } = await repository.executePrune(plan, { signal });
      // With the packs of patches that nothing refers to, what these lay on can go.
      again = packsRemoved > 0 && plan.bytesDeferred > 0;
    }
  } catch (error) {
    if (!isOperatingError(error, 'corrupt') && !isOperatingError(error, 'conflict')) throw error;
  }
}
