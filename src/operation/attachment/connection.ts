/**
 * Connections: how a client reaches an attached volume over NBD.
 *
 * - The export's name is a secret of 256 random bits, and the only thing that gives access. It is
 *   in the attachment's row from the moment that it is handed out, so that a restart can serve it
 *   again.
 * - It dies with the row, or when the row forgets it; then its connections are cut.
 */
import { OperatingError } from '../../base/errors.ts';
import type { JsonObject } from '../../base/json.ts';
import type { AttachmentRow, VolumeRow } from '../../catalog/tables.ts';
import type { Exports } from '../../nbd/exports.ts';
import type { NbdAddress } from '../needs.ts';

/** Serves an attachment's export from now on; one without a name has none. */
export async function addExport(exports: Exports, attachment: AttachmentRow): Promise<void> {
  const { exportName, volumeId, mode } = attachment;
  if (exportName === null) return;
  await exports.add(exportName, { source: { volumeId }, readOnly: mode === 'ro' });
}

/** What a client needs to connect; empty while no connector is known. */
export function connectionData(attachment: AttachmentRow, nbd: NbdAddress): JsonObject {
  const { exportName } = attachment;
  if (exportName === null) return {};
  const host = nbd.host.includes(':') ? `[${nbd.host}]` : nbd.host;
  const socket = encodeURIComponent(nbd.socketPath).replaceAll('%2F', '/');
  return {
    uri: `${nbd.tls ? 'nbds' : 'nbd'}://${host}:${nbd.port}/${exportName}`,
    unix_uri: `nbd+unix:///${exportName}?socket=${socket}`,
    export: exportName,
    host: nbd.host,
    port: nbd.port,
    volume_id: attachment.volumeId,
    attachment_id: attachment.id,
    access_mode: attachment.mode,
    encrypted: false,
    qos_specs: null,
    discard: true,
    cacheable: false,
  };
}

export const driverVolumeType = 'nbd';

/** The mode of a new attachment: what is asked for, or else what the volume allows. */
export function modeFor(volume: VolumeRow, asked: 'rw' | 'ro' | null): 'rw' | 'ro' {
  if (asked === 'rw' && volume.readOnly) {
    throw new OperatingError(
      'invalid_input',
      `Invalid attaching mode 'rw' for volume ${volume.id}: the volume is read-only.`,
      { field: 'mode' },
    );
  }
  return asked ?? (volume.readOnly ? 'ro' : 'rw');
}
