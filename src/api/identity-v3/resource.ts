/** What is the same for everything that Identity lists, shows, makes, changes and deletes. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Static, TSchema } from 'typebox';
import { notFound, type Kind } from '../../identity/directory/faults.ts';
import type { TokenFacts } from '../../identity/identity.ts';
import { readQuery } from '../query.ts';
import type { Query } from '../query.ts';
import { asks } from '../takes.ts';
import { authorizeIdentity, type IdentityAction } from './access.ts';
import { parseIdentityBody, takesUnder } from './identity-body.ts';
import { collection } from './views.ts';

/** Rows of one answer. Identity lists are not paged: one that was cut says so. */
export const rowsMax = 999;

export type ById = FastifyRequest<{ Params: { id: string } }>;

type Singular =
  Extract<IdentityAction, `identity:create_${string}`> extends `identity:create_${infer Name}`
    ? Name & Kind
    : never;

export interface Resource<T, Create extends TSchema, Update extends TSchema> {
  readonly singular: Singular;
  /** What the list can be asked for. */
  readonly queries: readonly string[];
  /** At most one row more than `rowsMax`. */
  readonly list: (query: Query) => Promise<readonly T[]>;
  readonly find: (id: string) => Promise<T | undefined>;
  readonly view: (item: T) => object;
  /** Whom beside an admin the list, and one item, is for. */
  readonly listedFor?: (facts: TokenFacts, query: Query) => boolean;
  readonly shownTo?: (facts: TokenFacts, item: T) => boolean;
  readonly create: {
    readonly body: Create;
    readonly run: (body: Static<Create>, facts: TokenFacts) => Promise<T>;
  };
  readonly update: {
    readonly body: Update;
    readonly run: (id: string, body: Static<Update>) => Promise<T>;
  };
  readonly remove: (id: string) => Promise<void>;
}

/** `GET` and `POST /things`; `GET`, `PATCH` and `DELETE /things/{id}`. */
export function resourceRoutes<T, Create extends TSchema, Update extends TSchema>(
  app: FastifyInstance,
  publicUrl: string,
  resource: Resource<T, Create, Update>,
): void {
  const { singular } = resource;
  const plural = `${singular}s` as const;

  app.get(`/${plural}`, asks(...resource.queries), async (request) => {
    const query = readQuery(request);
    const allowed = resource.listedFor?.(request.tokenFacts, query);
    authorizeIdentity(request.tokenFacts, `identity:list_${plural}`, allowed);
    const items = await resource.list(query);
    return collection(publicUrl, plural, items.map(resource.view), rowsMax);
  });

  app.get(`/${plural}/:id`, async (request: ById) => {
    const { id } = request.params;
    const item = await resource.find(id);
    // Whoever sees the list may know what is not in it.
    const facts = request.tokenFacts;
    const mayShow =
      item === undefined ? resource.listedFor?.(facts, {}) : resource.shownTo?.(facts, item);
    authorizeIdentity(facts, `identity:get_${singular}`, mayShow);
    if (item === undefined) throw notFound(singular, id);
    return { [singular]: resource.view(item) };
  });

  const { create, update } = resource;
  app.post(`/${plural}`, takesUnder(singular, create.body), async (request, reply) => {
    authorizeIdentity(request.tokenFacts, `identity:create_${singular}`);
    const body = parseIdentityBody(singular, create.body, request.body);
    const item = await create.run(body, request.tokenFacts);
    reply.code(201);
    return { [singular]: resource.view(item) };
  });

  app.patch(`/${plural}/:id`, takesUnder(singular, update.body), async (request: ById) => {
    authorizeIdentity(request.tokenFacts, `identity:update_${singular}`);
    const body = parseIdentityBody(singular, update.body, request.body);
    return { [singular]: resource.view(await update.run(request.params.id, body)) };
  });

  app.delete(`/${plural}/:id`, async (request: ById, reply) => {
    authorizeIdentity(request.tokenFacts, `identity:delete_${singular}`);
    await resource.remove(request.params.id);
    return reply.code(204).send();
  });
}
