/** `/groups` and who is in them. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { UserGroupRow } from '../../catalog/identity-tables.ts';
import { orNotFound } from '../../identity/directory/faults.ts';
import {
  addMember,
  assertMember,
  createGroup,
  deleteGroup,
  removeMember,
  updateGroup,
} from '../../identity/directory/groups.ts';
import { authorizeIdentity } from './access.ts';
import { byName, domainIdOf, limit, named, nameQueries, ofDomain } from './directory-query.ts';
import type { DirectoryOptions } from './directory-query.ts';
import { Id, LongText, nameOf, orNull } from './identity-body.ts';
import { type ById, resourceRoutes, rowsMax } from './resource.ts';
import { collection, groupView, userView } from './views.ts';

const fields = { description: Type.Optional(orNull(LongText)), domain_id: Type.Optional(Id) };
const NewGroup = Type.Object({ name: nameOf(64), ...fields });
const GroupChanges = Type.Object(
  { name: Type.Optional(nameOf(64)), ...fields },
  { minProperties: 1 },
);

export function groupRoutes(app: FastifyInstance, options: DirectoryOptions): void {
  const { catalog, publicUrl } = options;
  resourceRoutes(app, publicUrl, {
    singular: 'group',
    queries: [...nameQueries, 'domain_id'],
    list: (query) =>
      catalog.list('userGroups', {
        where: { ...named(query), ...ofDomain(query) },
        sort: byName,
        limit,
      }),
    find: (id) => catalog.find('userGroups', { id }),
    view: (row: UserGroupRow) => groupView(publicUrl, row),
    create: {
      body: NewGroup,
      run: ({ name, description, domain_id }, facts) =>
        createGroup(options, {
          name,
          description: description ?? '',
          domainId: domain_id ?? domainIdOf(facts),
        }),
    },
    update: {
      body: GroupChanges,
      run: (id, { name, description }) =>
        updateGroup(options, id, {
          ...(name === undefined ? {} : { name }),
          ...(description === undefined ? {} : { description: description ?? '' }),
        }),
    },
    remove: (id) => deleteGroup(options, id),
  });
  memberRoutes(app, options);
}

type ByMember = FastifyRequest<{ Params: { id: string; user_id: string } }>;

function memberRoutes(app: FastifyInstance, options: DirectoryOptions): void {
  const { catalog, publicUrl } = options;

  app.get('/users/:id/groups', async (request: ById) => {
    const { id } = request.params;
    const own = request.tokenFacts.user.id === id;
    authorizeIdentity(request.tokenFacts, 'identity:list_groups_for_user', own);
    orNotFound(await catalog.find('users', { id }), 'user', id);
    const members = await catalog.list('groupMembers', { where: { userId: id }, limit });
    const ids = members.map(({ userGroupId }) => userGroupId);
    const rows = await catalog.list('userGroups', { where: { id: ids }, sort: byName, limit });
    const views = rows.map((row) => groupView(publicUrl, row));
    return collection(publicUrl, 'groups', views, rowsMax);
  });

  app.get('/groups/:id/users', async (request: ById) => {
    const { id } = request.params;
    authorizeIdentity(request.tokenFacts, 'identity:list_users_in_group');
    orNotFound(await catalog.find('userGroups', { id }), 'group', id);
    const members = await catalog.list('groupMembers', { where: { userGroupId: id }, limit });
    const ids = members.map(({ userId }) => userId);
    const rows = await catalog.list('users', { where: { id: ids }, sort: byName, limit });
    return collection(
      publicUrl,
      'users',
      rows.map((row) => userView(publicUrl, row)),
      rowsMax,
    );
  });

  const path = '/groups/:id/users/:user_id';

  app.put(path, async (request: ByMember, reply) => {
    authorizeIdentity(request.tokenFacts, 'identity:add_user_to_group');
    await addMember(options, request.params.id, request.params.user_id);
    return reply.code(204).send();
  });

  app.get(path, async (request: ByMember, reply) => {
    const own = request.tokenFacts.user.id === request.params.user_id;
    authorizeIdentity(request.tokenFacts, 'identity:check_user_in_group', own);
    await assertMember(options, request.params.id, request.params.user_id);
    return reply.code(204).send();
  });

  app.delete(path, async (request: ByMember, reply) => {
    authorizeIdentity(request.tokenFacts, 'identity:remove_user_from_group');
    await removeMember(options, request.params.id, request.params.user_id);
    return reply.code(204).send();
  });
}
