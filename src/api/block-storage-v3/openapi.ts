/**
 * Block Storage as an OpenAPI document (3.1), made of the routes themselves: what it says of a body
 * is the schema that the body is checked against.
 */
import type { RouteOptions } from 'fastify';
import type { TSchema } from 'typebox';
import { microversionMax, microversionMin } from '../microversion.ts';

interface Described {
  readonly method: string;
  /** Without the prefix: `/volumes/:id`. */
  readonly path: string;
  readonly body: readonly TSchema[];
  readonly queries: readonly string[];
}

const pageQueries = ['limit', 'marker', 'offset', 'sort', 'sort_key', 'sort_dir', 'all_tenants'];

/** What one route takes, as its options tell it. */
function describe(method: string, path: string, { config }: RouteOptions): Described {
  const { body, list } = config ?? {};
  const queries = list === undefined ? [] : [...Object.keys(list.filters), ...pageQueries];
  return { method: method.toLowerCase(), path, body: body ?? [], queries };
}

const parameter = (name: string, place: 'path' | 'query'): object => ({
  name,
  in: place,
  required: place === 'path',
  schema: { type: 'string' },
});

/** The routes of Block Storage, gathered while they are registered. */
export class OpenApi {
  readonly #routes: Described[] = [];

  add(prefix: string, route: RouteOptions): void {
    const methods = [route.method].flat().filter((method) => method !== 'HEAD');
    const path = route.url.slice(prefix.length);
    for (const method of methods) this.#routes.push(describe(method, path, route));
  }

  /** The document; `publicUrl` is where clients reach the server. */
  document(publicUrl: string): object {
    const paths: Record<string, Record<string, object>> = {};
    for (const route of this.#routes) {
      const path = route.path.replaceAll(/:(\w+)/g, '{$1}');
      paths[path] = { ...paths[path], [route.method]: operationOf(route) };
    }
    return {
      openapi: '3.1.0',
      info: {
        title: 'Block Storage v3',
        version: `3.${microversionMax}`,
        description:
          'The Block Storage API of OpenStack. The header `OpenStack-API-Version: volume 3.NN` ' +
          'asks for a microversion; of several schemas of one body, the later ones came with ' +
          'later microversions, or are other actions.',
      },
      servers: [{ url: `${publicUrl}/volume/v3` }],
      security: [{ token: [] }],
      components: {
        securitySchemes: { token: { type: 'apiKey', in: 'header', name: 'X-Auth-Token' } },
        parameters: {
          microversion: {
            name: 'OpenStack-API-Version',
            in: 'header',
            description: `volume 3.${microversionMin} to volume 3.${microversionMax}`,
            schema: { type: 'string', pattern: '^volume 3\\.[0-9]+$' },
          },
        },
        responses: {
          fault: {
            description: 'What went wrong, under the name of the fault.',
            content: { 'application/json': { schema: faultSchema } },
          },
        },
      },
      paths,
    };
  }
}

const faultSchema = {
  type: 'object',
  additionalProperties: {
    type: 'object',
    required: ['code', 'message'],
    properties: { code: { type: 'integer' }, message: { type: 'string' } },
  },
};

function operationOf({ method, path, body, queries }: Described): object {
  const names = [...path.matchAll(/:(\w+)/g)].map((match) => match[1] ?? '');
  const words = path.split('/').filter((part) => part !== '' && !part.startsWith(':'));
  return {
    operationId: [method, ...path.split(/[^\w]+/).filter((part) => part !== '')].join('_'),
    tags: [words[0] ?? 'versions'],
    parameters: [
      { $ref: '#/components/parameters/microversion' },
      ...names.map((name) => parameter(name, 'path')),
      ...queries.map((name) => parameter(name, 'query')),
    ],
    ...(body.length === 0 ? {} : { requestBody: bodyOf(body) }),
    responses: {
      '2XX': { description: 'Done, or begun.' },
      default: { $ref: '#/components/responses/fault' },
    },
  };
}

function bodyOf(body: readonly TSchema[]): object {
  const schema = body.length === 1 ? body[0] : { anyOf: body };
  return { required: true, content: { 'application/json': { schema } } };
}
