import { everyProject } from '../../catalog/catalog.ts';
import { everyRow } from '../../catalog/every-row.ts';
import type { OperationNeeds } from '../needs.ts';
import { addBackupExport } from '../backup/backup-exports.ts';
import { addSnapshotExport } from '../snapshot/snapshot-exports.ts';
import { addExport } from './connection.ts';

/**
 * Serves all exports of attachments, snapshots and backups again, under the names that were handed
 * out: after a start, before clients can connect.
 */
export async function restoreExports(
  needs: Pick<OperationNeeds, 'catalog' | 'exports' | 'keptBackups'>,
): Promise<void> {
  const { catalog, exports } = needs;
  const where = { projectId: everyProject } as const;
  for await (const row of everyRow(catalog, 'attachments', where)) await addExport(needs, row);
  for await (const row of everyRow(catalog, 'snapshotExports', where)) {
    await addSnapshotExport(exports, row);
  }
  for await (const row of everyRow(catalog, 'backupExports', where)) {
    await addBackupExport(needs, row);
  }
}
