import { checkpointId } from '../../backup/checkpoint.ts';
import { deleteBackup } from '../../backup/delete-backup.ts';
import { isOperatingError } from '../../base/errors.ts';
import type { OperationNeeds } from '../needs.ts';
import type { Repository } from './repository-types.ts';

/** Removes what the store and the engine hold for a backup; what is not there is no error. */
export async function removeStoredBackup(
  needs: Pick<OperationNeeds, 'engine' | 'repositories'>,
  backup: { backupId: string; container: string },
): Promise<void> {
  const { engine, repositories } = needs;
  const { backupId, container } = backup;
  let repository: Repository;
  try {
    repository = await repositories.open(container, { create: false });
  } catch (error) {
    // A backup that failed before anything was stored may have left no repository.
    if (!isOperatingError(error, 'not_found')) throw error;
    await engine.deleteSnapshot(checkpointId(backupId));
    return;
  }
  await deleteBackup({ engine, repository, backupId });
}
