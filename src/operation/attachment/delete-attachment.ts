import type { CatalogWriter } from '../../catalog/catalog.ts';
import type { AttachmentRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import type { OperationNeeds } from '../needs.ts';
import { byId, ofVolume } from '../scope.ts';
import { isOneOf, volumeChanges } from '../states.ts';
import { findAttachment } from './find-attachment.ts';

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
    await settleDetached(transaction, row.volumeId, clock.now());
    const where = ofVolume(row.volumeId);
    return { row, left: await transaction.list('attachments', { where, limit: 100 }) };
  });
  if (row.exportName !== null) await exports.remove(row.exportName);
  return left;
}

/** The status of a volume after an attachment of it has ended. */
export async function settleDetached(
  transaction: CatalogWriter,
  volumeId: string,
  updatedAt: number,
): Promise<void> {
  const where = { ...ofVolume(volumeId), status: 'attached' } as const;
  if ((await transaction.count('attachments', where)) > 0) return;
  const volume = await transaction.find('volumes', byId(volumeId));
  if (volume === undefined) return;
  const { from, to } = volumeChanges.detach;
  if (isOneOf(volume.status, from)) {
    await transaction.change('volumes', byId(volumeId), { status: to, updatedAt });
  } else if (volume.previousStatus === 'in-use') {
    // A job works on the volume: when it ends, nobody uses the volume any more.
    await transaction.change('volumes', byId(volumeId), { previousStatus: to, updatedAt });
  }
}
