import type { CatalogWriter } from '../../catalog/catalog.ts';
import type { AttachmentRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import { everyRow } from '../../catalog/every-row.ts';
import type { OperationNeeds } from '../needs.ts';
import { byId, ofVolume } from '../scope.ts';
import { findVolume, invalidVolume } from '../volume/find-volume.ts';
import { endExports } from './connection.ts';
import { settleVolume } from './settle-volume.ts';

type Needs = Pick<OperationNeeds, 'catalog' | 'clock' | 'exports'>;

/**
 * Ends an attachment of the volume and cuts its connections; without an id the only one there is.
 * One that is gone already is no error, so that the request can be repeated.
 */
export async function detachVolume(
  needs: Needs,
  caller: Caller,
  volumeId: string,
  attachmentId: string | null,
): Promise<void> {
  authorize(caller, 'volume_extension:volume_actions:detach');
  await end(needs, caller, volumeId, attachmentId, []);
}

/**
 * The same for an administrator who cannot wait for the client: also what was only connected and
 * never attached is cut. Resolves when no device of it is open any more.
 */
export async function forceDetachVolume(
  needs: Needs,
  caller: Caller,
  volumeId: string,
  attachmentId: string | null,
): Promise<void> {
  authorize(caller, 'volume_extension:volume_admin_actions:force_detach');
  await end(needs, caller, volumeId, attachmentId, ['detached']);
}

async function end(
  { catalog, clock, exports }: Needs,
  caller: Caller,
  volumeId: string,
  attachmentId: string | null,
  also: readonly AttachmentRow['status'][],
): Promise<void> {
  const ended = await catalog.transact(async (transaction) => {
    await findVolume(transaction, caller, volumeId);
    const rows = await rowsToEnd(transaction, volumeId, attachmentId, also);
    for (const { id } of rows) await transaction.remove('attachments', byId(id));
    await settleVolume(transaction, volumeId, clock.now());
    return rows;
  });
  await endExports(exports, ended);
}

async function rowsToEnd(
  transaction: CatalogWriter,
  volumeId: string,
  attachmentId: string | null,
  also: readonly AttachmentRow['status'][],
): Promise<AttachmentRow[]> {
  const rows = await Array.fromAsync(everyRow(transaction, 'attachments', ofVolume(volumeId)));
  const named = rows.filter(({ id, status }) =>
    attachmentId === null ? status !== 'detached' : id === attachmentId,
  );
  if (named.length > 1) {
    throw invalidVolume(
      'Detach volume failed: More than one attachment, but no attachment_id provided.',
    );
  }
  return rows.filter((row) => named.includes(row) || also.includes(row.status));
}
