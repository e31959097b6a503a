import type { Where } from '../../catalog/catalog.ts';
import type { VolumeTypeRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import type { Reading } from '../needs.ts';
import { readPage, type PageOf, type PageRequest } from '../page.ts';
import { isAdmin } from '../scope.ts';
import { defaultTypeName } from './seed-volume-types.ts';
import { findVolumeType, noVolumeType } from './find-volume-type.ts';

export interface VolumeTypeList extends PageRequest<'volumeTypes'> {
  readonly where: Where<'volumeTypes'>;
}

/** The volume types; those that are not public only for administrators. */
export async function listVolumeTypes(
  { catalog }: Reading,
  caller: Caller,
  list: VolumeTypeList,
): Promise<PageOf<'volumeTypes'>> {
  authorize(caller, 'volume_extension:type_get_all');
  const where = isAdmin(caller) ? list.where : { ...list.where, isPublic: true };
  return await readPage(catalog, 'volumeTypes', where, list, (id) =>
    catalog.find('volumeTypes', { id }),
  );
}

export async function showVolumeType(
  { catalog }: Reading,
  caller: Caller,
  typeId: string,
): Promise<VolumeTypeRow> {
  authorize(caller, 'volume_extension:type_get');
  const row = await findVolumeType(catalog, typeId);
  if (!row.isPublic && !isAdmin(caller)) throw noVolumeType(typeId);
  return row;
}

export async function showDefaultVolumeType(
  { catalog }: Reading,
  caller: Caller,
): Promise<VolumeTypeRow> {
  authorize(caller, 'volume_extension:type_get');
  const row = await catalog.find('volumeTypes', { name: defaultTypeName });
  if (row === undefined) throw noVolumeType(defaultTypeName);
  return row;
}

/** The names of volume types by id, of which there are few. */
export async function volumeTypeNames({ catalog }: Reading): Promise<Map<string, string>> {
  const rows = await catalog.list('volumeTypes', { where: {}, limit: 1000 });
  return new Map(rows.map((row) => [row.id, row.name]));
}
