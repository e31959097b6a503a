import type { Caller } from '../../identity/caller.ts';
import { must } from '../../base/assert.ts';
import { authorize } from '../../identity/policy.ts';
import type { JobHandler } from '../../job/job.ts';
import { recordFailure } from '../message.ts';
import type { OperationNeeds, Starting } from '../needs.ts';
import { byId } from '../scope.ts';
import { isOneOf, volumeChanges } from '../states.ts';
import { changeVolume } from './change-volume.ts';
import { findVolume, invalidVolume } from './find-volume.ts';
import {
  demandFits,
  fillFromImage,
  findImageSource,
  imageMetadataOf,
} from './volume-from-image.ts';

const { from, during, failed } = volumeChanges.reimage;

/** Begins to replace all that is on a volume by an image. */
export async function reimageVolume(
  { catalog, clock, jobs }: Starting,
  caller: Caller,
  volumeId: string,
  options: { imageId: string; reserved: boolean },
): Promise<void> {
  authorize(caller, options.reserved ? 'volume:reimage_reserved' : 'volume:reimage');
  await catalog.transact(async (transaction) => {
    const row = await findVolume(transaction, caller, volumeId);
    const allowed = options.reserved ? ([...from, 'reserved'] as const) : from;
    if (!isOneOf(row.status, allowed)) {
      throw invalidVolume(
        `Volume ${row.id} status must be ${allowed.join(' or ')} to reimage, but current status ` +
          `is: ${row.status}.`,
      );
    }
    const image = await findImageSource(transaction, caller, options.imageId);
    demandFits(image, row.size);
    await changeVolume(transaction, row, allowed, {
      status: during,
      previousStatus: row.status === 'reserved' ? 'reserved' : 'available',
      imageId: image.id,
      imageMetadata: imageMetadataOf(image),
      bootable: true,
      updatedAt: clock.now(),
    });
    await jobs.add(transaction, {
      kind: 'volume.reimage',
      projectId: row.projectId,
      subjectId: row.id,
      requestId: caller.requestId,
    });
  });
  jobs.wake();
}

export function reimageVolumeJob(
  needs: Pick<OperationNeeds, 'catalog' | 'clock' | 'engine' | 'images'>,
): JobHandler {
  const { catalog, clock } = needs;
  return {
    async run(job, context) {
      const row = await catalog.find('volumes', byId(job.subjectId));
      if (row?.status !== during) return;
      const imageId = must(row.imageId, 'the image that the volume is made of');
      const isQcow2 = row.imageMetadata['disk_format'] === 'qcow2';
      await fillFromImage(needs, row, { imageId, isQcow2, clear: true }, context);
      const where = { ...byId(row.id), status: during };
      const status = row.previousStatus ?? 'available';
      const changes = { status, previousStatus: null, updatedAt: clock.now() };
      await catalog.change('volumes', where, changes);
    },

    async fail(job, error) {
      await catalog.transact(async (transaction) => {
        const where = { ...byId(job.subjectId), status: during };
        const changes = { status: failed, previousStatus: null, updatedAt: clock.now() };
        if ((await transaction.change('volumes', where, changes)) === undefined) return;
        await recordFailure(transaction, clock, {
          job,
          resource: 'VOLUME',
          action: 'reimage volume',
          error,
          advice: 'The volume holds no usable data: reimage it again, or delete it.',
        });
      });
    },
  };
}
