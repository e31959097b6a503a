import { OperatingError } from '../../base/errors.ts';
import type { CatalogReader } from '../../catalog/catalog.ts';
import type { AttachmentRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { scopeOf } from '../scope.ts';

/** The attachment; rejects with `not_found` when there is none for this caller. */
export async function findAttachment(
  reader: CatalogReader,
  caller: Caller,
  attachmentId: string,
): Promise<AttachmentRow> {
  const projectId = scopeOf(caller);
  const row = await reader.find('attachments', { id: attachmentId, projectId });
  if (row === undefined) {
    throw new OperatingError(
      'not_found',
      `Volume attachment could not be found with filter: attachment_id = ${attachmentId}.`,
    );
  }
  return row;
}
