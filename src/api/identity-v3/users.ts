/** `/users`, their projects and groups, and their own passwords. */
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { JsonObject, JsonValue } from '../../base/json.ts';
import type { UserRow } from '../../catalog/identity-tables.ts';
import {
  changeOwnPassword,
  createUser,
  deleteUser,
  updateUser,
} from '../../identity/directory/users.ts';
import type { Identity } from '../../identity/identity.ts';
import {
  domainIdOf,
  byName,
  enabled,
  limit,
  named,
  nameQueries,
  ofDomain,
} from './directory-query.ts';
import type { DirectoryOptions } from './directory-query.ts';
import { Id, nameOf, open, orNull, parseIdentityBody, takesUnder } from './identity-body.ts';
import { type ById, resourceRoutes } from './resource.ts';
import { userView } from './views.ts';

const Password = Type.String({ minLength: 1, maxLength: 4096 });

const fields = {
  password: Type.Optional(orNull(Password)),
  enabled: Type.Optional(Type.Boolean()),
  default_project_id: Type.Optional(orNull(Id)),
};
const NewUser = Type.Object({ name: nameOf(255), domain_id: Type.Optional(Id), ...fields }, open);
const UserChanges = Type.Object(
  { name: Type.Optional(nameOf(255)), domain_id: Type.Optional(Id), ...fields },
  { ...open, minProperties: 1 },
);

/** A person may have forgotten the old password, but not be somebody without one. */
const PasswordChange = Type.Object({ original_password: Password, password: Password });

/** Fields that are shown and never kept as the client's own. */
const shown = new Set(['id', 'links', 'password_expires_at', 'federated', 'original_password']);

function extraOf(rest: object): JsonObject {
  const own = Object.entries<JsonValue>({ ...rest }).filter(([name]) => !shown.has(name));
  return Object.fromEntries(own);
}

export function userRoutes(app: FastifyInstance, options: DirectoryOptions): void {
  const { catalog, publicUrl } = options;
  resourceRoutes(app, publicUrl, {
    singular: 'user',
    queries: [...nameQueries, 'domain_id', 'enabled'],
    list: (query) =>
      catalog.list('users', {
        where: { ...named(query), ...ofDomain(query), ...enabled(query) },
        sort: byName,
        limit,
      }),
    find: (id) => catalog.find('users', { id }),
    view: (row: UserRow) => userView(publicUrl, row),
    shownTo: (facts, row) => facts.user.id === row.id,
    create: {
      body: NewUser,
      run: async (body, facts) => {
        const { name, domain_id, password, enabled: on, default_project_id, ...rest } = body;
        return await createUser(options, {
          name,
          domainId: domain_id ?? domainIdOf(facts),
          password: password ?? null,
          enabled: on ?? true,
          defaultProjectId: default_project_id ?? null,
          extra: extraOf(rest),
        });
      },
    },
    update: {
      body: UserChanges,
      run: async (id, body) => {
        const { domain_id: _fixed, default_project_id: project, ...given } = body;
        const { name, password, enabled: on, ...rest } = given;
        return await updateUser(options, id, {
          ...(name === undefined ? {} : { name }),
          ...(password === undefined ? {} : { password }),
          ...(on === undefined ? {} : { enabled: on }),
          ...(project === undefined ? {} : { defaultProjectId: project }),
          extra: extraOf(rest),
        });
      },
    },
    remove: (id) => deleteUser(options, id),
  });
}

/** Whoever knows a password may change it, without a token: it may have expired. */
export function passwordRoutes(
  app: FastifyInstance,
  options: DirectoryOptions & { identity: Identity },
): void {
  const takesPasswords = takesUnder('user', PasswordChange);
  app.post('/users/:id/password', takesPasswords, async (request: ById, reply) => {
    const { id } = request.params;
    const body = parseIdentityBody('user', PasswordChange, request.body);
    const { original_password: original, password } = body;
    const login = { method: 'password', user: { id }, password: original } as const;
    const { facts } = await options.identity.login(login, 'unscoped');
    request.tokenFacts = facts;
    await changeOwnPassword(options, id, { original, password });
    return reply.code(204).send();
  });
}
