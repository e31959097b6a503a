import { throwIfAborted } from '../base/abort.ts';
import type { Repository } from '../repository/repository.ts';
import type { VolumeEngine } from '../volume/engine.ts';
import { checkpointId } from './checkpoint.ts';

/**
 * Removes a backup and gives back what nothing else refers to. The manifest goes first: from then
 * on
 * there is no such backup, and all the rest can be done again after a crash. No other backup
 * depends
 * on it.
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
  await repository.executePrune(await repository.planPrune(), { signal });
}
