/** Roles that are given and taken: to users and groups, on projects, domains and the system. */
import type { CatalogReader } from '../../catalog/catalog.ts';
import type { RoleAssignmentRow } from '../../catalog/identity-tables.ts';
import { assignment, systemId } from '../assignment.ts';
import { notFound, orNotFound } from './faults.ts';
import type { DirectoryNeeds } from './users.ts';

/** Whom, and on what. */
export type Seat = Omit<RoleAssignmentRow, 'id' | 'roleId'>;

/** Rejects with `not_found` when the one or the other is not there. */
export async function assertSeat(catalog: CatalogReader, seat: Seat): Promise<void> {
  const { actorKind, actorId, targetKind, targetId } = seat;
  const actors = actorKind === 'user' ? 'users' : 'userGroups';
  orNotFound(await catalog.find(actors, { id: actorId }), actorKind, actorId);
  if (targetKind === 'system') return;
  const targets = targetKind === 'project' ? 'projects' : 'domains';
  orNotFound(await catalog.find(targets, { id: targetId }), targetKind, targetId);
}

/** Gives a role; one that is given already stays. */
export async function grant(
  { catalog }: DirectoryNeeds,
  seat: Seat,
  roleId: string,
): Promise<void> {
  await catalog.transact(async (transaction) => {
    await assertSeat(transaction, seat);
    orNotFound(await transaction.find('roles', { id: roleId }), 'role', roleId);
    const row = assignment({ ...seat, roleId });
    const given = await transaction.find('roleAssignments', { id: row.id });
    if (given === undefined) await transaction.insert('roleAssignments', row);
  });
}

/** Rejects with `not_found` when the role is not given. */
export async function assertGranted(
  { catalog }: DirectoryNeeds,
  seat: Seat,
  roleId: string,
): Promise<void> {
  const { id } = assignment({ ...seat, roleId });
  if ((await catalog.find('roleAssignments', { id })) === undefined)
    throw noAssignment(seat, roleId);
}

/** Takes a role back. What a token says follows at once. */
export async function revokeRole(
  { catalog }: DirectoryNeeds,
  seat: Seat,
  roleId: string,
): Promise<void> {
  const { id } = assignment({ ...seat, roleId });
  if ((await catalog.remove('roleAssignments', { id })) === 0) throw noAssignment(seat, roleId);
}

function noAssignment({ actorKind, actorId, targetKind, targetId }: Seat, roleId: string): Error {
  const on = targetKind === 'system' ? systemId : `${targetKind} ${targetId}`;
  return notFound('role assignment', `role ${roleId}, ${actorKind} ${actorId}, on ${on}`);
}
