import { OperatingError } from '../../base/errors.ts';
import type { CatalogReader } from '../../catalog/catalog.ts';
import type { VolumeTypeRow } from '../../catalog/tables.ts';

/** The volume type with this id. */
export async function findVolumeType(
  reader: CatalogReader,
  typeId: string,
): Promise<VolumeTypeRow> {
  const row = await reader.find('volumeTypes', { id: typeId });
  if (row === undefined) throw noVolumeType(typeId);
  return row;
}

export function noVolumeType(typeId: string): OperatingError {
  return new OperatingError('not_found', `Volume type ${typeId} could not be found.`);
}
