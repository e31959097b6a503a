import type { CatalogReader, CatalogWriter } from '../../catalog/catalog.ts';
import type { AttachmentStatus, VolumeRow, VolumeStatus } from '../../catalog/tables.ts';
import { byId, ofVolume } from '../scope.ts';
import { attachmentStatuses, isOneOf } from '../states.ts';

/** What an attachment in this status makes of its volume; the furthest of all counts. */
const furthestFirst: readonly (readonly [AttachmentStatus, VolumeStatus])[] = [
  ['attached', 'in-use'],
  ['attaching', 'attaching'],
  ['reserved', 'reserved'],
];

/** True when the volume's attachments can change: whether or not a job works on it meanwhile. */
export function canChangeAttachments({ status, previousStatus }: VolumeRow): boolean {
  return isOneOf(status, attachmentStatuses) || isOneOf(previousStatus ?? '', attachmentStatuses);
}

/**
 * Gives a volume the status that follows from its attachments, as Cinder does after one has ended:
 * attached before attaching before reserved. While a job works on the volume, it is the status that
 * the job will give back; any other status stays.
 */
export async function settleVolume(
  transaction: CatalogWriter,
  volumeId: string,
  updatedAt: number,
): Promise<void> {
  const volume = await transaction.find('volumes', byId(volumeId));
  if (volume === undefined) return;
  const status = await statusOfAttachments(transaction, volumeId);
  if (isOneOf(volume.status, attachmentStatuses)) {
    await transaction.change('volumes', byId(volumeId), { status, updatedAt });
  } else if (isOneOf(volume.previousStatus ?? '', attachmentStatuses)) {
    await transaction.change('volumes', byId(volumeId), { previousStatus: status, updatedAt });
  }
}

async function statusOfAttachments(reader: CatalogReader, volumeId: string): Promise<VolumeStatus> {
  for (const [status, volumeStatus] of furthestFirst) {
    const found = await reader.find('attachments', { ...ofVolume(volumeId), status });
    if (found !== undefined) return volumeStatus;
  }
  return 'available';
}
