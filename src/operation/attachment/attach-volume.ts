import { must } from '../../base/assert.ts';
import { OperatingError } from '../../base/errors.ts';
import type { AttachmentRow, VolumeRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import { everyRow } from '../../catalog/every-row.ts';
import type { Changing } from '../needs.ts';
import { byId, ofVolume } from '../scope.ts';
import { attachableAgain, isOneOf } from '../states.ts';
import { findVolume, invalidVolume } from '../volume/find-volume.ts';
import { hostOf, modeFor } from './connection.ts';
import { newAttachment } from './new-attachment.ts';
import { settleVolume } from './settle-volume.ts';

/**
 * Notes that an instance or host uses the volume. For one that has it already nothing changes, so
 * that the request can be repeated.
 */
export async function attachVolume(
  { catalog, clock }: Changing,
  caller: Caller,
  volumeId: string,
  input: { instanceId: string | null; mountpoint: string | null; mode: 'rw' | 'ro' | null },
): Promise<AttachmentRow> {
  authorize(caller, 'volume_extension:volume_actions:attach');
  const { instanceId, mountpoint } = input;
  return await catalog.transact(async (transaction) => {
    const volume = await findVolume(transaction, caller, volumeId);
    const rows = await Array.fromAsync(everyRow(transaction, 'attachments', ofVolume(volumeId)));
    const attached = rows.filter(({ status }) => status === 'attached');
    const same = attached.find((row) => instanceId !== null && row.instanceId === instanceId);
    if (same !== undefined) return same;
    refuse(volume, attached.length > 0);
    const now = clock.now();
    const mode = demandMode(volume, input.mode);
    const found = pendingFor(volume, rows, instanceId);
    const row =
      found ?? newAttachment(volume, { instanceId, mode, status: 'reserved', createdAt: now });
    if (found === undefined) await transaction.insert('attachments', row);
    const changed = await transaction.change('attachments', byId(row.id), {
      instanceId,
      mountpoint,
      // An export that is served already keeps the mode that it was handed out with.
      mode: row.exportName === null ? mode : row.mode,
      status: 'attached',
      attachedAt: now,
      updatedAt: found === undefined ? null : now,
    });
    await settleVolume(transaction, volumeId, now);
    return must(changed, 'a row just read or made');
  });
}

function refuse({ id, status, multiattach }: VolumeRow, isAttached: boolean): void {
  if (isAttached && !multiattach) {
    throw invalidVolume('volume is already attached and multiple attachments are not enabled');
  }
  if (isOneOf(status, attachableAgain)) return;
  throw invalidVolume(
    `Volume ${id} status must be available or reserved or attaching to attach, but current ` +
      `status is: ${status}.`,
  );
}

function demandMode(volume: VolumeRow, asked: 'rw' | 'ro' | null): 'rw' | 'ro' {
  if (asked !== 'rw' || !volume.readOnly) return modeFor(volume, asked);
  throw new OperatingError(
    'invalid_input',
    `Invalid attaching mode 'rw' for volume ${volume.id}: the volume is read-only.`,
    { field: 'mode' },
  );
}

/**
 * The attachment that was begun for the instance or host by an earlier request; where only one can
 * be begun, whoever began it.
 */
function pendingFor(
  { multiattach }: VolumeRow,
  rows: readonly AttachmentRow[],
  instanceId: string | null,
): AttachmentRow | undefined {
  const pending = rows.filter(({ status }) => status !== 'attached');
  const isFor = (row: AttachmentRow): boolean =>
    instanceId !== null && (row.instanceId === instanceId || hostOf(row.connector) === instanceId);
  return (
    pending.find(isFor) ??
    pending.find(({ status }) => status === 'detached') ??
    (multiattach ? pending.find((row) => row.instanceId === null) : pending[0])
  );
}
