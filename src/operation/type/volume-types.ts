import type { Where } from '../../catalog/catalog.ts';
import type { VolumeTypeRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import type { Reading } from '../needs.ts';
import { readPage, type PageOf, type PageRequest } from '../page.ts';
import { isAdmin } from '../scope.ts';
import { defaultTypeOf } from './default-types.ts';
import { findUsableType, privateTypesOf } from './type-access.ts';

export interface VolumeTypeList extends PageRequest<'volumeTypes'> {
  readonly where: Where<'volumeTypes'>;
  /** For administrators: what the project may use, what is not for all, or (null) every one. */
  readonly isPublic: boolean | null;
}

/** The volume types that the caller may use; of administrators, those that they ask for. */
export async function listVolumeTypes(
  { catalog }: Reading,
  caller: Caller,
  list: VolumeTypeList,
): Promise<PageOf<'volumeTypes'>> {
  authorize(caller, 'volume_extension:type_get_all');
  const seen =
    isAdmin(caller) && list.isPublic !== true
      ? askedFor(list.isPublic)
      : { anyOf: [{ isPublic: true }, { id: await privateTypesOf(catalog, caller.projectId) }] };
  return await readPage(catalog, 'volumeTypes', { ...list.where, ...seen }, list, (id) =>
    catalog.find('volumeTypes', { id }),
  );
}

function askedFor(isPublic: false | null): { isPublic?: boolean } {
  return isPublic === null ? {} : { isPublic };
}

export async function showVolumeType(
  { catalog }: Reading,
  caller: Caller,
  typeId: string,
): Promise<VolumeTypeRow> {
  authorize(caller, 'volume_extension:type_get');
  return await findUsableType(catalog, caller, typeId);
}

export async function showDefaultVolumeType(
  { catalog }: Reading,
  caller: Caller,
): Promise<VolumeTypeRow> {
  authorize(caller, 'volume_extension:type_get');
  return await defaultTypeOf(catalog, caller.projectId);
}

/** The names of volume types by id, of which there are few. */
export async function volumeTypeNames({ catalog }: Reading): Promise<Map<string, string>> {
  const rows = await catalog.list('volumeTypes', { where: {}, limit: 1000 });
  return new Map(rows.map((row) => [row.id, row.name]));
}
