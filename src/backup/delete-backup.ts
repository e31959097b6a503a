import type { Repository } from '../repository/repository.ts';
import type { VolumeEngine } from '../volume/engine.ts';
import { checkpointId } from './checkpoint.ts';

/**
 * Removes a backup. The manifest goes first: from then on there is no such backup, and all the rest
 * can be done again after a crash. No other backup depends on it. Its space is given back by
 * `pruneRepository`.
 */
export async function deleteBackup(options: {
  engine: VolumeEngine;
  repository: Repository;
  backupId: string;
}): Promise<void> {
  const { engine, repository, backupId } = options;
  await repository.deleteBackup(backupId);
  await engine.deleteSnapshot(checkpointId(backupId));
}
