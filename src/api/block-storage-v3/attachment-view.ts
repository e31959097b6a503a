/** Attachments as answers show them (api-ref of Cinder, attachments). */
import type { AttachmentRow, Metadata } from '../../catalog/tables.ts';
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

/** How a client connects, and which limits it enforces itself. */
export interface Connecting {
  readonly nbd: NbdAddress;
  readonly qosSpecs: Metadata | null;
}

/**
 * The connection's data stands beside its type here, and within `data` in `connectionInfo`. Without
 * `connecting` it is left out: the export's name lets anybody write who knows it.
 */
export function attachmentDetail(row: AttachmentRow, connecting: Connecting | undefined): object {
  return {
    ...attachmentSummary(row),
    attached_at: timeView(row.attachedAt) ?? '',
    detached_at: '',
    attach_mode: row.mode,
    connection_info:
      connecting === undefined || row.exportName === null
        ? {}
        : { driver_volume_type: driverVolumeType, ...dataOf(row, connecting) },
  };
}

/** The answer of `os-initialize_connection`. */
export function connectionInfo(row: AttachmentRow, connecting: Connecting): object {
  return { driver_volume_type: driverVolumeType, data: dataOf(row, connecting) };
}

function dataOf(row: AttachmentRow, { nbd, qosSpecs }: Connecting): object {
  return connectionData(row, nbd, qosSpecs);
}
