/** Which roles users have in effect: through groups, from above, and by other roles. */
import type { CatalogReader } from '../../catalog/catalog.ts';
import type { ProjectRow, RoleAssignmentRow, RoleRow } from '../../catalog/identity-tables.ts';
import { assignment } from '../assignment.ts';
import { withImplied } from '../roles.ts';
import { actorsOf, ancestorsOf } from '../standing.ts';

/** Rows of one answer that are looked through. */
export const rowsMax = 1000;

export interface AssignmentFilter {
  readonly userId?: string | undefined;
  readonly groupId?: string | undefined;
  readonly targetKind?: RoleAssignmentRow['targetKind'] | undefined;
  readonly targetId?: string | undefined;
  readonly roleId?: string | undefined;
  /** Only those, or only none, that hold below their target. */
  readonly inherited?: boolean | undefined;
}

type Rows = RoleAssignmentRow[];

/** Assignments as they were made. */
export async function madeAssignments(
  catalog: CatalogReader,
  { userId, groupId, targetKind, targetId, roleId, inherited }: AssignmentFilter,
): Promise<Rows> {
  const actorId = userId ?? groupId;
  const actorKind = userId !== undefined ? 'user' : 'group';
  return await catalog.list('roleAssignments', {
    where: {
      ...(actorId === undefined ? {} : { actorId, actorKind }),
      ...(targetKind === undefined ? {} : { targetKind }),
      ...(targetId === undefined ? {} : { targetId }),
      ...(roleId === undefined ? {} : { roleId }),
      ...(inherited === undefined ? {} : { inherited }),
    },
    sort: [{ field: 'id', direction: 'asc' }],
    limit: rowsMax,
  });
}

/** Assignments to users as they hold in the end, each on what it holds. */
export async function effectiveAssignments(
  catalog: CatalogReader,
  filter: AssignmentFilter,
): Promise<Rows> {
  const made = await reaching(catalog, filter);
  const below = await onProjects(catalog, made, filter);
  const users = await toUsers(catalog, below, filter.userId);
  const all = await withImpliedRoles(catalog, users);
  return all.filter(
    (row) =>
      (filter.roleId ?? row.roleId) === row.roleId &&
      (filter.targetKind ?? row.targetKind) === row.targetKind &&
      (filter.targetId ?? row.targetId) === row.targetId,
  );
}

/** The rows that may reach the user, and the project, of the filter. */
async function reaching(catalog: CatalogReader, filter: AssignmentFilter): Promise<Rows> {
  const { userId, groupId, targetKind, targetId } = filter;
  const actorId = userId === undefined ? groupId : await actorsOf(catalog, userId);
  const above = targetKind === 'project' && targetId !== undefined;
  return await catalog.list('roleAssignments', {
    where: {
      ...(actorId === undefined ? {} : { actorId }),
      ...(above ? { targetId: [targetId, ...(await aboveProject(catalog, targetId))] } : {}),
    },
    sort: [{ field: 'id', direction: 'asc' }],
    limit: rowsMax,
  });
}

async function aboveProject(catalog: CatalogReader, id: string): Promise<string[]> {
  const project = await catalog.find('projects', { id });
  if (project === undefined) return [];
  return [...(await ancestorsOf(catalog, project)), project.domainId];
}

/** An inherited assignment stands for one on each project below its target. */
async function onProjects(
  catalog: CatalogReader,
  rows: Rows,
  { targetKind, targetId }: AssignmentFilter,
): Promise<Rows> {
  const found: Rows = [];
  for (const row of rows) {
    if (!row.inherited) {
      found.push(row);
      continue;
    }
    const only = targetKind === 'project' ? targetId : undefined;
    const ids =
      only === undefined ? (await projectsBelow(catalog, row)).map(({ id }) => id) : [only];
    for (const id of ids) {
      if (id === row.targetId) continue;
      const on = { targetKind: 'project', targetId: id, inherited: false } as const;
      found.push(assignment({ ...row, ...on }));
    }
  }
  return unique(found);
}

async function projectsBelow(
  catalog: CatalogReader,
  row: RoleAssignmentRow,
): Promise<ProjectRow[]> {
  const { targetKind, targetId } = row;
  if (targetKind === 'domain') {
    return await catalog.list('projects', { where: { domainId: targetId }, limit: rowsMax });
  }
  const found: ProjectRow[] = [];
  let parents = [targetId];
  while (parents.length > 0 && found.length < rowsMax) {
    const where = { parentId: parents };
    const children: ProjectRow[] = await catalog.list('projects', { where, limit: rowsMax });
    found.push(...children);
    parents = children.map(({ id }) => id);
  }
  return found;
}

async function toUsers(
  catalog: CatalogReader,
  rows: Rows,
  userId: string | undefined,
): Promise<Rows> {
  const found: Rows = [];
  for (const row of rows) {
    if (row.actorKind === 'user') {
      found.push(row);
      continue;
    }
    const members = await catalog.list('groupMembers', {
      where: { userGroupId: row.actorId, ...(userId === undefined ? {} : { userId }) },
      limit: rowsMax,
    });
    for (const member of members) {
      found.push(assignment({ ...row, actorKind: 'user', actorId: member.userId }));
    }
  }
  return unique(found);
}

async function withImpliedRoles(catalog: CatalogReader, rows: Rows): Promise<Rows> {
  const roles: RoleRow[] = await catalog.list('roles', { where: {}, limit: rowsMax });
  const nameOf = (id: string): string => roles.find((role) => role.id === id)?.name ?? '';
  return unique(
    rows.flatMap((row) => {
      const names = withImplied([nameOf(row.roleId)]);
      const ids = roles.filter(({ name }) => names.has(name)).map(({ id }) => id);
      return ids.map((roleId) => assignment({ ...row, roleId }));
    }),
  );
}

function unique(rows: Rows): Rows {
  return [...new Map(rows.map((row) => [row.id, row])).values()];
}
