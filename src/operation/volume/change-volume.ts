import type { CatalogWriter } from '../../catalog/catalog.ts';
import type { VolumeRow, VolumeStatus } from '../../catalog/tables.ts';
import { OperatingError } from '../../base/errors.ts';

/**
 * Changes a volume that was read in the same transaction, if its status is still one of `from`.
 * Rejects with `conflict` when somebody else came first.
 */
export async function changeVolume(
  transaction: CatalogWriter,
  volume: VolumeRow,
  from: readonly VolumeStatus[],
  changes: Partial<VolumeRow>,
): Promise<VolumeRow> {
  const where = { id: volume.id, projectId: volume.projectId, status: from };
  const changed = await transaction.change('volumes', where, changes);
  if (changed === undefined) {
    throw new OperatingError('conflict', `Volume ${volume.id} was changed by somebody else.`);
  }
  return changed;
}
