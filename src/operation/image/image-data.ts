/**
 * Putting data into an image, and getting at it.
 *
 * An image is `queued` until data comes, `saving` while it comes, and `active` when all of it is
 * durable; it is `queued` again when that failed. The data of an active image never changes.
 */
import { OperatingError } from '../../base/errors.ts';
import { everyProject } from '../../catalog/catalog.ts';
import type { ImageRow, ImageStatus } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import type { OperationNeeds } from '../needs.ts';
import { byId } from '../scope.ts';
import { findImage } from './image-access.ts';
import type { ImageFile } from './image-files.ts';
import { virtualSizeOf } from './virtual-size.ts';

type ImageNeeds = Pick<OperationNeeds, 'catalog' | 'clock' | 'images'>;

/**
 * Stores the data of a `queued` image, which is `active` then, or has the given status. The
 * caller has been authorized. Rejects with `conflict` an image that has data or gets some just now,
 * with `invalid_input` data that is not of the image's `disk_format`.
 */
export async function storeImageData(
  needs: ImageNeeds,
  imageId: string,
  content: AsyncIterable<Uint8Array>,
  options: { status?: ImageStatus; sizeMaxBytes?: number } = {},
): Promise<ImageRow> {
  const { status = 'active', ...limits } = options;
  const image = await swap(needs, imageId, 'queued', { status: 'saving' });
  try {
    const facts = await needs.images.write(imageId, content, limits);
    const virtualSizeBytes = await measure(needs, image);
    return await swap(needs, imageId, 'saving', {
      status,
      sizeBytes: facts.sizeBytes,
      virtualSizeBytes,
      checksum: facts.md5,
      hashValue: facts.sha512,
    });
  } catch (error) {
    await needs.images.remove(imageId);
    await needs.catalog.change('images', { ...byId(imageId), status: 'saving' }, queued);
    throw error;
  }
}

const queued = { status: 'queued' } as const;

async function measure({ images }: ImageNeeds, image: ImageRow): Promise<number | null> {
  const file = await images.open(image.id);
  try {
    return await virtualSizeOf(file, image.properties['disk_format']);
  } finally {
    await file.close();
  }
}

/** Changes an image that has the status `from`; rejects with `conflict` when it has not. */
export async function swap(
  { catalog, clock }: ImageNeeds,
  imageId: string,
  from: ImageStatus,
  changes: Partial<ImageRow>,
): Promise<ImageRow> {
  const where = { ...byId(imageId), status: from };
  const changed = await catalog.change('images', where, { ...changes, updatedAt: clock.now() });
  if (changed !== undefined) return changed;
  const now = await catalog.find('images', byId(imageId));
  if (now === undefined) throw new OperatingError('not_found', `No image found with ID ${imageId}`);
  const to = changes.status ?? from;
  const words = `Image status transition from ${now.status} to ${to} is not allowed`;
  throw new OperatingError('conflict', words);
}

/** An active image that the caller sees, with its data open; the receiver closes it. */
export async function openActiveImage(
  { catalog, images }: Pick<ImageNeeds, 'catalog' | 'images'>,
  caller: Caller,
  imageId: string,
): Promise<{ row: ImageRow; file: ImageFile }> {
  const row = await findImage(catalog, caller, imageId);
  if (row.status !== 'active') {
    throw new OperatingError('invalid_state', `Image ${row.id} is not active.`);
  }
  return { row, file: await images.open(row.id) };
}

/**
 * For the start of the service: uploads that a killed process was taking are to be made again, and
 * data whose record is gone goes too.
 */
export async function takeUpImages(needs: ImageNeeds): Promise<void> {
  await needs.images.prepare();
  for (const imageId of await needs.images.list()) {
    const row = await needs.catalog.find('images', byId(imageId));
    if (row === undefined || row.status === 'saving') await needs.images.remove(imageId);
  }
  const where = { projectId: everyProject, status: 'saving' } as const;
  const cut = await needs.catalog.list('images', { where, limit: 1000 });
  for (const { id } of cut) await swap(needs, id, 'saving', queued);
}
