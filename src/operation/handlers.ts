import type { JobHandlers } from '../job/job.ts';
import { createBackupJob } from './backup/create-backup-job.ts';
import { deleteBackupJob } from './backup/delete-backup.ts';
import { pruneRepositoryJob } from './backup/prune-repository.ts';
import { restoreBackupJob } from './backup/restore-backup-job.ts';
import { verifyBackupJob } from './backup/verify-backup.ts';
import { createGroupJob } from './group/create-group-job.ts';
import { createGroupSnapshotJob } from './group/create-group-snapshot.ts';
import { deleteGroupSnapshotJob } from './group/delete-group-snapshot.ts';
import { deleteGroupJob } from './group/delete-group.ts';
import type { OperationNeeds } from './needs.ts';
import { createSnapshotJob } from './snapshot/create-snapshot.ts';
import { deleteSnapshotJob } from './snapshot/delete-snapshot.ts';
import { createVolumeJob } from './volume/create-volume-job.ts';
import { deleteVolumeJob } from './volume/delete-volume.ts';
import { extendVolumeJob } from './volume/extend-volume.ts';
import { unmanageVolumeJob } from './volume/manage-volume.ts';
import { reimageVolumeJob } from './volume/reimage-volume.ts';
import { revertVolumeJob } from './volume/revert-volume.ts';
import { uploadVolumeJob } from './volume/upload-volume.ts';

export type HandlerNeeds = Pick<
  OperationNeeds,
  | 'catalog'
  | 'clock'
  | 'engine'
  | 'jobs'
  | 'repositories'
  | 'exports'
  | 'nbd'
  | 'hydrator'
  | 'images'
  | 'journalFolder'
  | 'adoption'
>;

/** All jobs of operations by their kind. */
export function jobHandlers(needs: HandlerNeeds): JobHandlers {
  return {
    'volume.create': createVolumeJob(needs),
    'volume.delete': deleteVolumeJob(needs),
    'volume.extend': extendVolumeJob(needs),
    'volume.revert': revertVolumeJob(needs),
    'volume.reimage': reimageVolumeJob(needs),
    'volume.upload': uploadVolumeJob(needs),
    'volume.unmanage': unmanageVolumeJob(needs),
    'snapshot.create': createSnapshotJob(needs),
    'snapshot.delete': deleteSnapshotJob(needs),
    'group.create': createGroupJob(needs),
    'group.delete': deleteGroupJob(needs),
    'group_snapshot.create': createGroupSnapshotJob(needs),
    'group_snapshot.delete': deleteGroupSnapshotJob(needs),
    'backup.create': createBackupJob(needs),
    'backup.delete': deleteBackupJob(needs),
    'backup.restore': restoreBackupJob(needs),
    'backup.verify': verifyBackupJob(needs),
    'repository.prune': pruneRepositoryJob(needs),
  };
}
