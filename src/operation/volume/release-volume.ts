import { everyProject, type CatalogWriter } from '../../catalog/catalog.ts';
import type { VolumeStatus } from '../../catalog/tables.ts';

/**
 * Gives a volume the status back that it had before `during`, unless somebody took it out of it.
 */
export async function releaseVolume(
  transaction: CatalogWriter,
  release: { volumeId: string; during: VolumeStatus; nowMs: number },
): Promise<void> {
  const where = { id: release.volumeId, projectId: everyProject, status: release.during } as const;
  const row = await transaction.find('volumes', where);
  if (row === undefined) return;
  await transaction.change('volumes', where, {
    status: row.previousStatus ?? 'available',
    previousStatus: null,
    updatedAt: release.nowMs,
  });
}
