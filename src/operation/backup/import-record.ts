import { isOperatingError, type OperatingError } from '../../base/errors.ts';
import type { BackupRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import { demandBackupService } from '../installation/binaries.ts';
import type { OperationNeeds } from '../needs.ts';
import { demandQuota } from '../quota.ts';
import { byId } from '../scope.ts';
import { rowOf } from './adopt-backups.ts';
import {
  type BackupRecord,
  decodeRecord,
  encodeRecord,
  type RecordPlace,
} from './backup-record.ts';
import { claimIdOf } from './claim-id.ts';
import { containerFor } from './container.ts';
import { findBackup, invalidBackup } from './find-backup.ts';
import type { Manifest, Repository } from './repository-types.ts';

type Needs = Pick<OperationNeeds, 'catalog' | 'repositories'>;

/** The record of a backup, for another installation that has the store and the key. */
export async function exportRecord(
  { catalog, repositories }: Needs,
  caller: Caller,
  backupId: string,
): Promise<BackupRecord> {
  authorize(caller, 'backup:export-import');
  const row = await findBackup(catalog, caller, backupId);
  if (row.status !== 'available') {
    throw invalidBackup(`Backup status must be available and not ${row.status}.`);
  }
  await demandBackupService(catalog);
  const repository = await repositories.open(row.container, { create: false });
  return encodeRecord(row, repository.id);
}

/**
 * Makes a record for a backup that the store holds. It belongs to the caller's project, and shares
 * the data with whatever other records stand for the same backup, here or elsewhere.
 */
export async function importRecord(
  { catalog, repositories }: Needs,
  caller: Caller,
  record: BackupRecord,
): Promise<BackupRow> {
  authorize(caller, 'backup:backup-import');
  const place = decodeRecord(record);
  const container = containerFor(place.container);
  if ((await catalog.find('backups', byId(place.id))) !== undefined) throw thereAlready(place.id);
  await demandBackupService(catalog);
  const repository = await openPlace(repositories, container, place);
  const claimId = await claimIdOf(catalog, place.id);
  const manifest = await claim(repository, place, claimId);
  const row: BackupRow = {
    ...rowOf(manifest, { projectId: caller.projectId, container }),
    id: place.id,
    storedId: place.storedId,
    userId: caller.userId,
    ...(place.name === undefined ? {} : { name: place.name }),
    ...(place.description === undefined ? {} : { description: place.description }),
  };
  try {
    await catalog.transact(async (transaction) => {
      const there = await transaction.find('backups', byId(row.id));
      if (there !== undefined) throw thereAlready(row.id);
      await demandQuota(transaction, row.projectId, { backups: 1, backup_gigabytes: row.size });
      await transaction.insert('backups', row);
    });
  } catch (error) {
    // Another import of the same record may have won, and needs the claim.
    const other = await catalog.find('backups', byId(row.id));
    if (other === undefined) await repository.deleteBackup(place.storedId, claimId);
    throw error;
  }
  return row;
}

async function openPlace(
  repositories: Needs['repositories'],
  container: string,
  { repositoryId }: RecordPlace,
): Promise<Repository> {
  let repository: Repository;
  try {
    repository = await repositories.open(container, { create: false });
  } catch (error) {
    if (!isOperatingError(error, 'not_found')) throw error;
    throw invalidBackup(`The store has no container ${container}: is it the same store?`);
  }
  if (repository.id === repositoryId) return repository;
  throw invalidBackup(`The container ${container} holds another repository than the record's.`);
}

async function claim(
  repository: Repository,
  { storedId }: RecordPlace,
  claimId: string,
): Promise<Manifest> {
  try {
    return await repository.claimBackup(storedId, claimId);
  } catch (error) {
    if (!isOperatingError(error, 'not_found')) throw error;
    throw invalidBackup(`Backup ${storedId} is not in the store (any more).`);
  }
}

function thereAlready(id: string): OperatingError {
  return invalidBackup(`Backup already exists in database: ${id}.`);
}
