import { checkpointId } from '../../backup/checkpoint.ts';
import { deleteBackup } from '../../backup/delete-backup.ts';
import { isOperatingError } from '../../base/errors.ts';
import type { BackupRow } from '../../catalog/tables.ts';
import type { OperationNeeds } from '../needs.ts';
import { claimIdOf } from './claim-id.ts';
import type { Repository } from './repository-types.ts';

/**
 * Removes what the store and the engine hold for a record; what is not there is no error. The data
 * stays while another record, here or in another installation, stands for the same backup: false
 * then.
 */
export async function removeStoredBackup(
  { catalog, engine, repositories }: Pick<OperationNeeds, 'catalog' | 'engine' | 'repositories'>,
  { id, storedId, container }: Pick<BackupRow, 'id' | 'storedId' | 'container'>,
): Promise<boolean> {
  let repository: Repository;
  try {
    repository = await repositories.open(container, { create: false });
  } catch (error) {
    // A backup that failed before anything was stored may have left no repository.
    if (!isOperatingError(error, 'not_found')) throw error;
    await engine.deleteSnapshot(checkpointId(id));
    return true;
  }
  if (storedId === null) return await deleteBackup({ engine, repository, backupId: id });
  const claimId = await claimIdOf(catalog, id);
  return await deleteBackup({ engine, repository, backupId: storedId, claimId });
}
