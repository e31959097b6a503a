/**
 * A face as an OpenAPI document (3.1), made of the routes themselves: what it says of a body is the
 * schema that the body is checked against.
 */
import type { RouteOptions } from 'fastify';
import type { TSchema } from 'typebox';

/** What the routes do not say of themselves. */
export interface Face {
  readonly title: string;
  readonly version: string;
  readonly description: string;
  /** Where the routes are, below the public URL: `/volume/v3`. */
  readonly path: string;
  /** A header that every request may have besides its token. */
  readonly header?: {
    readonly name: string;
    readonly description: string;
    readonly schema: object;
  };
}

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
  const { body, list, queries = [] } = config ?? {};
  const listed = list === undefined ? [] : [...Object.keys(list.filters), ...pageQueries];
  return {
    method: method.toLowerCase(),
    path: path === '' ? '/' : path,
    body: body ?? [],
    queries: [...listed, ...queries],
  };
}

const parameter = (name: string, place: 'path' | 'query'): object => ({
  name,
  in: place,
  required: place === 'path',
  schema: { type: 'string' },
});

/** The routes of one face, gathered while they are registered. */
export class OpenApi {
  readonly #face: Face;
  readonly #routes: Described[] = [];

  constructor(face: Face) {
    this.#face = face;
  }

  /** Adds a route that is below the face's path; others are left out. */
  add(route: RouteOptions): void {
    if (!route.url.startsWith(this.#face.path)) return;
    const methods = [route.method].flat().filter((method) => method !== 'HEAD');
    const path = route.url.slice(this.#face.path.length);
    for (const method of methods) this.#routes.push(describe(method, path, route));
  }

  /** The document; `publicUrl` is where clients reach the server. */
  document(publicUrl: string): object {
    const { title, version, description, path: below, header } = this.#face;
    const paths: Record<string, Record<string, object>> = {};
    for (const route of this.#routes) {
      const path = route.path.replaceAll(/:(\w+)/g, '{$1}');
      const operation = operationOf(route, header === undefined ? [] : [headerRef]);
      paths[path] = { ...paths[path], [route.method]: operation };
    }
    return {
      openapi: '3.1.0',
      info: { title, version, description },
      servers: [{ url: `${publicUrl}${below}` }],
      security: [{ token: [] }],
      components: {
        securitySchemes: { token: { type: 'apiKey', in: 'header', name: 'X-Auth-Token' } },
        ...(header === undefined ? {} : { parameters: { header: { in: 'header', ...header } } }),
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

const headerRef = { $ref: '#/components/parameters/header' };

const faultSchema = {
  type: 'object',
  additionalProperties: {
    type: 'object',
    required: ['code', 'message'],
    properties: { code: { type: 'integer' }, message: { type: 'string' } },
  },
};

function operationOf(
  { method, path, body, queries }: Described,
  headers: readonly object[],
): object {
  const names = [...path.matchAll(/:(\w+)/g)].map((match) => match[1] ?? '');
  const words = path.split('/').filter((part) => part !== '' && !part.startsWith(':'));
  return {
    operationId: [method, ...path.split(/[^\w]+/).filter((part) => part !== '')].join('_'),
    tags: [words[0] ?? 'versions'],
    parameters: [
      ...headers,
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
