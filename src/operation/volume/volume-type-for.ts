import { OperatingError } from '../../base/errors.ts';
import { isUuid } from '../../base/ids.ts';
import type { CatalogReader } from '../../catalog/catalog.ts';
import type { VolumeTypeRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { noVolumeType } from '../type/find-volume-type.ts';
import { mayUseType } from '../type/type-access.ts';

/** The volume type that a client names by id or name, if the caller may use it. */
export async function volumeTypeFor(
  reader: CatalogReader,
  caller: Caller,
  idOrName: string,
): Promise<VolumeTypeRow> {
  const found =
    (await reader.find('volumeTypes', { id: idOrName })) ??
    (await reader.find('volumeTypes', { name: idOrName }));
  if (found !== undefined && (await mayUseType(reader, caller, found))) return found;
  if (isUuid(idOrName)) throw noVolumeType(idOrName);
  const message = `Volume type with name ${idOrName} could not be found.`;
  throw new OperatingError('not_found', message);
}
