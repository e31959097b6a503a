/** Groups of users, who have the roles that their group has. */
import { newHexId } from '../../base/ids.ts';
import type { UserGroupRow } from '../../catalog/identity-tables.ts';
import { notFound, orNotFound, unique } from './faults.ts';
import type { DirectoryNeeds } from './users.ts';

export async function createGroup(
  { catalog, clock }: DirectoryNeeds,
  group: Omit<UserGroupRow, 'id' | 'createdAt'>,
): Promise<UserGroupRow> {
  const { domainId } = group;
  orNotFound(await catalog.find('domains', { id: domainId }), 'domain', domainId);
  const row = { ...group, id: newHexId(), createdAt: clock.now() };
  await unique('group', row.name, catalog.insert('userGroups', row));
  return row;
}

export async function updateGroup(
  { catalog }: DirectoryNeeds,
  id: string,
  changes: Partial<Pick<UserGroupRow, 'name' | 'description'>>,
): Promise<UserGroupRow> {
  const row = orNotFound(await catalog.find('userGroups', { id }), 'group', id);
  if (Object.keys(changes).length === 0) return row;
  const work = catalog.change('userGroups', { id }, changes);
  return orNotFound(await unique('group', changes.name ?? id, work), 'group', id);
}

export async function deleteGroup({ catalog }: DirectoryNeeds, id: string): Promise<void> {
  await catalog.transact(async (transaction) => {
    orNotFound(await transaction.find('userGroups', { id }), 'group', id);
    await transaction.remove('roleAssignments', { actorId: id });
    await transaction.remove('userGroups', { id });
  });
}

/** Adds a user to a group; one who is in it already stays. */
export async function addMember(
  { catalog }: DirectoryNeeds,
  groupId: string,
  userId: string,
): Promise<void> {
  await catalog.transact(async (transaction) => {
    orNotFound(await transaction.find('userGroups', { id: groupId }), 'group', groupId);
    orNotFound(await transaction.find('users', { id: userId }), 'user', userId);
    const id = `${groupId}:${userId}`;
    if ((await transaction.find('groupMembers', { id })) !== undefined) return;
    await transaction.insert('groupMembers', { id, userGroupId: groupId, userId });
  });
}

/** Rejects with `not_found` when the user is not in the group. */
export async function assertMember(
  { catalog }: DirectoryNeeds,
  groupId: string,
  userId: string,
): Promise<void> {
  const found = await catalog.find('groupMembers', { id: `${groupId}:${userId}` });
  if (found === undefined) throw notFound('user', `${userId} in group ${groupId}`);
}

export async function removeMember(
  { catalog }: DirectoryNeeds,
  groupId: string,
  userId: string,
): Promise<void> {
  const removed = await catalog.remove('groupMembers', { id: `${groupId}:${userId}` });
  if (removed === 0) throw notFound('user', `${userId} in group ${groupId}`);
}
