/** What volumes and snapshots take up, and who uses them just now. */
import type { FastifyInstance } from 'fastify';
import { listConnections } from '../../operation/attachment/connections.ts';
import type { OperationNeeds } from '../../operation/needs.ts';
import { snapshotUsage, volumeUsage } from '../../operation/usage.ts';
import type { ById } from '../block-storage-v3/request.ts';
import { connectionView, usageView } from './views.ts';

export function spaceRoutes(app: FastifyInstance, operations: OperationNeeds): void {
  app.get('/volumes/:id/usage', async ({ caller, params }: ById) => ({
    usage: usageView(await volumeUsage(operations, caller, params.id)),
  }));

  app.get('/snapshots/:id/usage', async ({ caller, params }: ById) => ({
    usage: usageView(await snapshotUsage(operations, caller, params.id)),
  }));

  app.get('/volumes/:id/attachments', async ({ caller, params }: ById) => ({
    attachments: (await listConnections(operations, caller, params.id)).map(connectionView),
  }));
}
