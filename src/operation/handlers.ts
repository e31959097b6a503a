import type { JobHandlers } from '../job/job.ts';
import { createBackupJob } from './backup/create-backup-job.ts';
import { deleteBackupJob } from './backup/delete-backup.ts';
import { restoreBackupJob } from './backup/restore-backup-job.ts';
import type { OperationNeeds } from './needs.ts';
import { createSnapshotJob } from './snapshot/create-snapshot.ts';
import { deleteSnapshotJob } from './snapshot/delete-snapshot.ts';
import { createVolumeJob } from './volume/create-volume-job.ts';
import { deleteVolumeJob } from './volume/delete-volume.ts';
import { extendVolumeJob } from './volume/extend-volume.ts';

export type HandlerNeeds = Pick<
  OperationNeeds,
  'catalog' | 'clock' | 'engine' | 'repositories' | 'journalFolder'
>;

/** All jobs of operations by their kind. */
export function jobHandlers(needs: HandlerNeeds): JobHandlers {
  return {
    'volume.create': createVolumeJob(needs),
    'volume.delete': deleteVolumeJob(needs),
    'volume.extend': extendVolumeJob(needs),
    'snapshot.create': createSnapshotJob(needs),
    'snapshot.delete': deleteSnapshotJob(needs),
    'backup.create': createBackupJob(needs),
    'backup.delete': deleteBackupJob(needs),
    'backup.restore': restoreBackupJob(needs),
  };
}
