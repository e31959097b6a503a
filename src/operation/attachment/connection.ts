/**
 * Connections: how a client reaches an attached volume, or a snapshot, over NBD.
 *
 * - The export's name is a secret of 256 random bits, and the only thing that gives access. It is
 *   in the attachment's row from the moment that it is handed out, so that a restart can serve it
 *   again.
 * - It dies with the row, or when the row forgets it; then its connections are cut. Rows change
 *   first and exports after them: who serves a name looks afterwards whether the row still has it,
 *   so that a name never outlives its row, whoever comes first.
 */
import { OperatingError } from '../../base/errors.ts';
import { newSecret } from '../../base/ids.ts';
import type { JsonObject } from '../../base/json.ts';
import type { AttachmentRow, Metadata, VolumeRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import type { Exports } from '../../nbd/exports.ts';
import type { NbdAddress, OperationNeeds } from '../needs.ts';
import { applyLimits } from '../qos/apply-limits.ts';
import { byId } from '../scope.ts';

/** A new name for an export, of the request that hands it out. */
export function newName({ requestId }: Pick<Caller, 'requestId'>): {
  exportName: string;
  exportRequestId: string;
} {
  return { exportName: newSecret(), exportRequestId: requestId };
}

/** Serves an attachment's export from now on, within its volume's limits; if it has a name. */
export async function addExport(
  needs: Pick<OperationNeeds, 'catalog' | 'exports'>,
  attachment: AttachmentRow,
): Promise<void> {
  const { exportName, exportRequestId, volumeId, mode } = attachment;
  if (exportName === null) return;
  await applyLimits(needs, volumeId);
  await needs.exports.add(exportName, {
    source: { volumeId },
    readOnly: mode === 'ro',
    requestId: exportRequestId ?? undefined,
  });
}

/**
 * Serves an export that has just been handed out. Rejects with `conflict` when the attachment was
 * ended meanwhile; then nothing is served.
 */
export async function serveAttachment(
  needs: Pick<OperationNeeds, 'catalog' | 'exports'>,
  attachment: AttachmentRow,
): Promise<void> {
  const { catalog, exports } = needs;
  const { id, exportName } = attachment;
  if (exportName === null) return;
  await addExport(needs, attachment);
  const now = await catalog.find('attachments', byId(id));
  if (now?.exportName === exportName) return;
  await exports.remove(exportName);
  throw new OperatingError('conflict', `Attachment ${id} was ended by somebody else.`);
}

/** Ends the exports of attachments whose rows have forgotten them, and cuts their clients. */
export async function endExports(
  exports: Exports,
  ended: readonly { readonly exportName: string | null }[],
): Promise<void> {
  const names = ended.flatMap(({ exportName }) => (exportName === null ? [] : [exportName]));
  await Promise.all(names.map((name) => exports.remove(name)));
}

/** Where clients find an export. */
export function exportAddress(exportName: string, nbd: NbdAddress): JsonObject {
  const host = nbd.host.includes(':') ? `[${nbd.host}]` : nbd.host;
  const socket = encodeURIComponent(nbd.socketPath).replaceAll('%2F', '/');
  return {
    uri: `${nbd.tls ? 'nbds' : 'nbd'}://${host}:${nbd.port}/${exportName}`,
    unix_uri: `nbd+unix:///${exportName}?socket=${socket}`,
    export: exportName,
    host: nbd.host,
    port: nbd.port,
  };
}

/**
 * What a client needs to connect; empty while no connector is known. `qosSpecs`: the limits that it
 * is to enforce itself.
 */
export function connectionData(
  attachment: AttachmentRow,
  nbd: NbdAddress,
  qosSpecs: Metadata | null,
): JsonObject {
  const { exportName } = attachment;
  if (exportName === null) return {};
  return {
    ...exportAddress(exportName, nbd),
    volume_id: attachment.volumeId,
    attachment_id: attachment.id,
    access_mode: attachment.mode,
    encrypted: false,
    qos_specs: qosSpecs,
    discard: true,
    cacheable: false,
  };
}

export const driverVolumeType = 'nbd';

/** The host that a connector names, if it names one. */
export function hostOf(connector: JsonObject | null): string | null {
  const host = connector?.['host'];
  return typeof host === 'string' ? host : null;
}

/** The mode of a new attachment: a volume that is read-only is attached so, whatever is asked. */
export function modeFor(volume: VolumeRow, asked: 'rw' | 'ro' | null): 'rw' | 'ro' {
  return volume.readOnly ? 'ro' : (asked ?? 'rw');
}
