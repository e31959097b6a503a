import { newSecret } from '../../base/ids.ts';
import type { JsonObject } from '../../base/json.ts';
import type { AttachmentRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import type { OperationNeeds } from '../needs.ts';
import { isOneOf, volumeChanges } from '../states.ts';
import { changeVolume } from '../volume/change-volume.ts';
import { findVolume, invalidVolume } from '../volume/find-volume.ts';
import { addExport, modeFor } from './connection.ts';
import { newAttachment } from './new-attachment.ts';

export interface NewAttachment {
  readonly volumeId: string;
  readonly instanceId: string | null;
  /** With a connector the volume is exported at once; without, it is only reserved. */
  readonly connector: JsonObject | null;
  readonly mode: 'rw' | 'ro' | null;
  /** The volume is in use as soon as it has a connector, without a later `completeAttachment`. */
  readonly completeAtOnce: boolean;
}

export async function createAttachment(
  needs: Pick<OperationNeeds, 'catalog' | 'clock' | 'exports'>,
  caller: Caller,
  input: NewAttachment,
): Promise<AttachmentRow> {
  authorize(caller, 'volume:attachment_create');
  const { catalog, clock } = needs;
  const row = await catalog.transact(async (transaction) => {
    const volume = await findVolume(transaction, caller, input.volumeId);
    const { reserve, connect, attach } = volumeChanges;
    if (!isOneOf(volume.status, reserve.from)) {
      throw invalidVolume(
        `Volume ${volume.id} status must be available or downloading, but current status is: ` +
          `${volume.status}.`,
      );
    }
    const status =
      input.connector === null ? 'reserved' : input.completeAtOnce ? 'attached' : 'attaching';
    const attachment = newAttachment(volume, {
      instanceId: input.instanceId,
      mode: modeFor(volume, input.mode),
      status,
      connector: input.connector,
      exportName: input.connector === null ? null : newSecret(),
      createdAt: clock.now(),
    });
    await transaction.insert('attachments', attachment);
    const change = { reserved: reserve, attaching: connect, attached: attach }[status];
    await changeVolume(transaction, volume, reserve.from, {
      status: change.to,
      updatedAt: clock.now(),
    });
    return attachment;
  });
  await addExport(needs.exports, row);
  return row;
}
