import type { FastifyInstance, FastifyRequest } from 'fastify';
import { OperatingError } from '../../base/errors.ts';
import type { TokenFacts } from '../../identity/identity.ts';
import { readQuery } from '../query.ts';
import type { Query } from '../query.ts';
import { mayRead } from './access.ts';
import { collection } from './views.ts';

/** Rows of one answer. Identity lists are not paged: one that was cut says so. */
export const rowsMax = 999;

/** Something that Identity lists and shows. */
export interface Resource<T> {
  readonly singular: string;
  readonly plural: string;
  /** At most one row more than `rowsMax`. */
  readonly list: (query: Query) => Promise<readonly T[]>;
  readonly find: (id: string) => Promise<T | undefined>;
  readonly view: (item: T) => object;
  /** Whom beside an admin the list, and one item, is for. */
  readonly listedFor?: (facts: TokenFacts) => boolean;
  readonly shownTo?: (facts: TokenFacts, item: T) => boolean;
}

/** `GET /things` and `GET /things/{id}`. */
export function resourceRoutes<T>(
  app: FastifyInstance,
  publicUrl: string,
  resource: Resource<T>,
): void {
  const { singular, plural } = resource;

  app.get(`/${plural}`, async (request) => {
    const facts = request.tokenFacts;
    mayRead(facts, `list_${plural}`, resource.listedFor?.(facts));
    const items = await resource.list(readQuery(request));
    return collection(publicUrl, plural, items.map(resource.view), rowsMax);
  });

  app.get(`/${plural}/:id`, async (request: FastifyRequest<{ Params: { id: string } }>) => {
    const { id } = request.params;
    const facts = request.tokenFacts;
    const item = await resource.find(id);
    const mayShow = item !== undefined && resource.shownTo?.(facts, item);
    mayRead(facts, `get_${singular}`, mayShow);
    if (item === undefined) {
      throw new OperatingError('not_found', `Could not find ${singular}: ${id.slice(0, 255)}.`);
    }
    return { [singular]: resource.view(item) };
  });
}
