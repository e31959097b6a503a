/** `/domains`, `/roles`, and which roles come with others. */
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { DomainRow, RoleRow } from '../../catalog/identity-tables.ts';
import { createDomain, deleteDomain, updateDomain } from '../../identity/directory/domains.ts';
import { createRole, deleteRole, updateRole } from '../../identity/directory/roles.ts';
import { impliedRoles, roleNames } from '../../identity/roles.ts';
import { authorizeIdentity } from './access.ts';
import { byName, enabled, limit, named, nameQueries } from './directory-query.ts';
import type { DirectoryOptions } from './directory-query.ts';
import { LongText, nameOf, orNull } from './identity-body.ts';
import { resourceRoutes } from './resource.ts';
import { domainView, linksTo, roleView } from './views.ts';

const domainFields = {
  description: Type.Optional(orNull(LongText)),
  enabled: Type.Optional(Type.Boolean()),
};
const NewDomain = Type.Object({ name: nameOf(64), ...domainFields });
const DomainChanges = Type.Object(
  { name: Type.Optional(nameOf(64)), ...domainFields },
  { minProperties: 1 },
);

export function domainRoutes(app: FastifyInstance, options: DirectoryOptions): void {
  const { catalog, publicUrl } = options;
  resourceRoutes(app, publicUrl, {
    singular: 'domain',
    queries: [...nameQueries, 'enabled'],
    list: (query) =>
      catalog.list('domains', {
        where: { ...named(query), ...enabled(query) },
        sort: byName,
        limit,
      }),
    find: (id) => catalog.find('domains', { id }),
    view: (row: DomainRow) => domainView(publicUrl, row),
    shownTo: (facts, row) =>
      [facts.user.domain.id, facts.project?.domain.id, facts.domain?.id].includes(row.id),
    create: {
      body: NewDomain,
      run: ({ name, description, enabled: on }) =>
        createDomain(options, { name, description: description ?? '', enabled: on ?? true }),
    },
    update: {
      body: DomainChanges,
      run: (id, { name, description, enabled: on }) =>
        updateDomain(options, id, {
          ...(name === undefined ? {} : { name }),
          ...(description === undefined ? {} : { description: description ?? '' }),
          ...(on === undefined ? {} : { enabled: on }),
        }),
    },
    remove: (id) => deleteDomain(options, id),
  });
}

const roleFields = {
  description: Type.Optional(orNull(LongText)),
  domain_id: Type.Optional(Type.Null()),
  options: Type.Optional(Type.Object({})),
};
const NewRole = Type.Object({ name: nameOf(255), ...roleFields });
const RoleChanges = Type.Object(
  { name: Type.Optional(nameOf(255)), ...roleFields },
  { minProperties: 1 },
);

export function roleRoutes(app: FastifyInstance, options: DirectoryOptions): void {
  const { catalog, publicUrl } = options;
  resourceRoutes(app, publicUrl, {
    singular: 'role',
    queries: [...nameQueries, 'domain_id'],
    // Roles of a domain's own do not exist here.
    list: async (query) =>
      (query['domain_id'] ?? 'null') === 'null'
        ? await catalog.list('roles', { where: named(query), sort: byName, limit })
        : [],
    find: (id) => catalog.find('roles', { id }),
    view: (row: RoleRow) => roleView(publicUrl, row),
    create: {
      body: NewRole,
      run: ({ name, description }) =>
        createRole(options, { name, description: description ?? null }),
    },
    update: {
      body: RoleChanges,
      run: (id, { name, description }) =>
        updateRole(options, id, {
          ...(name === undefined ? {} : { name }),
          ...(description === undefined ? {} : { description }),
        }),
    },
    remove: (id) => deleteRole(options, id),
  });

  app.get('/role_inferences', async (request) => {
    authorizeIdentity(request.tokenFacts, 'identity:list_role_inference_rules');
    const rows = await catalog.list('roles', { where: { name: [...roleNames] }, limit });
    const role = (name: string): object[] =>
      rows.filter((row) => row.name === name).map((row) => roleView(publicUrl, row));
    const inferences = roleNames.flatMap((name) =>
      role(name).map((prior) => ({
        prior_role: prior,
        implies: impliedRoles[name].flatMap((implied) => role(implied)),
      })),
    );
    return {
      role_inferences: inferences.filter(({ implies }) => implies.length > 0),
      links: linksTo(publicUrl, 'role_inferences'),
    };
  });
}
