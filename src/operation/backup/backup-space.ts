import { setTimeout as sleep } from 'node:timers/promises';
import { isOperatingError } from '../../base/errors.ts';
import type { BackupRow } from '../../catalog/tables.ts';
import type { OperationNeeds } from '../needs.ts';
import { storedIdOf } from './find-backup.ts';
import type { BackupSpace } from './repository-types.ts';

/** A large repository is measured in the background; who asks does not wait longer. */
const waitMs = 1000;

/**
 * What a backup takes up in the store. Undefined while it is not there, or not measured yet:
 * whoever asks again later gets it.
 */
export async function spaceOfBackup(
  { repositories }: Pick<OperationNeeds, 'repositories'>,
  row: BackupRow,
): Promise<BackupSpace | undefined> {
  if (row.status === 'creating' || row.status === 'error') return undefined;
  const measuring = measure(repositories, row);
  return Promise.race([measuring, sleep(waitMs, undefined, { ref: false })]);
}

/** A store that does not answer, or a damaged backup, is no reason not to show the others. */
async function measure(
  repositories: OperationNeeds['repositories'],
  row: BackupRow,
): Promise<BackupSpace | undefined> {
  try {
    const repository = await repositories.open(row.container, { create: false });
    return (await repository.space()).get(storedIdOf(row));
  } catch (error) {
    if (isOperatingError(error)) return undefined;
    throw error;
  }
}
