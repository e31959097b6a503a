/** Firn v1: what OpenStack has no word for, to be registered under `/firn/v1`. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { ChangeFeed } from '../../catalog/change-feed.ts';
import type { JobRow } from '../../catalog/tables.ts';
import type { Identity } from '../../identity/identity.ts';
import { adoptBackups } from '../../operation/backup/adopt-backups.ts';
import { copiesOf, listBackups, showBackup } from '../../operation/backup/list-backups.ts';
import { spaceOfBackup } from '../../operation/backup/backup-space.ts';
import { listRepositories } from '../../operation/backup/list-repositories.ts';
import { findBackupJob, listJobs } from '../../operation/jobs.ts';
import type { OperationNeeds } from '../../operation/needs.ts';
import { isAdmin } from '../../operation/scope.ts';
import { authenticate } from '../authenticate.ts';
import { backupList } from '../block-storage-v3/backups.ts';
import { readList, type ListFace } from '../block-storage-v3/list-query.ts';
import { parseBody } from '../body.ts';
import { eventRoutes } from './events.ts';
import { auditRoutes } from './audit.ts';
import { holdRoutes } from './holds.ts';
import { planRoutes } from './plans.ts';
import { pruneRoutes } from './prune.ts';
import { backupExportRoutes } from './backup-exports.ts';
import { snapshotExportRoutes } from './snapshot-exports.ts';
import { spaceRoutes } from './space.ts';
import { volumePictureRoutes } from './volume-picture.ts';
import { restoreRoutes, verifyRoutes } from './verify.ts';
import { webhookRoutes } from './webhooks.ts';
import { nextMarker } from './next-marker.ts';
import { backupSpaceView, backupView, jobView, rateOf, repositoryView } from './views.ts';

export interface FirnV1Options {
  readonly identity: Identity;
  /** Without a slash at the end. */
  readonly publicUrl: string;
  readonly operations: OperationNeeds;
  /** What changes in the catalogue of the operations. */
  readonly feed: ChangeFeed;
}

const Adopt = Type.Object(
  {
    container: Type.Optional(Type.Union([Type.String({ maxLength: 255 }), Type.Null()])),
    take_over: Type.Optional(Type.Boolean()),
    force: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);

const jobList: ListFace<'jobs'> = {
  filters: {
    subject_id: (subjectId) => ({ subjectId }),
    request_id: (requestId) => ({ requestId }),
    kind: (kind) => ({ kind }),
    state: (text) => ({ state: text as JobRow['state'] }),
  },
  sortFields: { id: 'id', created_at: 'createdAt', updated_at: 'updatedAt' },
};

export async function firnV1(app: FastifyInstance, options: FirnV1Options): Promise<void> {
  const { operations, identity, feed } = options;
  app.addHook('onRequest', authenticate({ ...options, scope: 'project' }));

  app.get('/backups', async (request) => {
    const list = readList(request, backupList);
    const { rows } = await listBackups(operations, request.caller, list);
    return { backups: rows.map(backupView), ...nextMarker(list, rows) };
  });

  app.get('/backups/:id', async (request: FastifyRequest<{ Params: { id: string } }>) => {
    const row = await showBackup(operations, request.caller, request.params.id);
    const rate = rateOf(row, await findBackupJob(operations, row), operations.clock.now());
    const copies = copiesOf(operations, row);
    const space = backupSpaceView(await spaceOfBackup(operations, row));
    return { backup: { ...backupView(row), bytes_per_second: rate, copies, space } };
  });

  restoreRoutes(app, operations);
  verifyRoutes(app, operations);

  app.post('/repository/adopt', async (request) => {
    const { container = null, take_over, force = false } = parseBody(Adopt, request.body ?? {});
    const asked = { container, takeOver: take_over ?? false, force };
    const found = await adoptBackups(operations, request.caller, asked);
    const { adopted, sharedCount: shared, knownCount: known, damaged } = found;
    return { adopted, shared, known, damaged };
  });

  pruneRoutes(app, operations);

  app.get('/repositories', async (request) => ({
    repositories: (await listRepositories(operations, request.caller)).map(repositoryView),
  }));

  spaceRoutes(app, operations);
  volumePictureRoutes(app, operations);
  snapshotExportRoutes(app, operations);
  backupExportRoutes(app, operations);
  eventRoutes(app, { feed, identity, clock: operations.clock });
  auditRoutes(app, operations);
  planRoutes(app, operations);
  holdRoutes(app, operations);
  webhookRoutes(app, operations);

  app.get('/jobs', async (request) => {
    const list = readList(request, jobList);
    const { rows } = await listJobs(operations, request.caller, list);
    const shown = { isAdmin: isAdmin(request.caller) };
    return { jobs: rows.map((row) => jobView(row, shown)), ...nextMarker(list, rows) };
  });
}
