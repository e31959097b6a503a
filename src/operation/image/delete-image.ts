import { OperatingError } from '../../base/errors.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { Caller } from '../../identity/caller.ts';
import { findOwnImage } from './image-access.ts';

/** Removes an image's record; rejects with `forbidden` when it is protected. */
export async function deleteImage(
  catalog: Catalog,
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
}
