import { OperatingError } from '../../base/errors.ts';
import type { Where } from '../../catalog/catalog.ts';
import type { GroupTypeRow, Metadata } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import type { Reading } from '../needs.ts';
import { readPage, type PageOf, type PageRequest } from '../page.ts';
import { isAdmin } from '../scope.ts';
import { findGroupType } from './find-group-type.ts';
import { defaultGroupTypeName } from './seed-group-types.ts';

export interface GroupTypeList extends PageRequest<'groupTypes'> {
  readonly where: Where<'groupTypes'>;
}

/** The group types; those that are not public only for administrators. */
export async function listGroupTypes(
  { catalog }: Reading,
  caller: Caller,
  list: GroupTypeList,
): Promise<PageOf<'groupTypes'>> {
  authorize(caller, 'firn:get_group_type');
  const where = isAdmin(caller) ? list.where : { ...list.where, isPublic: true };
  return await readPage(catalog, 'groupTypes', where, list, (id) =>
    catalog.find('groupTypes', { id }),
  );
}

export async function showGroupType(
  { catalog }: Reading,
  caller: Caller,
  typeId: string,
): Promise<GroupTypeRow> {
  authorize(caller, 'firn:get_group_type');
  return await findGroupType(catalog, caller, typeId);
}

export async function showDefaultGroupType(
  { catalog }: Reading,
  caller: Caller,
): Promise<GroupTypeRow> {
  authorize(caller, 'firn:get_group_type');
  const row = await catalog.find('groupTypes', { name: defaultGroupTypeName });
  if (row !== undefined) return row;
  throw new OperatingError('not_found', 'Default group type can not be found.');
}

export async function showGroupSpecs(
  { catalog }: Reading,
  caller: Caller,
  action: 'group:group_types_specs:get' | 'group:group_types_specs:get_all',
  typeId: string,
): Promise<Metadata> {
  authorize(caller, action);
  return (await findGroupType(catalog, caller, typeId)).groupSpecs;
}
