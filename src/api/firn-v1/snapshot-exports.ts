/** Snapshots over NBD, read-only: OpenStack has no word for it. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { isAllowed } from '../../identity/policy.ts';
import type { OperationNeeds } from '../../operation/needs.ts';
import {
  endSnapshotExport,
  exportSnapshot,
  listSnapshotExports,
} from '../../operation/snapshot/snapshot-exports.ts';
import { exactly, orNull } from '../block-storage-v3/fields.ts';
import type { ById } from '../block-storage-v3/request.ts';
import { parseBody } from '../body.ts';
import { exportView } from './views.ts';

const NewExport = exactly({
  export: exactly({ host: Type.Optional(orNull(Type.String({ maxLength: 255 }))) }),
});

type ByExport = FastifyRequest<{ Params: { id: string; export_id: string } }>;

export function snapshotExportRoutes(app: FastifyInstance, operations: OperationNeeds): void {
  app.post('/snapshots/:id/exports', async ({ caller, params, body }: ById, reply) => {
    const { host } = parseBody(NewExport, body ?? { export: {} }).export;
    const row = await exportSnapshot(operations, caller, params.id, { host: host ?? null });
    reply.code(201);
    return { export: exportView({ row, connections: 0 }, operations.nbd) };
  });

  app.get('/snapshots/:id/exports', async ({ caller, params }: ById) => {
    const mayConnect = isAllowed(caller, 'firn:export_snapshot');
    const nbd = mayConnect ? operations.nbd : undefined;
    const rows = await listSnapshotExports(operations, caller, params.id);
    return { exports: rows.map((each) => exportView(each, nbd)) };
  });

  app.delete('/snapshots/:id/exports/:export_id', async ({ caller, params }: ByExport, reply) => {
    await endSnapshotExport(operations, caller, params.id, params.export_id);
    return reply.code(204).send();
  });
}
