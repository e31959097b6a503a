/** What routes take, for the document that is served of them. */
import type { TSchema } from 'typebox';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The schemas of the body, of which a request meets one. */
    body?: readonly TSchema[];
    /** What a list can be filtered and sorted by. */
    list?: { readonly filters: object; readonly sortFields: object };
    /** What else can stand in the query. */
    queries?: readonly string[];
  }
}

/** Options of a route that takes a body of one of these schemas. */
export function takes(...body: readonly TSchema[]): { config: { body: readonly TSchema[] } } {
  return { config: { body } };
}

/** Options of a route that answers a list. */
export function lists<L extends { readonly filters: object; readonly sortFields: object }>(
  list: L,
): { config: { list: L } } {
  return { config: { list } };
}

/** Options of a route that looks for these in the query. */
export function asks(...queries: readonly string[]): { config: { queries: readonly string[] } } {
  return { config: { queries } };
}
