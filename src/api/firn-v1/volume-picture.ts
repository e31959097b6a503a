/** Volumes as pictures: from the maps alone, at any size. */
import type { FastifyInstance } from 'fastify';
import { OperatingError } from '../../base/errors.ts';
import { isoMicros } from '../../base/clock.ts';
import type { OperationNeeds } from '../../operation/needs.ts';
import {
  drawVolume,
  type HistoryPoint,
  volumeHistory,
  type VolumePicture,
} from '../../operation/volume-picture.ts';
import type { ById } from '../block-storage-v3/request.ts';
import { readQuery } from '../query.ts';

const bucketsMax = 4096;
const bucketsDefault = 512;

export function volumePictureRoutes(app: FastifyInstance, operations: OperationNeeds): void {
  app.get('/volumes/:id/extents', async (request: ById) => {
    const query = readQuery(request);
    const { since, until } = query;
    const options = { buckets: bucketsOf(query['buckets']), since, until };
    const { caller, params } = request;
    return { extents: pictureView(await drawVolume(operations, caller, params.id, options)) };
  });

  app.get('/volumes/:id/history', async ({ caller, params }: ById) => ({
    history: (await volumeHistory(operations, caller, params.id)).map(pointView),
  }));
}

function bucketsOf(text: string | undefined): number {
  if (text === undefined) return bucketsDefault;
  const count = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= bucketsMax) return count;
  throw new OperatingError('invalid_input', `buckets must be an integer of 1 to ${bucketsMax}.`, {
    field: 'buckets',
  });
}

function pictureView(picture: VolumePicture): object {
  return {
    length_bytes: picture.lengthBytes,
    bucket_bytes: picture.bucketBytes,
    allocated: picture.allocated,
    shared: picture.shared,
    changed: picture.changed ?? null,
    since: picture.since ?? null,
    until: picture.until ?? null,
  };
}

function pointView({ kind, row, at, changedBytes }: HistoryPoint): object {
  const { id, name, status } = row;
  return { kind, id, name, status, at: isoMicros(at), changed_bytes: changedBytes };
}
