import type { Clock } from '../../base/clock.ts';
import { OperatingError } from '../../base/errors.ts';
import { newId } from '../../base/ids.ts';
import type { JsonObject } from '../../base/json.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { ImageRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import { mayHaveVisibility } from './image-access.ts';

export interface NewImage {
  /** A UUID; a new one is made when it is missing. */
  readonly id: string | undefined;
  readonly name: string | null;
  readonly visibility: ImageRow['visibility'];
  readonly properties: JsonObject;
}

/** Makes a record, `queued` until data comes. Rejects with `exists` an id that is taken. */
export async function createImage(
  { catalog, clock }: { catalog: Catalog; clock: Clock },
  caller: Caller,
  image: NewImage,
): Promise<ImageRow> {
  authorize(caller, 'image:add_image');
  mayHaveVisibility(caller, image.visibility);
  const now = clock.now();
  const row: ImageRow = {
    id: image.id ?? newId(),
    projectId: caller.projectId,
    name: image.name,
    status: 'queued',
    visibility: image.visibility,
    sizeBytes: null,
    virtualSizeBytes: null,
    checksum: null,
    hashValue: null,
    properties: image.properties,
    createdAt: now,
    updatedAt: now,
  };
  await catalog.insert('images', row).catch((error: unknown) => {
    if (!(error instanceof OperatingError) || error.code !== 'exists') throw error;
    throw new OperatingError('exists', `Image ID ${row.id} already exists!`);
  });
  return row;
}
