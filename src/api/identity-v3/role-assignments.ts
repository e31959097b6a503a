/** `/role_assignments`, and where a user may go. */
import type { FastifyInstance } from 'fastify';
import type { CatalogReader } from '../../catalog/catalog.ts';
import type { DomainRow, ProjectRow, RoleAssignmentRow } from '../../catalog/identity-tables.ts';
import {
  type AssignmentFilter,
  effectiveAssignments,
  madeAssignments,
} from '../../identity/directory/effective.ts';
import { standingInSystem } from '../../identity/standing.ts';
import { readQuery } from '../query.ts';
import type { Query } from '../query.ts';
import { asks } from '../takes.ts';
import { authorizeIdentity } from './access.ts';
import { byName, type DirectoryOptions, limit } from './directory-query.ts';
import { type ById, rowsMax } from './resource.ts';
import { collection, domainView, linksTo, projectView } from './views.ts';

export function roleAssignmentRoutes(app: FastifyInstance, options: DirectoryOptions): void {
  const { catalog, publicUrl } = options;

  app.get('/role_assignments', asks(...assignmentQueries), async (request) => {
    const query = readQuery(request);
    const own = query['user.id'] === request.tokenFacts.user.id;
    authorizeIdentity(request.tokenFacts, 'identity:list_role_assignments', own);
    const find = isSet(query, 'effective') ? effectiveAssignments : madeAssignments;
    const rows = await find(catalog, filterOf(query));
    const names = isSet(query, 'include_names') ? await namesOf(catalog, rows) : undefined;
    const views = rows.map((row) => assignmentView(publicUrl, row, names));
    return collection(publicUrl, 'role_assignments', views, rowsMax);
  });

  async function projectsOf(userId: string): Promise<object> {
    const rows = await reachable(catalog, userId, 'project');
    const views = rows.map((row) => projectView(publicUrl, row));
    return collection(publicUrl, 'projects', views, rowsMax);
  }

  app.get('/auth/projects', (request) => projectsOf(request.tokenFacts.user.id));

  app.get('/auth/domains', async (request) => {
    const rows = await reachable(catalog, request.tokenFacts.user.id, 'domain');
    const views = rows.map((row) => domainView(publicUrl, row));
    return collection(publicUrl, 'domains', views, rowsMax);
  });

  app.get('/auth/system', async (request) => {
    const standing = await standingInSystem(catalog, request.tokenFacts.user.id);
    const system = standing === undefined ? [] : [{ all: true }];
    return { system, links: linksTo(publicUrl, 'auth/system') };
  });

  app.get('/users/:id/projects', (request: ById) => {
    const { id } = request.params;
    const own = request.tokenFacts.user.id === id;
    authorizeIdentity(request.tokenFacts, 'identity:list_user_projects', own);
    return projectsOf(id);
  });
}

const assignmentQueries = [
  'user.id',
  'group.id',
  'role.id',
  'scope.project.id',
  'scope.domain.id',
  'scope.system',
  'scope.OS-INHERIT:inherited_to',
  'effective',
  'include_names',
];

/** Given without a value it means yes, as in Keystone. */
function isSet(query: Query, name: string): boolean {
  return name in query && !/^(?:0|false)$/i.test(query[name] ?? '');
}

function filterOf(query: Query): AssignmentFilter {
  const project = query['scope.project.id'];
  const domain = query['scope.domain.id'];
  const inherited = 'scope.OS-INHERIT:inherited_to' in query ? { inherited: true } : {};
  const target =
    project !== undefined
      ? ({ targetKind: 'project', targetId: project } as const)
      : domain !== undefined
        ? ({ targetKind: 'domain', targetId: domain } as const)
        : 'scope.system' in query
          ? ({ targetKind: 'system' } as const)
          : {};
  return {
    userId: query['user.id'],
    groupId: query['group.id'],
    roleId: query['role.id'],
    ...target,
    ...inherited,
  };
}

/** The enabled projects, or domains, on which a user has a role. */
async function reachable(
  catalog: CatalogReader,
  userId: string,
  kind: 'project',
): Promise<ProjectRow[]>;
async function reachable(
  catalog: CatalogReader,
  userId: string,
  kind: 'domain',
): Promise<DomainRow[]>;
async function reachable(
  catalog: CatalogReader,
  userId: string,
  kind: 'project' | 'domain',
): Promise<(ProjectRow | DomainRow)[]> {
  const rows = await effectiveAssignments(catalog, { userId, targetKind: kind });
  const where = { id: [...new Set(rows.map(({ targetId }) => targetId))], enabled: true };
  return await catalog.list(`${kind}s`, { where, sort: byName, limit });
}

type Named = { readonly id: string; readonly name: string; readonly domainId?: string };

/** What ids in assignments stand for. */
async function namesOf(
  catalog: CatalogReader,
  rows: readonly RoleAssignmentRow[],
): Promise<Map<string, Named>> {
  const all = (ids: readonly string[]) => ({ where: { id: [...new Set(ids)] }, limit });
  const actors = all(rows.map((row) => row.actorId));
  const targets = all(rows.map((row) => row.targetId));
  const lists: readonly (readonly Named[])[] = await Promise.all([
    catalog.list('users', actors),
    catalog.list('userGroups', actors),
    catalog.list('projects', targets),
    catalog.list('roles', all(rows.map((row) => row.roleId))),
    catalog.list('domains', { where: {}, limit }),
  ]);
  return new Map(lists.flat().map((each) => [each.id, each]));
}

function assignmentView(
  publicUrl: string,
  row: RoleAssignmentRow,
  names: Map<string, Named> | undefined,
): object {
  const plain = (id: string): object => {
    const name = names?.get(id)?.name;
    return name === undefined ? { id } : { id, name };
  };
  const within = (id: string): object => {
    const domainId = names?.get(id)?.domainId;
    return domainId === undefined ? plain(id) : { ...plain(id), domain: plain(domainId) };
  };
  const { targetKind, targetId, actorKind, actorId, roleId, inherited } = row;
  const scope =
    targetKind === 'system' ? { system: { all: true } } : { [targetKind]: within(targetId) };
  const path = targetKind === 'system' ? 'system' : `${targetKind}s/${targetId}`;
  return {
    role: plain(roleId),
    [actorKind]: within(actorId),
    scope: inherited ? { ...scope, 'OS-INHERIT:inherited_to': 'projects' } : scope,
    links: {
      assignment: linksTo(publicUrl, `${path}/${actorKind}s/${actorId}/roles/${roleId}`).self,
    },
  };
}
