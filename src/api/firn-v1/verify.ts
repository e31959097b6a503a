/** Proof that backups can be read, and restores that OpenStack has no word for. */
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { restoreBackup } from '../../operation/backup/restore-backup.ts';
import { drillBackup, verifyBackup } from '../../operation/backup/verify-backup.ts';
import type { OperationNeeds } from '../../operation/needs.ts';
import { isAdmin } from '../../operation/scope.ts';
import { showVolume } from '../../operation/volume/list-volumes.ts';
import { exactly, Name, orNull, Size, trimmed, Uuid } from '../block-storage-v3/fields.ts';
import type { ById } from '../block-storage-v3/request.ts';
import { parseBody } from '../body.ts';
import { jobView, volumeView } from './views.ts';

const Verify = exactly({
  depth: Type.Optional(Type.Enum(['objects', 'blocks', 'filesystem'])),
});

const Restore = exactly({
  volume_id: Type.Optional(orNull(Uuid)),
  name: Type.Optional(Name),
  size: Type.Optional(orNull(Size)),
  instant: Type.Optional(Type.Boolean()),
});

export function restoreRoutes(app: FastifyInstance, operations: OperationNeeds): void {
  app.post('/backups/:id/restore', async ({ caller, params, body }: ById, reply) => {
    const wanted = parseBody(Restore, body ?? {});
    const { backup, volume } = await restoreBackup(operations, caller, params.id, {
      volumeId: wanted.volume_id ?? null,
      name: trimmed(wanted.name),
      size: wanted.size === undefined || wanted.size === null ? null : Number(wanted.size),
      instant: wanted.instant ?? false,
    });
    reply.code(202);
    return { restore: { backup_id: backup.id, volume_id: volume.id, volume_name: volume.name } };
  });

  app.get('/volumes/:id', async ({ caller, params }: ById) => {
    const volume = await showVolume(operations, caller, params.id);
    const progress = await operations.hydrator.progressOf(volume.id);
    return { volume: volumeView(volume, progress) };
  });
}

export function verifyRoutes(app: FastifyInstance, operations: OperationNeeds): void {
  app.post('/backups/:id/verify', async ({ caller, params, body }: ById, reply) => {
    const { depth = 'blocks' } = parseBody(Verify, body ?? {});
    const job = await verifyBackup(operations, caller, params.id, { depth });
    reply.code(202);
    return { job: jobView(job, { isAdmin: isAdmin(caller) }) };
  });

  app.post('/backups/:id/drill', async ({ caller, params, body }: ById, reply) => {
    parseBody(exactly({}), body ?? {});
    const job = await drillBackup(operations, caller, params.id);
    reply.code(202);
    return { job: jobView(job, { isAdmin: isAdmin(caller) }) };
  });
}
