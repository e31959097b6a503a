/** Roles. Those that the policy knows by name stay. */
import { OperatingError } from '../../base/errors.ts';
import { newHexId } from '../../base/ids.ts';
import type { RoleRow } from '../../catalog/identity-tables.ts';
import { roleNames } from '../roles.ts';
import { orNotFound, unique } from './faults.ts';
import type { DirectoryNeeds } from './users.ts';

export async function createRole(
  { catalog }: DirectoryNeeds,
  role: Omit<RoleRow, 'id'>,
): Promise<RoleRow> {
  const row = { ...role, id: newHexId() };
  await unique('role', row.name, catalog.insert('roles', row));
  return row;
}

export async function updateRole(
  { catalog }: DirectoryNeeds,
  id: string,
  changes: Partial<Omit<RoleRow, 'id'>>,
): Promise<RoleRow> {
  const row = orNotFound(await catalog.find('roles', { id }), 'role', id);
  if (changes.name !== undefined && changes.name !== row.name) assertFree(row, 'renamed');
  if (Object.keys(changes).length === 0) return row;
  const work = catalog.change('roles', { id }, changes);
  return orNotFound(await unique('role', changes.name ?? id, work), 'role', id);
}

/** Removes a role, and takes it from everybody who has it. */
export async function deleteRole({ catalog }: DirectoryNeeds, id: string): Promise<void> {
  assertFree(orNotFound(await catalog.find('roles', { id }), 'role', id), 'deleted');
  await catalog.remove('roles', { id });
}

function assertFree(row: RoleRow, verb: string): void {
  if (!roleNames.some((name) => name === row.name)) return;
  throw new OperatingError(
    'forbidden',
    `The role ${row.name} has a meaning and cannot be ${verb}.`,
  );
}
