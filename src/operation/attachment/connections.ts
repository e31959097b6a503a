import type { AttachmentRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { everyRow } from '../every-row.ts';
import type { OperationNeeds } from '../needs.ts';
import { ofVolume } from '../scope.ts';
import { showVolume } from '../volume/list-volumes.ts';

/**
 * All attachments of a volume, with how many clients use each just now: none means that the client
 * has not come yet, or was lost.
 */
export async function listConnections(
  { catalog, exports }: Pick<OperationNeeds, 'catalog' | 'exports'>,
  caller: Caller,
  volumeId: string,
): Promise<{ row: AttachmentRow; connections: number }[]> {
  await showVolume({ catalog }, caller, volumeId);
  const rows = await Array.fromAsync(everyRow(catalog, 'attachments', ofVolume(volumeId)));
  const counts = await exports.connections(rows.map(({ exportName }) => exportName ?? ''));
  return rows.map((row, index) => ({ row, connections: counts[index] ?? 0 }));
}
