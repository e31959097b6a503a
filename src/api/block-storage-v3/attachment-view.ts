/** Attachments as answers show them (api-ref of Cinder, attachments). */
import type { AttachmentRow } from '../../catalog/tables.ts';
import { connectionData, driverVolumeType } from '../../operation/attachment/connection.ts';
import type { NbdAddress } from '../../operation/needs.ts';
import { timeView } from './view.ts';

export function attachmentSummary(row: AttachmentRow): object {
  return {
    id: row.id,
    status: row.status,
    instance: row.instanceId,
    volume_id: row.volumeId,
  };
}

/**
 * The connection's data stands beside its type here, and within `data` in `connectionInfo`. Without
 * `nbd` it is left out: the export's name lets anybody write who knows it.
 */
export function attachmentDetail(row: AttachmentRow, nbd: NbdAddress | undefined): object {
  return {
    ...attachmentSummary(row),
    attached_at: timeView(row.attachedAt) ?? '',
    detached_at: '',
    attach_mode: row.mode,
    connection_info:
      nbd === undefined || row.exportName === null
        ? {}
        : { driver_volume_type: driverVolumeType, ...connectionData(row, nbd) },
  };
}

/** The answer of `os-initialize_connection`. */
export function connectionInfo(row: AttachmentRow, nbd: NbdAddress): object {
  return { driver_volume_type: driverVolumeType, data: connectionData(row, nbd) };
}
