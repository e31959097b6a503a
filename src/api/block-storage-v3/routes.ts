/**
 * Block Storage v3, to be registered under `/volume`. Every path is served with and without a
 * project's id in front (3.67 made it optional); one that is not the caller's is refused.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { OperatingError } from '../../base/errors.ts';
import { authenticate } from '../authenticate.ts';
import { microversionMax, microversionMin, negotiateMicroversion } from '../microversion.ts';
import { OpenApi } from '../openapi.ts';
import { attachmentRoutes } from './attachments.ts';
import { backupRoutes } from './backups.ts';
import { versionsDocument } from './discovery.ts';
import { consistencyGroupRoutes } from './consistency-groups.ts';
import { groupSnapshotRoutes } from './group-snapshots.ts';
import { groupTypeRoutes } from './group-types.ts';
import { groupRoutes } from './groups.ts';
import { installationRoutes } from './installation.ts';
import { manageableRoutes } from './manageable.ts';
import { messageRoutes } from './messages.ts';
import type { BlockStorageV3Options } from './options.ts';
import { poolRoutes } from './pools.ts';
import { qosSpecsRoutes } from './qos-specs.ts';
import { limitRoutes, quotaSetRoutes } from './quota-sets.ts';
import { serviceRoutes } from './os-services.ts';
import { resourceFilterRoutes } from './resource-filters.ts';
import { snapshotRoutes } from './snapshots.ts';
import { transferRoutes } from './transfers.ts';
import { defaultTypeRoutes, typeAccessRoutes } from './type-access.ts';
import { typeEncryptionRoutes } from './type-encryption.ts';
import { extraSpecRoutes } from './type-extra-specs.ts';
import { typeRoutes } from './types.ts';
import { workerRoutes } from './workers.ts';
import { volumeActionRoutes } from './volume-actions.ts';
import { volumeRoutes } from './volumes.ts';

const face = {
  title: 'Block Storage v3',
  version: `3.${microversionMax}`,
  description:
    'The Block Storage API of OpenStack. The header `OpenStack-API-Version: volume 3.NN` asks ' +
    'for a microversion; of several schemas of one body, the later ones came with later ' +
    'microversions, or are other actions.',
  path: '/volume/v3',
  header: {
    name: 'OpenStack-API-Version',
    description: `volume 3.${microversionMin} to volume 3.${microversionMax}`,
    schema: { type: 'string', pattern: '^volume 3\\.[0-9]+$' },
  },
} as const;

export async function blockStorageV3(
  app: FastifyInstance,
  options: BlockStorageV3Options,
): Promise<void> {
  const versions = versionsDocument(options.publicUrl);
  app.get('/', async (_request, reply) => {
    reply.code(300);
    return versions;
  });
  app.get('/v3', async () => versions);
  const openApi = new OpenApi(face);
  app.get('/openapi.json', async () => openApi.document(options.publicUrl));
  await app.register(resources, { ...options, prefix: '/v3', openApi });
  await app.register(resources, { ...options, prefix: '/v3/:project_id' });
}

type ResourcesOptions = BlockStorageV3Options & { readonly openApi?: OpenApi };

async function resources(app: FastifyInstance, options: ResourcesOptions): Promise<void> {
  const { openApi } = options;
  if (openApi !== undefined) app.addHook('onRoute', (route) => openApi.add(route));
  app.addHook('onRequest', negotiateMicroversion);
  app.addHook('onRequest', authenticate({ ...options, scope: 'project' }));
  app.addHook('onRequest', ownProjectOnly);
  volumeRoutes(app, options);
  volumeActionRoutes(app, options);
  manageableRoutes(app, options);
  snapshotRoutes(app, options);
  backupRoutes(app, options);
  attachmentRoutes(app, options);
  typeRoutes(app, options);
  extraSpecRoutes(app, options);
  typeAccessRoutes(app, options);
  typeEncryptionRoutes(app, options);
  defaultTypeRoutes(app, options);
  qosSpecsRoutes(app, options);
  transferRoutes(app, options);
  groupTypeRoutes(app, options);
  groupRoutes(app, options);
  groupSnapshotRoutes(app, options);
  consistencyGroupRoutes(app, options);
  quotaSetRoutes(app, options);
  limitRoutes(app, options);
  messageRoutes(app, options);
  installationRoutes(app);
  serviceRoutes(app, options);
  workerRoutes(app, options);
  poolRoutes(app, options);
  resourceFilterRoutes(app);
}

async function ownProjectOnly(request: FastifyRequest): Promise<void> {
  const { params, caller } = request;
  if (typeof params !== 'object' || params === null || !('project_id' in params)) return;
  if (params.project_id === caller.projectId) return;
  throw new OperatingError('invalid_input', 'Malformed request url');
}
