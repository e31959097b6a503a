import { OperatingError } from '../../base/errors.ts';
import { isUuid } from '../../base/ids.ts';
import type { Caller } from '../../identity/caller.ts';
import type { OperationNeeds } from '../needs.ts';
import { findOwnImage } from './image-access.ts';

/** Removes an image, its record first; rejects with `forbidden` when it is protected. */
export async function deleteImage(
  { catalog, images }: Pick<OperationNeeds, 'catalog' | 'images'>,
  caller: Caller,
  imageId: string,
): Promise<void> {
  await catalog.transact(async (transaction) => {
    const row = await findOwnImage(transaction, caller, 'image:delete_image', imageId);
    if (row.properties['protected'] === true) {
      throw new OperatingError('forbidden', `Image ${row.id} is protected and cannot be deleted.`);
    }
    await transaction.remove('images', { id: row.id, projectId: row.projectId });
  });
  if (isUuid(imageId)) await images.remove(imageId);
}
