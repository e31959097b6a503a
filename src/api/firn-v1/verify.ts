/** Proof that backups can be read: on demand. */
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { verifyBackup } from '../../operation/backup/verify-backup.ts';
import type { OperationNeeds } from '../../operation/needs.ts';
import { isAdmin } from '../../operation/scope.ts';
import { exactly } from '../block-storage-v3/fields.ts';
import type { ById } from '../block-storage-v3/request.ts';
import { parseBody } from '../body.ts';
import { jobView } from './views.ts';

const Verify = exactly({
  depth: Type.Optional(Type.Enum(['objects', 'blocks'])),
});

export function verifyRoutes(app: FastifyInstance, operations: OperationNeeds): void {
  app.post('/backups/:id/verify', async ({ caller, params, body }: ById, reply) => {
    const { depth = 'blocks' } = parseBody(Verify, body ?? {});
    const job = await verifyBackup(operations, caller, params.id, { depth });
    reply.code(202);
    return { job: jobView(job, { isAdmin: isAdmin(caller) }) };
  });
}
