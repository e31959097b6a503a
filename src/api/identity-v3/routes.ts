/** Identity v3, to be registered under `/identity`. */
import type { FastifyInstance } from 'fastify';
import type { CatalogReader } from '../../catalog/catalog.ts';
import type { Identity } from '../../identity/identity.ts';
import { authenticate } from '../authenticate.ts';
import { directoryRoutes } from './directory.ts';
import { versionDocument, versionList } from './discovery.ts';
import { roleAssignmentRoutes } from './role-assignments.ts';
import { catalogFor } from './service-catalog.ts';
import { serviceRoutes } from './endpoints.ts';
import { tokenRoutes } from './tokens.ts';

export interface IdentityV3Options {
  readonly identity: Identity;
  readonly catalog: CatalogReader;
  /** Without a slash at the end. */
  readonly publicUrl: string;
}

export async function identityV3(app: FastifyInstance, options: IdentityV3Options): Promise<void> {
  const { publicUrl } = options;
  app.get('/', async (_request, reply) => {
    reply.code(300);
    return versionList(publicUrl);
  });
  await app.register(v3, { ...options, prefix: '/v3' });
}

async function v3(app: FastifyInstance, options: IdentityV3Options): Promise<void> {
  const { identity, publicUrl } = options;
  app.get('/', async () => versionDocument(publicUrl));
  tokenRoutes(app, options);
  await app.register(async (app) => {
    app.addHook('onRequest', authenticate({ identity, publicUrl, scope: 'any' }));
    app.get('/auth/catalog', async (request) => {
      const { project } = request.tokenFacts;
      return {
        catalog: project === undefined ? [] : catalogFor(publicUrl, project.id),
        links: { self: `${publicUrl}/identity/v3/auth/catalog` },
      };
    });
    directoryRoutes(app, options);
    roleAssignmentRoutes(app, options);
    serviceRoutes(app, publicUrl);
  });
}
