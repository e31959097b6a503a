import { newId } from '../../base/ids.ts';
import type { AttachmentRow, VolumeRow } from '../../catalog/tables.ts';

type Given = Pick<AttachmentRow, 'instanceId' | 'mode' | 'status' | 'createdAt'> &
  Partial<Pick<AttachmentRow, 'connector' | 'exportName' | 'exportRequestId' | 'mountpoint'>>;

/** A row for a new attachment of `volume`. */
export function newAttachment(volume: VolumeRow, given: Given): AttachmentRow {
  return {
    id: newId(),
    projectId: volume.projectId,
    volumeId: volume.id,
    mountpoint: null,
    connector: null,
    exportName: null,
    exportRequestId: null,
    updatedAt: null,
    ...given,
    attachedAt: given.status === 'attached' ? given.createdAt : null,
  };
}
