/** `/role_assignments`, and the projects that a user has a role on. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { CatalogReader } from '../../catalog/catalog.ts';
import type { ProjectRow, RoleAssignmentRow } from '../../catalog/identity-tables.ts';
import { readQuery } from '../query.ts';
import type { Query } from '../query.ts';
import { mayRead } from './access.ts';
import type { DirectoryOptions } from './directory.ts';
import { rowsMax } from './resource.ts';
import { collection, projectView } from './views.ts';

export function roleAssignmentRoutes(app: FastifyInstance, options: DirectoryOptions): void {
  const { catalog, publicUrl } = options;

  app.get('/role_assignments', async (request) => {
    mayRead(request.tokenFacts, 'list_role_assignments');
    const query = readQuery(request);
    const rows = await assignments(catalog, query);
    // Given without a value it means yes, as in Keystone.
    const named = 'include_names' in query && !/^(0|false)$/i.test(query['include_names'] ?? '');
    const views = named ? await viewsWithNames(catalog, rows) : rows.map(viewWithIds);
    return collection(publicUrl, 'role_assignments', views, rowsMax);
  });

  async function projectsOf(userId: string): Promise<object> {
    const rows = await projectsOfUser(catalog, userId);
    const views = rows.map((row) => projectView(publicUrl, row));
    return collection(publicUrl, 'projects', views, rowsMax);
  }

  app.get('/auth/projects', (request) => projectsOf(request.tokenFacts.user.id));

  // Roles are given on projects only, so no domain is there to choose.
  app.get('/auth/domains', async () => collection(publicUrl, 'domains', [], rowsMax));

  app.get('/users/:id/projects', (request: FastifyRequest<{ Params: { id: string } }>) => {
    const { id } = request.params;
    mayRead(request.tokenFacts, 'list_user_projects', request.tokenFacts.user.id === id);
    return projectsOf(id);
  });
}

/** Assignments that the query asks for; none on a group, a domain or the system exist. */
async function assignments(catalog: CatalogReader, query: Query): Promise<RoleAssignmentRow[]> {
  const elsewhere = [
    'group.id',
    'scope.domain.id',
    'scope.system',
    'scope.OS-INHERIT:inherited_to',
  ];
  if (elsewhere.some((name) => name in query)) return [];
  const userId = query['user.id'];
  const projectId = query['scope.project.id'];
  const roleId = query['role.id'];
  return await catalog.list('roleAssignments', {
    where: {
      ...(userId === undefined ? {} : { userId }),
      ...(projectId === undefined ? {} : { projectId }),
      ...(roleId === undefined ? {} : { roleId }),
    },
    sort: [{ field: 'id', direction: 'asc' }],
    limit: rowsMax + 1,
  });
}

async function projectsOfUser(catalog: CatalogReader, userId: string): Promise<ProjectRow[]> {
  const rows = await assignments(catalog, { 'user.id': userId });
  return await catalog.list('projects', {
    where: { id: unique(rows.map((row) => row.projectId)), enabled: true },
    sort: [{ field: 'name', direction: 'asc' }],
    limit: rowsMax + 1,
  });
}

function unique(ids: readonly string[]): string[] {
  return [...new Set(ids)];
}

function viewWithIds(row: RoleAssignmentRow): object {
  return {
    role: { id: row.roleId },
    user: { id: row.userId },
    scope: { project: { id: row.projectId } },
    links: {},
  };
}

async function viewsWithNames(
  catalog: CatalogReader,
  rows: readonly RoleAssignmentRow[],
): Promise<object[]> {
  const limit = rowsMax + 1;
  const pick = (key: 'userId' | 'projectId' | 'roleId'): { id: string[] } => ({
    id: unique(rows.map((row) => row[key])),
  });
  const [users, projects, roles, domains] = await Promise.all([
    catalog.list('users', { where: pick('userId'), limit }),
    catalog.list('projects', { where: pick('projectId'), limit }),
    catalog.list('roles', { where: pick('roleId'), limit }),
    catalog.list('domains', { where: {}, limit }),
  ]);
  const named = (
    table: readonly { id: string; name: string }[],
    id: string,
  ): { id: string; name: string } => ({ id, name: table.find((row) => row.id === id)?.name ?? id });
  const within = (
    table: readonly { id: string; name: string; domainId: string }[],
    id: string,
  ): object => {
    const domainId = table.find((row) => row.id === id)?.domainId ?? '';
    return { ...named(table, id), domain: named(domains, domainId) };
  };
  return rows.map((row) => ({
    role: named(roles, row.roleId),
    user: within(users, row.userId),
    scope: { project: within(projects, row.projectId) },
    links: {},
  }));
}
