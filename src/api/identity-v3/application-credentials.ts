/** `/users/{id}/application_credentials` and `/users/{id}/access_rules`. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { isoMicros } from '../../base/clock.ts';
import { OperatingError } from '../../base/errors.ts';
import type { AccessRuleRow, ApplicationCredentialRow } from '../../catalog/identity-tables.ts';
import { accessRulesMax } from '../../identity/credential-check.ts';
import {
  createApplicationCredential,
  deleteAccessRule,
  deleteApplicationCredential,
  findApplicationCredential,
} from '../../identity/directory/application-credentials.ts';
import { invalid, orNotFound } from '../../identity/directory/faults.ts';
import type { TokenFacts } from '../../identity/identity.ts';
import { readQuery } from '../query.ts';
import { asks } from '../takes.ts';
import { authorizeIdentity, type IdentityAction } from './access.ts';
import { byName, type DirectoryOptions, limit } from './directory-query.ts';
import {
  Id,
  LongText,
  nameOf,
  orNull,
  parseIdentityBody,
  takesUnder,
  Text,
} from './identity-body.ts';
import { type ById, rowsMax } from './resource.ts';
import { collection, linksTo } from './views.ts';

const Role = Type.Object({ id: Type.Optional(Id), name: Type.Optional(Text) });
const Rule = Type.Object({
  id: Type.Optional(Id),
  service: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
  method: Type.Optional(Type.String({ pattern: '^(POST|GET|HEAD|PATCH|PUT|DELETE)$' })),
  path: Type.Optional(Type.String({ pattern: '^/', maxLength: 2048 })),
});

const NewCredential = Type.Object({
  name: nameOf(255),
  description: Type.Optional(orNull(LongText)),
  secret: Type.Optional(orNull(Type.String({ minLength: 1, maxLength: 4096 }))),
  expires_at: Type.Optional(orNull(Type.String({ maxLength: 64 }))),
  unrestricted: Type.Optional(orNull(Type.Boolean())),
  roles: Type.Optional(Type.Array(Role, { maxItems: 100 })),
  access_rules: Type.Optional(Type.Array(Rule, { maxItems: accessRulesMax })),
  project_id: Type.Optional(Id),
  id: Type.Optional(Id),
});

type ByCredential = FastifyRequest<{ Params: { id: string; item_id: string } }>;

/** Only the user makes credentials; an administrator may look at and delete them. */
function authorizeOwn(facts: TokenFacts, userId: string, action: IdentityAction): void {
  authorizeIdentity(facts, action, facts.user.id === userId);
}

/** A credential that is restricted makes and deletes no others. */
function refuseRestricted(facts: TokenFacts): void {
  if (facts.applicationCredential?.unrestricted !== false) return;
  throw new OperatingError(
    'forbidden',
    "Using method 'application_credential' is not allowed for managing additional application " +
      'credentials.',
  );
}

export function applicationCredentialRoutes(app: FastifyInstance, options: DirectoryOptions): void {
  const { catalog, publicUrl } = options;
  const path = '/users/:id/application_credentials';

  const view = (row: ApplicationCredentialRow) => credentialView(options, row);

  app.get(path, asks('name'), async (request: ById) => {
    const { id: userId } = request.params;
    authorizeOwn(request.tokenFacts, userId, 'identity:list_application_credentials');
    const { name } = readQuery(request);
    const where = { userId, ...(name === undefined ? {} : { name }) };
    const rows = await catalog.list('applicationCredentials', { where, limit });
    const views = await Promise.all(rows.map(view));
    return collection(publicUrl, 'application_credentials', views, rowsMax);
  });

  const takesCredential = takesUnder('application_credential', NewCredential);
  app.post(path, takesCredential, async (request: ById, reply) => {
    const facts = request.tokenFacts;
    if (facts.user.id !== request.params.id) {
      const action = 'identity:create_application_credential';
      const words = `You are not authorized to perform the requested action: ${action}.`;
      throw new OperatingError('forbidden', words);
    }
    refuseRestricted(facts);
    const body = parseIdentityBody('application_credential', NewCredential, request.body);
    const { row, secret } = await createApplicationCredential(options, facts, {
      name: body.name,
      description: body.description ?? null,
      secret: body.secret ?? undefined,
      expiresAt: timeOf(body.expires_at ?? null),
      unrestricted: body.unrestricted ?? false,
      roles: body.roles?.map(roleOf),
      accessRules: (body.access_rules ?? []).map(ruleOf),
    });
    reply.code(201);
    return { application_credential: { ...(await view(row)), secret } };
  });

  app.get(`${path}/:item_id`, async (request: ByCredential) => {
    const { id: userId, item_id: id } = request.params;
    authorizeOwn(request.tokenFacts, userId, 'identity:get_application_credential');
    return {
      application_credential: await view(await findApplicationCredential(options, userId, id)),
    };
  });

  app.delete(`${path}/:item_id`, async (request: ByCredential, reply) => {
    const { id: userId, item_id: id } = request.params;
    authorizeOwn(request.tokenFacts, userId, 'identity:delete_application_credential');
    refuseRestricted(request.tokenFacts);
    await deleteApplicationCredential(options, userId, id);
    return reply.code(204).send();
  });

  accessRuleRoutes(app, options);
}

async function credentialView(
  { catalog, publicUrl }: DirectoryOptions,
  row: ApplicationCredentialRow,
): Promise<object> {
  const where = { id: row.roleIds };
  const roles = await catalog.list('roles', { where, sort: byName, limit });
  const rules = await catalog.list('accessRules', { where: { id: row.accessRules }, limit });
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    project_id: row.projectId,
    user_id: row.userId,
    unrestricted: row.unrestricted,
    expires_at: row.expiresAt === null ? null : isoMicros(row.expiresAt),
    system: null,
    roles: roles.map(({ id, name }) => ({ id, name, domain_id: null })),
    ...(rules.length === 0 ? {} : { access_rules: rules.map(ruleFields) }),
    links: linksTo(publicUrl, `users/${row.userId}/application_credentials/${row.id}`),
  };
}

function accessRuleRoutes(app: FastifyInstance, options: DirectoryOptions): void {
  const { catalog, publicUrl } = options;
  const path = '/users/:id/access_rules';
  const view = (row: AccessRuleRow): object => ({
    ...ruleFields(row),
    links: linksTo(publicUrl, `users/${row.userId}/access_rules/${row.id}`),
  });

  app.get(path, async (request: ById) => {
    const { id: userId } = request.params;
    authorizeOwn(request.tokenFacts, userId, 'identity:list_access_rules');
    const rows = await catalog.list('accessRules', { where: { userId }, limit });
    return collection(publicUrl, 'access_rules', rows.map(view), rowsMax);
  });

  app.get(`${path}/:item_id`, async (request: ByCredential) => {
    const { id: userId, item_id: id } = request.params;
    authorizeOwn(request.tokenFacts, userId, 'identity:get_access_rule');
    const row = await catalog.find('accessRules', { id, userId });
    return { access_rule: view(orNotFound(row, 'access rule', id)) };
  });

  app.delete(`${path}/:item_id`, async (request: ByCredential, reply) => {
    const { id: userId, item_id: id } = request.params;
    authorizeOwn(request.tokenFacts, userId, 'identity:delete_access_rule');
    refuseRestricted(request.tokenFacts);
    await deleteAccessRule(options, userId, id);
    return reply.code(204).send();
  });
}

function ruleFields({ id, service, method, path }: AccessRuleRow): object {
  return { id, service, method, path };
}

/** A time as clients write it: with `Z`, an offset, or nothing, which is UTC. */
function timeOf(text: string | null): number | null {
  if (text === null) return null;
  const ms = Date.parse(/(?:Z|[+-]\d{2}:?\d{2})$/.test(text) ? text : `${text}Z`);
  if (Number.isFinite(ms)) return ms;
  throw invalid('expires_at', `'${text}' is not a time in ISO 8601`);
}

function roleOf(role: { id?: string; name?: string }): { id: string } | { name: string } {
  if (role.id !== undefined) return { id: role.id };
  if (role.name !== undefined) return { name: role.name };
  throw invalid('roles', 'a role is named by id or name');
}

function ruleOf(rule: {
  id?: string;
  service?: string;
  method?: string;
  path?: string;
}): { id: string } | { service: string; method: string; path: string } {
  const { id, service, method, path } = rule;
  if (id !== undefined) return { id };
  if (service !== undefined && method !== undefined && path !== undefined) {
    return { service, method, path };
  }
  throw invalid('access_rules', 'a rule has a service, a method and a path, or an id');
}
