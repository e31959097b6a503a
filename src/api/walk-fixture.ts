/** All faces together, and a token of everybody, for the tests that go over every route. */
import type { TestContext } from 'node:test';
import { Writable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { systemClock } from '../base/clock.ts';
import { EmbeddedIdentity } from '../identity/embedded.ts';
import type { Identity, LoginScope } from '../identity/identity.ts';
import { AuditTrail } from '../operation/audit/audit-trail.ts';
import { openScene, type Scene } from '../operation/operation-fixture.ts';
import { buildApp } from './app.ts';
import { blockStorageV3 } from './block-storage-v3/routes.ts';
import { firnV1 } from './firn-v1/routes.ts';
import { sessionRoutes } from './firn-v1/session.ts';
import { password, seedDirectory } from './identity-v3/directory-fixture.ts';
import { identityV3 } from './identity-v3/routes.ts';
import { imageV2 } from './image-v2/routes.ts';
import { createLog } from './log.ts';

export interface Route {
  readonly method: string;
  /** The pattern, with `:id` for what is named. */
  readonly url: string;
}

export interface Walk {
  readonly app: FastifyInstance;
  readonly scene: Scene;
  readonly identity: Identity;
  /** Every route of every face, once: those of Block Storage without a project in the path. */
  readonly routes: readonly Route[];
  /** A new token of a person of the directory, as tokens end on the way. */
  readonly login: (name: string, scope?: LoginScope) => Promise<string>;
}

const publicUrl = 'http://firn.test';

export async function openWalk(t: TestContext): Promise<Walk> {
  const scene = await openScene(t);
  await seedDirectory(scene.catalog);
  const { catalog } = scene;
  const identity = new EmbeddedIdentity({ catalog, clock: systemClock });
  const silence = new Writable({ write: (_chunk, _encoding, done) => done() });
  const options = { identity, catalog, clock: systemClock, publicUrl, operations: scene };
  const routes: Route[] = [];
  const app = buildApp({
    log: createLog({ level: 'error', destination: silence }),
    publicUrl,
    limits: { requestsPerSecond: 0, loginsPerSecond: 0 },
    audit: new AuditTrail({ catalog, clock: systemClock }),
    ready: async () => undefined,
    register: (app) => {
      app.addHook('onRoute', ({ method, url }) => {
        for (const each of [method].flat()) routes.push({ method: each, url });
      });
      app.register(identityV3, { ...options, prefix: '/identity' });
      app.register(imageV2, { ...options, prefix: '/image' });
      app.register(blockStorageV3, { ...options, prefix: '/volume' });
      app.register(sessionRoutes, { ...options, prefix: '/firn/v1/session' });
      app.register(firnV1, { ...options, feed: scene.feed, prefix: '/firn/v1' });
    },
  });
  t.after(() => app.close());
  await app.ready();
  const wanted = routes.filter(
    ({ method, url }) => method !== 'HEAD' && !url.startsWith('/volume/v3/:project_id'),
  );
  const once = new Map(wanted.map((route) => [`${route.method} ${route.url}`, route]));
  return {
    app,
    scene,
    identity,
    routes: [...once.values()],
    login: async (name, scope = 'default') => {
      const user = { name, domain: { name: 'Default' } };
      return (await identity.login({ method: 'password', user, password }, scope)).token;
    },
  };
}
