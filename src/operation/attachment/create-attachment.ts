import type { JsonObject } from '../../base/json.ts';
import type { AttachmentRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import type { OperationNeeds } from '../needs.ts';
import { findVolume } from '../volume/find-volume.ts';
import { modeFor, newName, serveAttachment } from './connection.ts';
import { demandAttachable } from './multiattach.ts';
import { newAttachment } from './new-attachment.ts';
import { settleVolume } from './settle-volume.ts';

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
  const { connector, instanceId } = input;
  const row = await catalog.transact(async (transaction) => {
    const volume = await findVolume(transaction, caller, input.volumeId);
    await demandAttachable(transaction, caller, volume, instanceId);
    const status =
      connector === null ? 'reserved' : input.completeAtOnce ? 'attached' : 'attaching';
    const attachment = newAttachment(volume, {
      instanceId,
      mode: modeFor(volume, input.mode),
      status,
      connector,
      ...(connector === null ? {} : newName(caller)),
      createdAt: clock.now(),
    });
    await transaction.insert('attachments', attachment);
    await settleVolume(transaction, volume.id, clock.now());
    return attachment;
  });
  await serveAttachment(needs, row);
  return row;
}
