import { everyProject, type CatalogWriter } from '../../catalog/catalog.ts';
import { snapshotChanges, volumeChanges } from '../states.ts';
import { releaseVolume } from '../volume/release-volume.ts';
import { byId } from '../scope.ts';

export interface BackupSource {
  readonly backupId: string;
  readonly volumeId: string;
  readonly snapshotId: string | null;
}

/**
 * Ends `backing-up` of what a backup was read from. It may be called again long after: while
 * another backup reads the same source, that one's status is left alone.
 */
export async function releaseSource(
  transaction: CatalogWriter,
  source: BackupSource,
  nowMs: number,
): Promise<void> {
  const { backupId, volumeId, snapshotId } = source;
  const other = await transaction.find('backups', {
    projectId: everyProject,
    id: { not: backupId },
    volumeId,
    snapshotId,
    status: 'creating',
  });
  if (other !== undefined) return;
  if (snapshotId === null) {
    await releaseVolume(transaction, { volumeId, during: volumeChanges.backUp.during, nowMs });
    return;
  }
  const { during, to } = snapshotChanges.backUp;
  const where = { ...byId(snapshotId), status: during };
  await transaction.change('snapshots', where, { status: to, updatedAt: nowMs });
}
