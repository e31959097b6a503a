/** Block Storage and Firn v1 over real operations, with people to ask, for tests. */
import { Writable } from 'node:stream';
import type { TestContext } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { systemClock } from '../../base/clock.ts';
import { isJsonObject, type JsonObject } from '../../base/json.ts';
import { EmbeddedIdentity } from '../../identity/embedded.ts';
import type { Identity } from '../../identity/identity.ts';
import { AuditTrail } from '../../operation/audit/audit-trail.ts';
import { openScene, type Scene, steppingClock } from '../../operation/operation-fixture.ts';
import { buildApp } from '../app.ts';
import { firnV1 } from '../firn-v1/routes.ts';
import { password, seedDirectory } from '../identity-v3/directory-fixture.ts';
import { createLog } from '../log.ts';
import { blockStorageV3 } from './routes.ts';

export const publicUrl = 'http://firn.test';
export const alpha = 'a'.repeat(32);
export const beta = 'b'.repeat(32);

export interface Answer {
  readonly status: number;
  readonly body: JsonObject;
  readonly headers: Readonly<Record<string, unknown>>;
}

export interface Storage {
  readonly app: FastifyInstance;
  readonly scene: Scene;
  readonly identity: Identity;
  /** A token for a person of the directory, scoped to their project. */
  readonly tokenOf: (name: string) => Promise<string>;
  /** Asks as a person of the directory, below `/volume/v3` unless the path begins otherwise. */
  readonly ask: (request: {
    who?: string;
    method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
    path: string;
    body?: unknown;
    /** A body that need not be JSON. */
    text?: string | Buffer;
    microversion?: string;
  }) => Promise<Answer>;
}

export async function openStorage(t: TestContext): Promise<Storage> {
  const scene = await openScene(t);
  await seedDirectory(scene.catalog);
  const identity = new EmbeddedIdentity({ catalog: scene.catalog, clock: systemClock });
  const options = { identity, publicUrl, operations: scene };
  const silence = new Writable({ write: (_chunk, _encoding, done) => done() });
  const app = buildApp({
    log: createLog({ level: 'info', destination: silence }),
    publicUrl,
    audit: new AuditTrail({ catalog: scene.catalog, clock: steppingClock() }),
    ready: async () => undefined,
    register: (app) => {
      app.register(blockStorageV3, { ...options, prefix: '/volume' });
      app.register(firnV1, { ...options, feed: scene.feed, prefix: '/firn/v1' });
    },
  });
  t.after(() => app.close());
  const tokens = new Map<string, string>();
  const tokenOf = async (name: string): Promise<string> => {
    const known = tokens.get(name);
    if (known !== undefined) return known;
    const user = { name, domain: { name: 'Default' } };
    const { token } = await identity.login({ method: 'password', user, password }, 'default');
    tokens.set(name, token);
    return token;
  };
  return {
    app,
    scene,
    identity,
    tokenOf,
    async ask({ who = 'max', method = 'GET', path, body, text, microversion }) {
      const payload = body === undefined ? text : JSON.stringify(body);
      const url = /^\/(?:volume|firn)\//.test(path) ? path : `/volume/v3${path}`;
      const reply = await app.inject({
        method,
        url,
        headers: {
          'x-auth-token': await tokenOf(who),
          ...(microversion === undefined
            ? {}
            : { 'openstack-api-version': `volume ${microversion}` }),
          ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(payload === undefined ? {} : { payload }),
      });
      const parsed: unknown = reply.body === '' ? {} : reply.json();
      return {
        status: reply.statusCode,
        body: isJsonObject(parsed) ? parsed : {},
        headers: reply.headers,
      };
    },
  };
}

/** The object in a field of an answer. */
export function objectIn(body: JsonObject, field: string): JsonObject {
  const value = body[field];
  if (!isJsonObject(value)) throw new Error(`no object ${field} in ${JSON.stringify(body)}`);
  return value;
}

/** The text in a field of an answer. */
export function textIn(body: JsonObject, field: string): string {
  const value = body[field];
  if (typeof value !== 'string') throw new Error(`no text ${field} in ${JSON.stringify(body)}`);
  return value;
}

/** The list in a field of an answer. */
export function listIn(body: JsonObject, field: string): JsonObject[] {
  const value = body[field];
  if (!Array.isArray(value)) throw new Error(`no list ${field} in ${JSON.stringify(body)}`);
  return value.filter(isJsonObject);
}
