/** A volume as an image: its bytes of the instant of the request, in an image of format raw. */
import { must } from '../../base/assert.ts';
import { isOperatingError } from '../../base/errors.ts';
import { newId } from '../../base/ids.ts';
import type { ImageRow, VolumeRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import type { JobHandler } from '../../job/job.ts';
import { bytesOfSnapshot } from '../disk/raw-disk.ts';
import { createImage } from '../image/create-image.ts';
import { storeImageData } from '../image/image-data.ts';
import { recordFailure } from '../message.ts';
import type { OperationNeeds } from '../needs.ts';
import { byId } from '../scope.ts';
import { volumeChanges } from '../states.ts';
import { changeVolume } from './change-volume.ts';
import { findVolume, invalidInput, invalidVolume } from './find-volume.ts';
import { releaseVolume } from './release-volume.ts';

const { from, during } = volumeChanges.upload;

type Needs = Pick<OperationNeeds, 'catalog' | 'clock' | 'engine' | 'images'>;

export interface VolumeUpload {
  readonly name: string;
  readonly diskFormat: string;
  readonly containerFormat: string;
  readonly visibility: ImageRow['visibility'];
  readonly isProtected: boolean;
  /** Also while the volume is in use. */
  readonly force: boolean;
}

/** Begins to store a volume as a new image. */
export async function uploadVolume(
  needs: Needs & Pick<OperationNeeds, 'jobs'>,
  caller: Caller,
  volumeId: string,
  upload: VolumeUpload,
): Promise<{ volume: VolumeRow; image: ImageRow }> {
  authorize(caller, 'volume_extension:volume_actions:upload_image');
  const { catalog, clock, engine, jobs } = needs;
  if (upload.diskFormat !== 'raw' || upload.containerFormat !== 'bare') {
    throw invalidInput(
      'Volumes are uploaded as disk format raw, container format bare.',
      'disk_format',
    );
  }
  const allowed = upload.force ? from : (['available'] as const);
  demandStatus(await findVolume(catalog, caller, volumeId), allowed);
  const image = await createImage(needs, caller, {
    id: undefined,
    name: upload.name,
    visibility: upload.visibility,
    properties: { disk_format: 'raw', container_format: 'bare', protected: upload.isProtected },
  });
  const snapshotId = newId();
  try {
    const volume = await catalog.transact(async (transaction) => {
      const row = await findVolume(transaction, caller, volumeId);
      demandStatus(row, allowed);
      await jobs.add(transaction, {
        kind: 'volume.upload',
        projectId: row.projectId,
        subjectId: row.id,
        requestId: caller.requestId,
        payload: { imageId: image.id, snapshotId },
      });
      return await changeVolume(transaction, row, allowed, {
        status: during,
        previousStatus: row.status,
        updatedAt: clock.now(),
      });
    });
    await engine.beginSnapshots([{ volumeId, snapshotId }]).catch((error: unknown) => {
      // The job meets the same error, and keeps it where the owner finds it.
      if (!isOperatingError(error)) throw error;
    });
    return { volume, image };
  } catch (error) {
    await catalog.remove('images', byId(image.id));
    throw error;
  } finally {
    jobs.wake();
  }
}

function demandStatus(row: VolumeRow, allowed: readonly VolumeRow['status'][]): void {
  if (allowed.includes(row.status)) return;
  throw invalidVolume(
    `Volume ${row.id} status must be ${allowed.join(' or ')}, but current status is: ` +
      `${row.status}.`,
  );
}

export function uploadVolumeJob(needs: Needs): JobHandler {
  const { catalog, clock, engine } = needs;
  const release = async (volumeId: string): Promise<void> => {
    await catalog.transact((transaction) =>
      releaseVolume(transaction, { volumeId, during, nowMs: clock.now() }),
    );
  };
  return {
    async run(job, { signal }) {
      const { imageId, snapshotId } = payloadOf(job.payload);
      const image = await catalog.find('images', byId(imageId));
      if (image?.status === 'queued') {
        await engine.createSnapshots([{ volumeId: job.subjectId, snapshotId }]);
        const content = bytesOfSnapshot(engine, snapshotId, signal);
        await storeImageData(needs, imageId, content);
      }
      await engine.deleteSnapshot(snapshotId);
      await release(job.subjectId);
    },

    async fail(job, error) {
      const { imageId, snapshotId } = payloadOf(job.payload);
      await engine.deleteSnapshot(snapshotId);
      await catalog.remove('images', { ...byId(imageId), status: 'queued' });
      await release(job.subjectId);
      await catalog.transact((transaction) =>
        recordFailure(transaction, clock, {
          job,
          resource: 'VOLUME',
          action: 'upload volume',
          error,
          advice: 'The volume is as it was, and the image is gone: upload it again.',
        }),
      );
    },
  };
}

function payloadOf(payload: object): { imageId: string; snapshotId: string } {
  const texts = new Map<string, unknown>(Object.entries(payload));
  const text = (name: string): string => {
    const value = texts.get(name);
    return must(typeof value === 'string' ? value : null, `${name} in the payload`);
  };
  return { imageId: text('imageId'), snapshotId: text('snapshotId') };
}
