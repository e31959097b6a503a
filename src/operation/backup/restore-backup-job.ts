/**
 * The job that restores a backup. The volume is `available` only after it holds, or shows, exactly
 * the backup, in the same transaction in which the backup is released.
 */
import { rm } from 'node:fs/promises';
import { must } from '../../base/assert.ts';
import type { JobRow } from '../../catalog/tables.ts';
import type { JobHandler } from '../../job/job.ts';
import { recordFailure } from '../message.ts';
import { isOneOf, volumeChanges } from '../states.ts';
import {
  placePath,
  releaseBackup,
  restoreNow,
  restoringStatuses,
  type RestoreNeeds,
} from './restore-now.ts';
import type { RestoreTarget } from './start-restore.ts';
import { byId } from '../scope.ts';

export function restoreBackupJob(needs: RestoreNeeds): JobHandler {
  const { catalog, clock } = needs;
  return {
    async run(job, context) {
      const { volumeId, target, instant } = payloadOf(job);
      const volume = await catalog.find('volumes', byId(volumeId));
      if (volume !== undefined && isOneOf(volume.status, restoringStatuses)) {
        const found = await catalog.find('backups', byId(job.subjectId));
        const backup = must(found, 'the backup, held while restoring');
        await restoreNow(needs, { backup, volumeId, target, instant, jobId: job.id }, context);
      }
      await catalog.transact((transaction) =>
        releaseBackup(transaction, { backupId: job.subjectId, volumeId }, clock.now()),
      );
      await removeIfDeleted(needs, volumeId);
    },

    async fail(job, error) {
      const { volumeId, target } = payloadOf(job);
      const { restore, create } = volumeChanges;
      const status = target === 'named' ? create.failed : restore.failed;
      await removeIfDeleted(needs, volumeId);
      await catalog.transact(async (transaction) => {
        await transaction.change(
          'volumes',
          { ...byId(volumeId), status: restoringStatuses },
          { status, updatedAt: clock.now() },
        );
        const held = { backupId: job.subjectId, volumeId };
        await releaseBackup(transaction, held, clock.now());
        await rm(placePath(needs, job.id), { force: true });
        await recordFailure(transaction, clock, {
          job,
          resource: 'VOLUME_BACKUP',
          action: 'restore backup',
          error,
          advice: `Volume ${volumeId} holds no usable data: restore again, or delete it.`,
        });
      });
    },
  };
}

function payloadOf({ payload }: JobRow): {
  volumeId: string;
  target: RestoreTarget;
  instant: boolean;
} {
  const { volumeId, target, instant } = payload;
  return {
    volumeId: must(typeof volumeId === 'string' ? volumeId : null, 'the volume in the payload'),
    target: target === 'restored' || target === 'named' ? target : 'existing',
    instant: instant === true,
  };
}

/** A volume that was deleted by force, perhaps before the engine had it, leaves nothing behind. */
async function removeIfDeleted(
  { catalog, engine }: Pick<RestoreNeeds, 'catalog' | 'engine'>,
  volumeId: string,
): Promise<void> {
  const row = await catalog.find('volumes', byId(volumeId));
  if (row === undefined || row.status === 'deleting') await engine.deleteVolume(volumeId);
}
