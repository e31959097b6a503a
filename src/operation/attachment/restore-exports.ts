import { everyProject } from '../../catalog/catalog.ts';
import type { AttachmentRow } from '../../catalog/tables.ts';
import type { OperationNeeds } from '../needs.ts';
import { addExport } from './connection.ts';

const pageRows = 1000;

/**
 * Serves the exports of all live attachments, under the names that were handed out: after a start.
 */
export async function restoreExports(
  needs: Pick<OperationNeeds, 'catalog' | 'exports'>,
): Promise<void> {
  let after: AttachmentRow | undefined;
  for (;;) {
    const rows = await needs.catalog.list('attachments', {
      where: { projectId: everyProject },
      sort: [{ field: 'id', direction: 'asc' }],
      limit: pageRows,
      ...(after === undefined ? {} : { after }),
    });
    for (const row of rows) await addExport(needs.exports, row);
    after = rows.at(-1);
    if (rows.length < pageRows) return;
  }
}
