/**
 * Exports of snapshots: a snapshot can be read over NBD by whoever knows the name. As with
 * attachments the name is a secret that lives as long as its row, and is served again after a
 * start; rows change first and exports after them. A snapshot that is exported is not deleted, but
 * by force, which cuts its readers.
 */
import { OperatingError } from '../../base/errors.ts';
import { newId } from '../../base/ids.ts';
import type { CatalogReader, CatalogWriter, Where } from '../../catalog/catalog.ts';
import { everyProject } from '../../catalog/catalog.ts';
import type { SnapshotExportRow } from '../../catalog/export-tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import type { Exports } from '../../nbd/exports.ts';
import { newName } from '../attachment/connection.ts';
import type { OperationNeeds } from '../needs.ts';
import { byId } from '../scope.ts';
import { isOneOf } from '../states.ts';
import { findSnapshot, invalidSnapshot } from './find-snapshot.ts';

type Needs = Pick<OperationNeeds, 'catalog' | 'clock' | 'exports'>;

/** At the same time, of one snapshot. */
const exportCountMax = 100;

/** Serves an export of a snapshot from now on. */
export async function addSnapshotExport(exports: Exports, row: SnapshotExportRow): Promise<void> {
  const { exportName, exportRequestId, snapshotId } = row;
  const requestId = exportRequestId ?? undefined;
  await exports.add(exportName, { source: { snapshotId }, readOnly: true, requestId });
}

/** Exports a snapshot, read-only, until the export is ended; `host` says for whom. */
export async function exportSnapshot(
  { catalog, clock, exports }: Needs,
  caller: Caller,
  snapshotId: string,
  { host }: { host: string | null },
): Promise<SnapshotExportRow> {
  authorize(caller, 'firn:export_snapshot');
  const row = await catalog.transact(async (transaction) => {
    const snapshot = await findSnapshot(transaction, caller, snapshotId);
    if (!isOneOf(snapshot.status, ['available', 'backing-up', 'restoring'])) {
      throw invalidSnapshot(
        'Snapshot to be exported must be available, but the current status is ' +
          `"${snapshot.status}".`,
      );
    }
    const where = { snapshotId, projectId: everyProject } as const;
    if ((await transaction.count('snapshotExports', where)) >= exportCountMax) {
      throw invalidSnapshot(`Snapshot ${snapshotId} is exported ${exportCountMax} times already.`);
    }
    const made: SnapshotExportRow = {
      id: newId(),
      projectId: snapshot.projectId,
      userId: caller.userId,
      snapshotId,
      volumeId: snapshot.volumeId,
      host,
      ...newName(caller),
      createdAt: clock.now(),
    };
    await transaction.insert('snapshotExports', made);
    return made;
  });
  await addSnapshotExport(exports, row);
  if ((await catalog.find('snapshotExports', byId(row.id))) !== undefined) return row;
  await exports.remove(row.exportName);
  throw new OperatingError('conflict', `Export ${row.id} was ended by somebody else.`);
}

/** The exports of a snapshot, newest first, each with how many clients read it just now. */
export async function listSnapshotExports(
  { catalog, exports }: Pick<OperationNeeds, 'catalog' | 'exports'>,
  caller: Caller,
  snapshotId: string,
): Promise<{ row: SnapshotExportRow; connections: number }[]> {
  authorize(caller, 'volume:get_snapshot');
  await findSnapshot(catalog, caller, snapshotId);
  const rows = await catalog.list('snapshotExports', {
    where: { snapshotId, projectId: everyProject },
    limit: exportCountMax,
  });
  const clients = await exports.clients(rows.map(({ exportName }) => exportName));
  return rows.map((row, index) => ({ row, connections: clients[index]?.count ?? 0 }));
}

/** Ends an export: its name is void, and its readers are cut. */
export async function endSnapshotExport(
  { catalog, exports }: Pick<OperationNeeds, 'catalog' | 'exports'>,
  caller: Caller,
  snapshotId: string,
  exportId: string,
): Promise<void> {
  authorize(caller, 'firn:export_snapshot');
  const ended = await catalog.transact(async (transaction) => {
    await findSnapshot(transaction, caller, snapshotId);
    return await dropExports(transaction, { id: exportId, snapshotId, projectId: everyProject });
  });
  if (ended.length === 0) {
    throw new OperatingError('not_found', `Export ${exportId} could not be found.`);
  }
  for (const name of ended) await exports.remove(name);
}

/** Rejects with `invalid_state` while a snapshot of these is exported. */
export async function refuseWhileExported(
  reader: CatalogReader,
  of: { readonly snapshotId: string } | { readonly volumeId: string },
): Promise<void> {
  const found = await reader.find('snapshotExports', { ...of, projectId: everyProject });
  if (found === undefined) return;
  throw invalidSnapshot(
    `Snapshot ${found.snapshotId} is exported to clients (export ${found.id}): end that first.`,
  );
}

/**
 * Removes the rows of exports, and returns the names that have to be removed from the server once
 * the transaction is durable.
 */
export async function dropExports(
  transaction: CatalogWriter,
  where: Where<'snapshotExports'>,
): Promise<string[]> {
  const names: string[] = [];
  for (;;) {
    const rows = await transaction.list('snapshotExports', { where, limit: 1000 });
    if (rows.length === 0) return names;
    for (const { id, exportName } of rows) {
      await transaction.remove('snapshotExports', byId(id));
      names.push(exportName);
    }
  }
}
