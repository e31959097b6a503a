import type { Repository } from '../repository/repository.ts';
import type { VolumeEngine } from '../volume/engine.ts';
import { checkpointId } from './checkpoint.ts';

/**
 * Removes a backup, unless another record stands for it: false then. The manifest goes first: from
 * then on there is no such backup, and all the rest can be done again after a crash. No other
 * backup depends on it. Its space is given back by `pruneRepository`.
 */
export async function deleteBackup(options: {
  engine: VolumeEngine;
  repository: Repository;
  backupId: string;
  /** That of the imported record that is deleted; undefined: the backup was made for the record. */
  claimId?: string;
}): Promise<boolean> {
  const { engine, repository, backupId, claimId } = options;
  const isRemoved = await repository.deleteBackup(backupId, claimId);
  if (claimId === undefined) await engine.deleteSnapshot(checkpointId(backupId));
  return isRemoved;
}
