/** Who is there: domains, projects, users and roles, as the catalogue has them. */
import type { FastifyInstance } from 'fastify';
import type { CatalogReader, SortKey } from '../../catalog/catalog.ts';
import type { DomainRow, ProjectRow, RoleRow, UserRow } from '../../catalog/identity-tables.ts';
import { parseBool } from '../query.ts';
import type { Query } from '../query.ts';
import { resourceRoutes, rowsMax } from './resource.ts';
import { domainView, projectView, roleView, userView } from './views.ts';

const limit = rowsMax + 1;
const byName: SortKey<'domains' | 'projects' | 'users' | 'roles'>[] = [
  { field: 'name', direction: 'asc' },
];

export interface DirectoryOptions {
  readonly catalog: CatalogReader;
  readonly publicUrl: string;
}

export function directoryRoutes(app: FastifyInstance, options: DirectoryOptions): void {
  const { catalog, publicUrl } = options;

  resourceRoutes<DomainRow>(app, publicUrl, {
    singular: 'domain',
    plural: 'domains',
    list: (query) =>
      catalog.list('domains', {
        where: { ...named(query), ...enabled(query) },
        sort: byName,
        limit,
      }),
    find: (id) => catalog.find('domains', { id }),
    view: (row) => domainView(publicUrl, row),
    shownTo: (facts, row) => facts.user.domain.id === row.id || facts.project?.domain.id === row.id,
  });

  resourceRoutes<ProjectRow>(app, publicUrl, {
    singular: 'project',
    plural: 'projects',
    list: (query) => listProjects(catalog, query),
    find: (id) => catalog.find('projects', { id }),
    view: (row) => projectView(publicUrl, row),
    shownTo: (facts, row) => facts.project?.id === row.id,
  });

  resourceRoutes<UserRow>(app, publicUrl, {
    singular: 'user',
    plural: 'users',
    list: (query) =>
      catalog.list('users', {
        where: { ...named(query), ...ofDomain(query), ...enabled(query) },
        sort: byName,
        limit,
      }),
    find: (id) => catalog.find('users', { id }),
    view: (row) => userView(publicUrl, row),
    shownTo: (facts, row) => facts.user.id === row.id,
  });

  resourceRoutes<RoleRow>(app, publicUrl, {
    singular: 'role',
    plural: 'roles',
    // Roles of a domain's own do not exist here.
    list: async (query) =>
      query['domain_id'] === undefined
        ? await catalog.list('roles', { where: named(query), sort: byName, limit })
        : [],
    find: (id) => catalog.find('roles', { id }),
    view: (row) => roleView(publicUrl, row),
  });
}

async function listProjects(catalog: CatalogReader, query: Query): Promise<ProjectRow[]> {
  if (parseBool(query, 'is_domain', false)) return [];
  const domainId = query['domain_id'] ?? query['parent_id'];
  return await catalog.list('projects', {
    where: { ...named(query), ...enabled(query), ...(domainId === undefined ? {} : { domainId }) },
    sort: byName,
    limit,
  });
}

function named(query: Query): { name?: string } {
  const { name } = query;
  return name === undefined ? {} : { name };
}

function ofDomain(query: Query): { domainId?: string } {
  const domainId = query['domain_id'];
  return domainId === undefined ? {} : { domainId };
}

function enabled(query: Query): { enabled?: boolean } {
  return query['enabled'] === undefined ? {} : { enabled: parseBool(query, 'enabled', true) };
}
