import { must } from '../../base/assert.ts';
import { OperatingError } from '../../base/errors.ts';
import type { AttachmentRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import type { Changing, OperationNeeds } from '../needs.ts';
import { byId, ofVolume } from '../scope.ts';
import { isOneOf, volumeChanges } from '../states.ts';
import { changeVolume } from '../volume/change-volume.ts';
import { findVolume, invalidVolume } from '../volume/find-volume.ts';
import { modeFor } from './connection.ts';
import { settleDetached } from './delete-attachment.ts';
import { newAttachment } from './new-attachment.ts';

const { from, to } = volumeChanges.attach;

/** Notes that an instance or host uses the volume. */
export async function attachVolume(
  { catalog, clock }: Changing,
  caller: Caller,
  volumeId: string,
  input: { instanceId: string | null; mountpoint: string | null; mode: 'rw' | 'ro' | null },
): Promise<AttachmentRow> {
  authorize(caller, 'volume_extension:volume_actions:attach');
  return await catalog.transact(async (transaction) => {
    const volume = await findVolume(transaction, caller, volumeId);
    if (!isOneOf(volume.status, from)) {
      throw invalidVolume(
        `Volume ${volumeId} status must be ${from.join(' or ')} to attach, but current status ` +
          `is: ${volume.status}.`,
      );
    }
    const now = clock.now();
    const { instanceId, mountpoint } = input;
    const mode = modeFor(volume, input.mode);
    await changeVolume(transaction, volume, from, { status: to, updatedAt: now });
    const [found] = await transaction.list('attachments', {
      where: { ...ofVolume(volumeId), status: ['reserved', 'attaching'] },
      limit: 1,
    });
    if (found === undefined) {
      const given = { instanceId, mode, status: 'attached', mountpoint, createdAt: now } as const;
      const row = newAttachment(volume, given);
      await transaction.insert('attachments', row);
      return row;
    }
    const changes = { instanceId, mountpoint, mode, updatedAt: now, attachedAt: now } as const;
    const changed = await transaction.change('attachments', byId(found.id), {
      ...changes,
      // An export that is served already keeps the mode that it was handed out with.
      mode: found.exportName === null ? mode : found.mode,
      status: 'attached',
    });
    return must(changed, 'a row just read');
  });
}

/** Ends one attachment of the volume, or all of them, and cuts their connections. */
export async function detachVolume(
  { catalog, clock, exports }: Pick<OperationNeeds, 'catalog' | 'clock' | 'exports'>,
  caller: Caller,
  volumeId: string,
  attachmentId: string | null,
): Promise<void> {
  authorize(caller, 'volume_extension:volume_actions:detach');
  const ended = await catalog.transact(async (transaction) => {
    await findVolume(transaction, caller, volumeId);
    const all = await transaction.list('attachments', { where: ofVolume(volumeId), limit: 100 });
    const rows = all.filter(({ id }) => attachmentId === null || id === attachmentId);
    if (attachmentId !== null && rows.length === 0) {
      throw new OperatingError(
        'not_found',
        `Volume attachment could not be found with filter: attachment_id = ${attachmentId}.`,
      );
    }
    for (const { id } of rows) await transaction.remove('attachments', byId(id));
    await settleDetached(transaction, volumeId, clock.now());
    return rows;
  });
  for (const { exportName } of ended) if (exportName !== null) await exports.remove(exportName);
}
