import type { AttachmentRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import { everyRow } from '../../catalog/every-row.ts';
import type { OperationNeeds } from '../needs.ts';
import { byId, ofVolume } from '../scope.ts';
import { endExports } from './connection.ts';
import { findAttachment } from './find-attachment.ts';
import { settleVolume } from './settle-volume.ts';

/** Ends an attachment, cuts its connections, and returns those of the volume that are left. */
export async function deleteAttachment(
  { catalog, clock, exports }: Pick<OperationNeeds, 'catalog' | 'clock' | 'exports'>,
  caller: Caller,
  attachmentId: string,
): Promise<AttachmentRow[]> {
  authorize(caller, 'volume:attachment_delete');
  const { row, left } = await catalog.transact(async (transaction) => {
    const row = await findAttachment(transaction, caller, attachmentId);
    await transaction.remove('attachments', byId(row.id));
    await settleVolume(transaction, row.volumeId, clock.now());
    const where = ofVolume(row.volumeId);
    return { row, left: await Array.fromAsync(everyRow(transaction, 'attachments', where)) };
  });
  await endExports(exports, [row]);
  return left;
}
