import { must } from '../../base/assert.ts';
import { newSecret } from '../../base/ids.ts';
import type { JsonObject } from '../../base/json.ts';
import type { CatalogWriter } from '../../catalog/catalog.ts';
import type { AttachmentRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import type { Changing, OperationNeeds } from '../needs.ts';
import { byId } from '../scope.ts';
import { isOneOf, volumeChanges } from '../states.ts';
import { invalidVolume } from '../volume/find-volume.ts';
import { addExport } from './connection.ts';
import { findAttachment } from './find-attachment.ts';

/** Gives a reserved attachment its connector, and with it the export. */
export async function updateAttachment(
  needs: Pick<OperationNeeds, 'catalog' | 'clock' | 'exports'>,
  caller: Caller,
  attachmentId: string,
  input: { connector: JsonObject; completeAtOnce: boolean },
): Promise<AttachmentRow> {
  authorize(caller, 'volume:attachment_update');
  const { catalog, clock } = needs;
  const row = await catalog.transact(async (transaction) => {
    const found = await findAttachment(transaction, caller, attachmentId);
    const changes = {
      connector: input.connector,
      exportName: found.exportName ?? newSecret(),
      updatedAt: clock.now(),
    };
    const connected = must(
      await transaction.change('attachments', byId(found.id), changes),
      'a row just read',
    );
    if (connected.status === 'attached') return connected;
    const status = input.completeAtOnce ? 'attached' : 'attaching';
    return await advance(transaction, connected, status, clock.now());
  });
  await addExport(needs.exports, row);
  return row;
}

/** The client has connected: the volume is in use from now on. */
export async function completeAttachment(
  { catalog, clock }: Changing,
  caller: Caller,
  attachmentId: string,
): Promise<void> {
  authorize(caller, 'volume:attachment_complete');
  await catalog.transact(async (transaction) => {
    const row = await findAttachment(transaction, caller, attachmentId);
    if (row.status !== 'attached') await advance(transaction, row, 'attached', clock.now());
  });
}

/** Moves an attachment and its volume on together. */
async function advance(
  transaction: CatalogWriter,
  row: AttachmentRow,
  status: 'attaching' | 'attached',
  nowMs: number,
): Promise<AttachmentRow> {
  const change = status === 'attached' ? volumeChanges.attach : volumeChanges.connect;
  const volume = must(await transaction.find('volumes', byId(row.volumeId)), 'its volume');
  if (!isOneOf(volume.status, change.from)) {
    throw invalidVolume(
      `Volume ${volume.id} status must be ${change.from.join(' or ')}, but current status is: ` +
        `${volume.status}.`,
    );
  }
  await transaction.change('volumes', byId(volume.id), { status: change.to, updatedAt: nowMs });
  const changed = await transaction.change('attachments', byId(row.id), {
    status,
    attachedAt: status === 'attached' ? nowMs : null,
    updatedAt: nowMs,
  });
  return must(changed, 'a row just read');
}
