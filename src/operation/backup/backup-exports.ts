/**
 * Exports of backups: a backup can be read over NBD, without being restored, by whoever knows the
 * name. As with snapshots the name is a secret that lives as long as its row, and is served again
 * after a start; rows change first and exports after them. What is exported stays in the store. A
 * backup that is exported is not deleted, but by force, which cuts its readers.
 */
import { OperatingError } from '../../base/errors.ts';
import { newId } from '../../base/ids.ts';
import type { CatalogReader, CatalogWriter } from '../../catalog/catalog.ts';
import { everyProject } from '../../catalog/catalog.ts';
import type { BackupExportRow } from '../../catalog/export-tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import { newName } from '../attachment/connection.ts';
import type { OperationNeeds } from '../needs.ts';
import { byId } from '../scope.ts';
import { isOneOf } from '../states.ts';
import { findBackup, invalidBackup, storedIdOf } from './find-backup.ts';
import { readable } from './keep-damage.ts';

type Serving = Pick<OperationNeeds, 'exports' | 'keptBackups'>;
type Needs = Serving & Pick<OperationNeeds, 'catalog' | 'clock' | 'repositories'>;

/** At the same time, of one backup. */
const exportCountMax = 100;

/** Serves an export of a backup from now on, and keeps what it needs in the store. */
export async function addBackupExport(
  { exports, keptBackups }: Serving,
  { exportName, exportRequestId, place }: BackupExportRow,
): Promise<void> {
  keptBackups.keepFor(exportName, { ...place, doneBytes: 0 });
  const requestId = exportRequestId ?? undefined;
  await exports.add(exportName, { source: { backup: place }, readOnly: true, requestId });
}

/** Voids the names of exports whose rows are gone, and cuts their readers. */
export async function removeBackupExports(
  { exports, keptBackups }: Serving,
  names: readonly string[],
): Promise<void> {
  for (const name of names) {
    await exports.remove(name);
    keptBackups.dropFor(name);
  }
}

/** Exports a backup, read-only, until the export is ended; `host` says for whom. */
export async function exportBackup(
  needs: Needs,
  caller: Caller,
  backupId: string,
  { host }: { host: string | null },
): Promise<BackupExportRow> {
  const { catalog, clock, repositories } = needs;
  authorize(caller, 'firn:export_backup');
  const found = await findBackup(catalog, caller, backupId);
  const { container } = found;
  const repository = await repositories.open(container, { create: false });
  const manifest = await repository.readManifest(storedIdOf(found));
  const { lengthBytes, map } = manifest;
  const place = { container, backupId: manifest.backupId, lengthBytes, ...map };
  const row = await catalog.transact(async (transaction) => {
    const backup = await findBackup(transaction, caller, backupId);
    if (!isOneOf(backup.status, readable)) {
      throw invalidBackup(
        `Backup to be exported must be available, but the current status is "${backup.status}".`,
      );
    }
    const where = { backupId: backup.id, projectId: everyProject } as const;
    if ((await transaction.count('backupExports', where)) >= exportCountMax) {
      throw invalidBackup(`Backup ${backup.id} is exported ${exportCountMax} times already.`);
    }
    const made: BackupExportRow = {
      id: newId(),
      projectId: backup.projectId,
      userId: caller.userId,
      backupId: backup.id,
      host,
      ...newName(caller),
      place,
      createdAt: clock.now(),
    };
    await transaction.insert('backupExports', made);
    return made;
  });
  await addBackupExport(needs, row);
  if ((await catalog.find('backupExports', byId(row.id))) !== undefined) return row;
  await removeBackupExports(needs, [row.exportName]);
  throw new OperatingError('conflict', `Export ${row.id} was ended by somebody else.`);
}

/** The exports of a backup, newest first, each with how many clients read it just now. */
export async function listBackupExports(
  { catalog, exports }: Pick<OperationNeeds, 'catalog' | 'exports'>,
  caller: Caller,
  backupId: string,
): Promise<{ row: BackupExportRow; connections: number }[]> {
  authorize(caller, 'backup:get');
  const { id } = await findBackup(catalog, caller, backupId);
  const rows = await catalog.list('backupExports', {
    where: { backupId: id, projectId: everyProject },
    limit: exportCountMax,
  });
  const clients = await exports.clients(rows.map(({ exportName }) => exportName));
  return rows.map((row, index) => ({ row, connections: clients[index]?.count ?? 0 }));
}

/** Ends an export: its name is void, and its readers are cut. */
export async function endBackupExport(
  needs: Serving & Pick<OperationNeeds, 'catalog'>,
  caller: Caller,
  backupId: string,
  exportId: string,
): Promise<void> {
  authorize(caller, 'firn:export_backup');
  const ended = await needs.catalog.transact(async (transaction) => {
    const { id } = await findBackup(transaction, caller, backupId);
    return await dropBackupExports(transaction, { id: exportId, backupId: id });
  });
  if (ended.length === 0) {
    throw new OperatingError('not_found', `Export ${exportId} could not be found.`);
  }
  await removeBackupExports(needs, ended);
}

/** Rejects with `invalid_state` while a backup is exported. */
export async function refuseWhileBackupExported(
  reader: CatalogReader,
  backupId: string,
): Promise<void> {
  const found = await reader.find('backupExports', { backupId, projectId: everyProject });
  if (found === undefined) return;
  throw invalidBackup(
    `Backup ${backupId} is exported to clients (export ${found.id}): end that first.`,
  );
}

/**
 * Removes the rows of a backup's exports, or of one of them; returns the names for
 * `removeBackupExports` once the transaction is durable.
 */
export async function dropBackupExports(
  transaction: CatalogWriter,
  where: { readonly backupId: string; readonly id?: string },
): Promise<string[]> {
  const rows = await transaction.list('backupExports', {
    where: { ...where, projectId: everyProject },
    limit: exportCountMax,
  });
  for (const { id } of rows) await transaction.remove('backupExports', byId(id));
  return rows.map(({ exportName }) => exportName);
}
