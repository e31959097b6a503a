/** `/projects`, their tags, and the projects of a user. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { JsonObject } from '../../base/json.ts';
import type { ProjectRow } from '../../catalog/identity-tables.ts';
import { notFound, orNotFound } from '../../identity/directory/faults.ts';
import { createProject, deleteProject, updateProject } from '../../identity/directory/projects.ts';
import { parseBool } from '../query.ts';
import type { Query } from '../query.ts';
import { authorizeIdentity } from './access.ts';
import {
  byName,
  domainIdOf,
  enabled,
  limit,
  named,
  nameQueries,
  ofDomain,
} from './directory-query.ts';
import type { DirectoryOptions } from './directory-query.ts';
import {
  Id,
  LongText,
  nameOf,
  open,
  orNull,
  parseIdentityBody,
  takesUnder,
} from './identity-body.ts';
import { type ById, resourceRoutes } from './resource.ts';
import { projectView } from './views.ts';

const Tags = Type.Array(Type.String({ minLength: 1, maxLength: 255, pattern: '^[^,/]*$' }), {
  maxItems: 80,
  uniqueItems: true,
});

const fields = {
  description: Type.Optional(orNull(LongText)),
  enabled: Type.Optional(Type.Boolean()),
  tags: Type.Optional(Tags),
  domain_id: Type.Optional(orNull(Id)),
  parent_id: Type.Optional(orNull(Id)),
  is_domain: Type.Optional(Type.Literal(false)),
};
const NewProject = Type.Object({ name: nameOf(64), ...fields }, open);
const ProjectChanges = Type.Object(
  { name: Type.Optional(nameOf(64)), ...fields },
  { ...open, minProperties: 1 },
);

function extraOf({ id: _id, links: _links, ...rest }: Record<string, unknown>): JsonObject {
  return rest as JsonObject;
}

export function projectRoutes(app: FastifyInstance, options: DirectoryOptions): void {
  const { catalog, publicUrl } = options;
  resourceRoutes(app, publicUrl, {
    singular: 'project',
    queries: [...nameQueries, 'domain_id', 'enabled', 'parent_id', 'is_domain', 'tags', 'tags-any'],
    list: (query) => listProjects(options, query),
    find: (id) => catalog.find('projects', { id }),
    view: (row: ProjectRow) => projectView(publicUrl, row),
    shownTo: (facts, row) => facts.project?.id === row.id,
    create: {
      body: NewProject,
      run: async (body, facts) => {
        const { name, description, enabled: on, tags, domain_id, parent_id, ...rest } = body;
        const { is_domain: _no, ...extra } = rest;
        const { parentId, domainId } = await placeOf(options, domain_id ?? null, parent_id ?? null);
        return await createProject(options, {
          name,
          domainId: domainId ?? domainIdOf(facts),
          description: description ?? '',
          enabled: on ?? true,
          parentId,
          tags: tags ?? [],
          extra: extraOf(extra),
        });
      },
    },
    update: {
      body: ProjectChanges,
      run: async (id, body) => {
        const { name, description, enabled: on, tags, ...rest } = body;
        const { domain_id: _domain, parent_id: _parent, is_domain: _no, ...extra } = rest;
        return await updateProject(options, id, {
          ...(name === undefined ? {} : { name }),
          ...(description === undefined ? {} : { description: description ?? '' }),
          ...(on === undefined ? {} : { enabled: on }),
          ...(tags === undefined ? {} : { tags }),
          extra: extraOf(extra),
        });
      },
    },
    remove: (id) => deleteProject(options, id),
  });
  tagRoutes(app, options);
}

/** Where a new project goes: below a project, or below the domain that is named as its parent. */
async function placeOf(
  { catalog }: DirectoryOptions,
  domainId: string | null,
  parentId: string | null,
): Promise<{ domainId: string | null; parentId: string | null }> {
  if (parentId === null) return { domainId, parentId };
  const parent = await catalog.find('projects', { id: parentId });
  if (parent !== undefined) return { domainId: domainId ?? parent.domainId, parentId };
  if (domainId !== null && domainId !== parentId) throw notFound('project', parentId);
  return { domainId: parentId, parentId: null };
}

async function listProjects({ catalog }: DirectoryOptions, query: Query): Promise<ProjectRow[]> {
  if (parseBool(query, 'is_domain', false)) return [];
  const parentId = query['parent_id'];
  const below =
    parentId === undefined
      ? ofDomain(query)
      : (await catalog.find('domains', { id: parentId })) === undefined
        ? { ...ofDomain(query), parentId }
        : { domainId: parentId, parentId: null };
  const rows = await catalog.list('projects', {
    where: { ...named(query), ...enabled(query), ...below },
    sort: byName,
    limit,
  });
  const wanted = (name: string): string[] | undefined => query[name]?.split(',');
  const [all, any] = [wanted('tags'), wanted('tags-any')];
  return rows.filter(
    ({ tags }) =>
      (all?.every((tag) => tags.includes(tag)) ?? true) &&
      (any?.some((tag) => tags.includes(tag)) ?? true),
  );
}

type ByTag = FastifyRequest<{ Params: { id: string; tag: string } }>;

/** `/projects/{id}/tags`. */
function tagRoutes(app: FastifyInstance, options: DirectoryOptions): void {
  const { catalog } = options;

  async function projectOf(request: ById, verb: 'get' | 'update'): Promise<ProjectRow> {
    const { id } = request.params;
    const own = verb === 'get' && request.tokenFacts.project?.id === id;
    authorizeIdentity(request.tokenFacts, `identity:${verb}_project`, own);
    return orNotFound(await catalog.find('projects', { id }), 'project', id);
  }

  app.get('/projects/:id/tags', async (request: ById) => ({
    tags: (await projectOf(request, 'get')).tags,
  }));

  app.put('/projects/:id/tags', takesUnder('tags', Tags), async (request: ById) => {
    const { id } = await projectOf(request, 'update');
    const tags = parseIdentityBody('tags', Tags, request.body);
    return { tags: (await updateProject(options, id, { tags })).tags };
  });

  app.delete('/projects/:id/tags', async (request: ById, reply) => {
    await updateProject(options, (await projectOf(request, 'update')).id, { tags: [] });
    return reply.code(204).send();
  });

  app.get('/projects/:id/tags/:tag', async (request: ByTag, reply) => {
    const { tags } = await projectOf(request, 'get');
    if (!tags.includes(request.params.tag)) throw notFound('project', request.params.tag);
    return reply.code(204).send();
  });

  app.put('/projects/:id/tags/:tag', async (request: ByTag, reply) => {
    const { id, tags: before } = await projectOf(request, 'update');
    const wanted = { tags: [...new Set([...before, request.params.tag])] };
    const tags = parseIdentityBody('tags', Tags, wanted);
    await updateProject(options, id, { tags });
    return reply.code(201).send();
  });

  app.delete('/projects/:id/tags/:tag', async (request: ByTag, reply) => {
    const { id, tags: before } = await projectOf(request, 'update');
    const tags = before.filter((tag) => tag !== request.params.tag);
    if (tags.length === before.length) throw notFound('project', request.params.tag);
    await updateProject(options, id, { tags });
    return reply.code(204).send();
  });
}
