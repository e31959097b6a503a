import { GiB } from '../../base/bytes.ts';
import { OperatingError } from '../../base/errors.ts';
import type { VolumeRow } from '../../catalog/tables.ts';
import type { JobContext, JobHandler } from '../../job/job.ts';
import { isDisabled, noBackend } from '../installation/binaries.ts';
import { recordFailure } from '../message.ts';
import type { OperationNeeds } from '../needs.ts';
import { volumeChanges } from '../states.ts';
import { byId } from '../scope.ts';
import { fillVolume } from '../disk/disk-content.ts';
import { rawDisk } from '../disk/raw-disk.ts';
import { demandFolder } from './manage-volume.ts';
import { fillFromImage } from './volume-from-image.ts';

type Needs = Pick<OperationNeeds, 'catalog' | 'clock' | 'engine' | 'images' | 'adoption'>;

const { during, to, failed } = volumeChanges.create;

/**
 * Makes the engine's volume. One that is deleted by force meanwhile is removed by the job after it.
 */
export function createVolumeJob(needs: Needs): JobHandler {
  const { catalog, clock, engine } = needs;
  return {
    async run({ subjectId: id }, context) {
      const row = await catalog.find('volumes', byId(id));
      if (row?.status !== during) return;
      // A volume of a backup comes here for this answer alone.
      if (row.backupId !== null || (await isDisabled(catalog, 'cinder-volume'))) {
        throw new OperatingError('invalid_state', noBackend);
      }
      const from = sourceOf(row);
      await engine.createVolume({
        volumeId: id,
        lengthBytes: row.size * GiB,
        ...(from === undefined ? {} : { from }),
      });
      await fill(needs, row, context);
      await catalog.change(
        'volumes',
        { ...byId(id), status: during },
        { status: to, updatedAt: clock.now() },
      );
    },

    async fail(job, error) {
      await catalog.transact(async (transaction) => {
        const changed = await transaction.change(
          'volumes',
          { ...byId(job.subjectId), status: during },
          { status: failed, updatedAt: clock.now() },
        );
        if (changed === undefined) return;
        await recordFailure(transaction, clock, {
          job,
          resource: 'VOLUME',
          action: 'create volume',
          error,
          advice: 'Delete the volume, and create it again.',
        });
      });
    },
  };
}

function sourceOf(row: VolumeRow): { snapshotId: string } | { volumeId: string } | undefined {
  if (row.snapshotId !== null) return { snapshotId: row.snapshotId };
  return row.sourceVolumeId === null ? undefined : { volumeId: row.sourceVolumeId };
}

/** What a volume of an image, or of a file of the host, begins with. */
async function fill(needs: Needs, row: VolumeRow, context: JobContext): Promise<void> {
  const { imageId, managedFile } = row;
  if (imageId !== null) {
    const isQcow2 = row.imageMetadata['disk_format'] === 'qcow2';
    await fillFromImage(needs, row, { imageId, isQcow2, clear: false }, context);
  }
  if (managedFile === null) return;
  const file = await demandFolder(needs.adoption).open(managedFile);
  try {
    const progress = context.progress.bind(context);
    const { signal } = context;
    const content = rawDisk(file);
    const filling = { volumeId: row.id, content, clear: false, signal, progress };
    await fillVolume(needs.engine, filling);
  } finally {
    await file.close();
  }
}
