import type { Clock } from '../../base/clock.ts';
import { OperatingError } from '../../base/errors.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { ImageRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { findOwnImage, mayHaveVisibility } from './image-access.ts';

export type ImageContent = Pick<ImageRow, 'name' | 'visibility' | 'properties'>;

/** Replaces an image's fields by what `edit` makes of them, in one transaction. */
export async function changeImage(
  { catalog, clock }: { catalog: Catalog; clock: Clock },
  caller: Caller,
  imageId: string,
  edit: (image: ImageRow) => ImageContent,
): Promise<ImageRow> {
  return await catalog.transact(async (transaction) => {
    const row = await findOwnImage(transaction, caller, 'image:modify_image', imageId);
    const content = edit(row);
    if (content.visibility !== row.visibility) mayHaveVisibility(caller, content.visibility);
    const changed = await transaction.change(
      'images',
      { id: row.id, projectId: row.projectId },
      { ...content, updatedAt: clock.now() },
    );
    if (changed === undefined) throw new OperatingError('conflict', 'The image is gone.');
    return changed;
  });
}
