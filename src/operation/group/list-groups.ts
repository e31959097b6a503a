import { everyProject, type Where } from '../../catalog/catalog.ts';
import type { GroupRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import type { Reading } from '../needs.ts';
import { everyRow } from '../../catalog/every-row.ts';
import { readPage, type PageOf, type PageRequest } from '../page.ts';
import { listScope, scopeOf, type Projects } from '../scope.ts';
import { findGroup } from './find-group.ts';
import { defaultGroupTypeName } from './seed-group-types.ts';

export interface GroupList extends PageRequest<'groups'> {
  readonly where: Omit<Where<'groups'>, 'projectId'>;
  readonly projects: Projects;
}

export async function listGroups(
  { catalog }: Reading,
  caller: Caller,
  list: GroupList,
): Promise<PageOf<'groups'>> {
  authorize(caller, 'group:get_all');
  const projectId = listScope(caller, list.projects);
  return await readPage(catalog, 'groups', { ...list.where, projectId }, list, (id) =>
    catalog.find('groups', { id, projectId: scopeOf(caller) }),
  );
}

export async function showGroup(
  { catalog }: Reading,
  caller: Caller,
  groupId: string,
): Promise<GroupRow> {
  authorize(caller, 'group:get');
  return await findGroup(catalog, caller, groupId);
}

/** Which of these groups are what consistency groups have become. */
export async function consistencyGroupsAmong(
  { catalog }: Reading,
  groupIds: readonly string[],
): Promise<Set<string>> {
  if (groupIds.length === 0) return new Set();
  const type = await catalog.find('groupTypes', { name: defaultGroupTypeName });
  if (type === undefined) return new Set();
  const where = { id: groupIds, projectId: everyProject, groupTypeId: type.id } as const;
  const rows = await catalog.list('groups', { where, limit: 1000 });
  return new Set(rows.map(({ id }) => id));
}

/** The ids of the volumes of these groups, of which there are at most 1,000, by group. */
export async function memberIds(
  { catalog }: Reading,
  groupIds: readonly string[],
): Promise<Map<string, string[]>> {
  const members = new Map<string, string[]>(groupIds.map((id) => [id, []]));
  const where = { groupId: groupIds, projectId: everyProject } as const;
  for await (const volume of everyRow(catalog, 'volumes', where)) {
    members.get(volume.groupId ?? '')?.push(volume.id);
  }
  return members;
}
