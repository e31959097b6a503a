/** What routes take, for the document that is served of them. */
import type { TSchema } from 'typebox';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The schemas of the body, of which a request meets one. */
    body?: readonly TSchema[];
    /** The microversion that brought the route. */
    since?: number;
  }
}

/** Options of a route that takes a body of one of these schemas. */
export function takes(...body: readonly TSchema[]): { config: { body: readonly TSchema[] } } {
  return { config: { body } };
}
