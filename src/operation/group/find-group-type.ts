import { OperatingError } from '../../base/errors.ts';
import type { CatalogReader } from '../../catalog/catalog.ts';
import type { GroupTypeRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { isAdmin } from '../scope.ts';

/** The group type with this id; one that is not public only for administrators. */
export async function findGroupType(
  reader: CatalogReader,
  caller: Caller,
  typeId: string,
): Promise<GroupTypeRow> {
  const row = await reader.find('groupTypes', { id: typeId });
  if (row === undefined || !isVisible(caller, row)) {
    throw new OperatingError('not_found', `Group type ${typeId} could not be found.`);
  }
  return row;
}

/** The group type that a client names by id or by name. */
export async function groupTypeFor(
  reader: CatalogReader,
  caller: Caller,
  idOrName: string,
): Promise<GroupTypeRow> {
  const row =
    (await reader.find('groupTypes', { id: idOrName })) ??
    (await reader.find('groupTypes', { name: idOrName }));
  if (row !== undefined && isVisible(caller, row)) return row;
  throw new OperatingError('not_found', `Group type ${idOrName} could not be found.`);
}

function isVisible(caller: Caller, row: GroupTypeRow): boolean {
  return row.isPublic || isAdmin(caller);
}
