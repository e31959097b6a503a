/** Identity v3, to be registered under `/identity`. */
import type { FastifyInstance } from 'fastify';
import type { Clock } from '../../base/clock.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { Identity } from '../../identity/identity.ts';
import { authenticate } from '../authenticate.ts';
import { OpenApi } from '../openapi.ts';
import { applicationCredentialRoutes } from './application-credentials.ts';
import { versionDocument, versionList } from './discovery.ts';
import { domainRoutes, roleRoutes } from './domains-and-roles.ts';
import { serviceRoutes } from './endpoints.ts';
import { grantRoutes } from './grants.ts';
import { groupRoutes } from './groups.ts';
import { projectRoutes } from './projects.ts';
import { roleAssignmentRoutes } from './role-assignments.ts';
import { catalogOf } from './token-view.ts';
import { tokenRoutes } from './tokens.ts';
import { passwordRoutes, userRoutes } from './users.ts';

export interface IdentityV3Options {
  readonly identity: Identity;
  readonly catalog: Catalog;
  readonly clock: Clock;
  /** Without a slash at the end. */
  readonly publicUrl: string;
}

export async function identityV3(app: FastifyInstance, options: IdentityV3Options): Promise<void> {
  const { publicUrl } = options;
  app.get('/', async (_request, reply) => {
    reply.code(300);
    return versionList(publicUrl);
  });
  const openApi = new OpenApi(face);
  app.addHook('onRoute', (route) => openApi.add(route));
  app.get('/openapi.json', async () => openApi.document(publicUrl));
  await app.register(v3, { ...options, prefix: '/v3' });
}

const face = {
  title: 'Identity v3',
  version: '3.14',
  description:
    'The Identity API of OpenStack, as far as Firn serves it. Objects may have fields of the ' +
    "client's own besides those named here; they are kept and shown.",
  path: '/identity/v3',
} as const;

async function v3(app: FastifyInstance, options: IdentityV3Options): Promise<void> {
  const { identity, publicUrl } = options;
  app.get('/', async () => versionDocument(publicUrl));
  tokenRoutes(app, options);
  passwordRoutes(app, options);
  // What a change has made untrue is not believed any more when the change is answered.
  app.addHook('onSend', async ({ method }) => {
    if (method !== 'GET' && method !== 'HEAD') identity.forget();
  });
  await app.register(async (app) => {
    app.addHook('onRequest', authenticate({ ...options, scope: 'any' }));
    app.get('/auth/catalog', async (request) => ({
      catalog: await catalogOf(options, request.tokenFacts),
      links: { self: `${publicUrl}/identity/v3/auth/catalog` },
    }));
    domainRoutes(app, options);
    projectRoutes(app, options);
    userRoutes(app, options);
    groupRoutes(app, options);
    roleRoutes(app, options);
    grantRoutes(app, options);
    roleAssignmentRoutes(app, options);
    applicationCredentialRoutes(app, options);
    serviceRoutes(app, options);
  });
}
