/** Backups as answers show them (api-ref of Cinder, ext-backups). */
import { isoMicros } from '../../base/clock.ts';
import type { BackupRow, Metadata } from '../../catalog/tables.ts';
import type { progressKeys } from '../../operation/backup/backup-metadata.ts';
import { linksTo, timeView, type Viewer } from './view.ts';

export function backupSummary(backup: BackupRow, viewer: Viewer): object {
  const { id, name } = backup;
  return { id, name, links: linksTo(viewer, 'backups', id) };
}

/**
 * `has_dependent_backups` is always false: every backup is whole, and any can be deleted at any
 * time.
 */
export function backupDetail(backup: BackupRow, viewer: Viewer): object {
  const { microversion } = viewer;
  return {
    ...backupSummary(backup, viewer),
    status: backup.status,
    size: backup.size,
    object_count: backup.objectCount,
    availability_zone: backup.availabilityZone,
    container: backup.container,
    created_at: timeView(backup.createdAt),
    updated_at: timeView(backup.updatedAt),
    description: backup.description,
    fail_reason: backup.failReason,
    volume_id: backup.volumeId,
    is_incremental: backup.incremental,
    has_dependent_backups: false,
    snapshot_id: backup.snapshotId,
    data_timestamp: timeView(backup.dataTimestamp),
    ...(microversion >= 18 && viewer.isAdmin
      ? { 'os-backup-project-attr:project_id': backup.projectId }
      : {}),
    ...(microversion >= 43 ? { metadata: metadataWithFigures(backup) } : {}),
    ...(microversion >= 56 ? { user_id: backup.userId } : {}),
  };
}

/** The owner's metadata with Firn's figures beside it. */
function metadataWithFigures(backup: BackupRow): Metadata {
  const { verification } = backup;
  const figures: Partial<Record<(typeof progressKeys)[number], string>> = {
    'firn:progress': `${percentOf(backup)} %`,
    'firn:bytes_done': String(backup.bytesDone),
    'firn:bytes_total': String(backup.bytesTotal),
    'firn:bytes_stored': String(backup.bytesStored),
    ...(verification === null
      ? {}
      : {
          'firn:verified_at': isoMicros(verification.at),
          'firn:verified': `${verification.outcome} (${verification.depth})`,
        }),
  };
  return { ...backup.metadata, ...figures };
}

/** How much of what has to be read is read; a backup that is not `creating` any more is done. */
export function percentOf({ status, bytesDone, bytesTotal }: BackupRow): number {
  if (status === 'creating' || status === 'error') {
    return bytesTotal === 0 ? 0 : Math.floor((bytesDone * 100) / bytesTotal);
  }
  return 100;
}
