/**
 * A caller sees those of the own project and the
 * public ones of all projects, and changes those of the own project; an admin changes any.
 */
import { OperatingError } from '../../base/errors.ts';
import { isUuid } from '../../base/ids.ts';
import { everyProject } from '../../catalog/catalog.ts';
import type { CatalogReader } from '../../catalog/catalog.ts';
import type { ImageRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import type { Action } from '../../identity/policy.ts';
import { isAdmin } from '../scope.ts';

/** The image, if the caller sees it; rejects with `not_found` otherwise. */
export async function findImage(
  catalog: CatalogReader,
  caller: Caller,
  imageId: string,
): Promise<ImageRow> {
  authorize(caller, 'image:get_image');
  const row = isUuid(imageId)
    ? await catalog.find('images', { projectId: everyProject, id: imageId })
    : undefined;
  if (row !== undefined && isVisible(row, caller)) return row;
  throw new OperatingError('not_found', `No image found with ID ${imageId.slice(0, 255)}`);
}

/** Whether the caller sees the image. */
export function isVisible(row: ImageRow, caller: Caller): boolean {
  const open = row.visibility === 'public' || row.visibility === 'community';
  return open || row.projectId === caller.projectId || isAdmin(caller);
}

/** The image, if the caller may do `action` to it; else rejects: `not_found` or `forbidden`. */
export async function findOwnImage(
  catalog: CatalogReader,
  caller: Caller,
  action: Action,
  imageId: string,
): Promise<ImageRow> {
  authorize(caller, action);
  const row = await findImage(catalog, caller, imageId);
  if (row.projectId === caller.projectId || isAdmin(caller)) return row;
  throw new OperatingError('forbidden', 'You are not permitted to modify this image.');
}

/** Rejects with `forbidden` when somebody who may not makes an image public. */
export function mayHaveVisibility(caller: Caller, visibility: ImageRow['visibility']): void {
  if (visibility === 'public') authorize(caller, 'image:publicize_image');
}
