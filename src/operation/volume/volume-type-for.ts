import { OperatingError } from '../../base/errors.ts';
import type { CatalogReader } from '../../catalog/catalog.ts';
import type { VolumeTypeRow } from '../../catalog/tables.ts';
import { must } from '../../base/assert.ts';
import { defaultTypeName } from '../type/seed-volume-types.ts';

/** The volume type that a client names by id or name; the default one for null. */
export async function volumeTypeFor(
  reader: CatalogReader,
  idOrName: string | null,
): Promise<VolumeTypeRow> {
  if (idOrName === null || idOrName === '') {
    const row = await reader.find('volumeTypes', { name: defaultTypeName });
    return must(row, 'the default volume type, made at the first start');
  }
  const found =
    (await reader.find('volumeTypes', { id: idOrName })) ??
    (await reader.find('volumeTypes', { name: idOrName }));
  if (found === undefined) {
    throw new OperatingError('not_found', `Volume type ${idOrName} could not be found.`);
  }
  return found;
}
