import type { AttachmentRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { everyRow } from '../../catalog/every-row.ts';
import { must } from '../../base/assert.ts';
import type { ExportClients } from '../../nbd/exports.ts';
import type { OperationNeeds } from '../needs.ts';
import { ofVolume } from '../scope.ts';
import { showVolume } from '../volume/list-volumes.ts';

export interface AttachmentClients {
  readonly row: AttachmentRow;
  readonly clients: ExportClients;
}

/**
 * All attachments of a volume, with who uses each: nobody means that the client has not come yet,
 * or was lost, and then it is known when, since the service has been running.
 */
export async function listConnections(
  { catalog, exports }: Pick<OperationNeeds, 'catalog' | 'exports'>,
  caller: Caller,
  volumeId: string,
): Promise<AttachmentClients[]> {
  await showVolume({ catalog }, caller, volumeId);
  const rows = await Array.fromAsync(everyRow(catalog, 'attachments', ofVolume(volumeId)));
  const clients = await exports.clients(rows.map(({ exportName }) => exportName ?? ''));
  return rows.map((row, index) => ({ row, clients: must(clients[index], 'one for each name') }));
}
