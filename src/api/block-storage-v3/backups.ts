import type { FastifyInstance } from 'fastify';
import type { BackupRow } from '../../catalog/tables.ts';
import { createBackup } from '../../operation/backup/create-backup.ts';
import { deleteBackup } from '../../operation/backup/delete-backup.ts';
import { exportRecord, importRecord } from '../../operation/backup/import-record.ts';
import { listBackups, showBackup } from '../../operation/backup/list-backups.ts';
import { restoreBackup } from '../../operation/backup/restore-backup.ts';
import { resetBackupStatus, updateBackup } from '../../operation/backup/update-backup.ts';
import { backupStatuses } from '../../operation/states.ts';
import { parseBody } from '../body.ts';
import {
  createBackupSchemas,
  ImportRecord,
  parseCreateBackup,
  parseUpdateBackup,
  RestoreBackup,
  updateBackupSchemas,
} from './backup-schema.ts';
import { justNamed, ResetStatus } from './volume-schema.ts';
import { backupDetail, backupSummary } from './backup-view.ts';
import { metadataOf, toBool, trimmed } from './fields.ts';
import {
  defined,
  listAnswer,
  parseMetadataFilter,
  parseWhole,
  readList,
  timeFilters,
  type ListFace,
} from './list-query.ts';
import type { BlockStorageV3Options } from './options.ts';
import { actionOf, noSuchAction, since, viewerOf, type ById } from './request.ts';
import { parseStatus } from './reset-status.ts';
import { lists, takes } from '../takes.ts';

export const backupList: ListFace<'backups'> = {
  countSince: 45,
  sortsSince: { name: 37 },
  known: [],
  filters: {
    id: (id) => ({ id }),
    name: (name) => ({ name }),
    description: (description) => ({ description }),
    ...timeFilters,
    status: (text) => ({ status: text as BackupRow['status'] }),
    volume_id: (volumeId) => ({ volumeId }),
    snapshot_id: (snapshotId) => ({ snapshotId }),
    container: (container) => ({ container }),
    size: (text) => defined('size', parseWhole(text)),
    availability_zone: (availabilityZone) => ({ availabilityZone }),
    user_id: (userId) => ({ userId }),
    metadata: (text) => defined('metadata', parseMetadataFilter(text)),
  },
  sortFields: {
    id: 'id',
    name: 'name',
    display_name: 'name',
    status: 'status',
    size: 'size',
    container: 'container',
    volume_id: 'volumeId',
    snapshot_id: 'snapshotId',
    created_at: 'createdAt',
    updated_at: 'updatedAt',
    data_timestamp: 'dataTimestamp',
  },
};

export function backupRoutes(app: FastifyInstance, options: BlockStorageV3Options): void {
  listRoutes(app, options);
  recordRoutes(app, options);
  workRoutes(app, options);
  portableRoutes(app, options);
}

function listRoutes(app: FastifyInstance, { operations, publicUrl }: BlockStorageV3Options): void {
  for (const path of ['backups', 'backups/detail'] as const) {
    const view = path === 'backups' ? backupSummary : backupDetail;
    app.get(`/${path}`, lists(backupList), async (request) => {
      const list = readList(request, backupList);
      const viewer = viewerOf(request, publicUrl);
      const page = await listBackups(operations, request.caller, list);
      const items = page.rows.map((row) => view(row, viewer));
      return listAnswer({ viewer, list, page, items, path, kind: 'backups' });
    });
  }
}

/** Making, showing and changing the record. */
function recordRoutes(
  app: FastifyInstance,
  { operations, publicUrl }: BlockStorageV3Options,
): void {
  app.post('/backups', takes(...createBackupSchemas), async (request, reply) => {
    const backup = parseCreateBackup(request.body, request.microversion);
    const row = await createBackup(operations, request.caller, {
      volumeId: backup.volume_id,
      snapshotId: backup.snapshot_id ?? null,
      name: trimmed(backup.name),
      description: trimmed(backup.description),
      container: backup.container ?? null,
      incremental: toBool(backup.incremental),
      force: toBool(backup.force),
      metadata: metadataOf(backup.metadata),
      availabilityZone: backup.availability_zone ?? null,
    });
    reply.code(202);
    return { backup: backupSummary(row, viewerOf(request, publicUrl)) };
  });

  app.get('/backups/:id', async (request: ById) => {
    const row = await showBackup(operations, request.caller, request.params.id);
    return { backup: backupDetail(row, viewerOf(request, publicUrl)) };
  });

  app.put('/backups/:id', takes(...updateBackupSchemas), async (request: ById) => {
    since(request, 9);
    const { name, description, metadata } = parseUpdateBackup(request.body, request.microversion);
    const row = await updateBackup(operations, request.caller, request.params.id, {
      ...(name === undefined ? {} : { name: trimmed(name) }),
      ...(description === undefined ? {} : { description: trimmed(description) }),
      ...(metadata === undefined ? {} : { metadata: metadataOf(metadata) }),
    });
    return { backup: backupSummary(row, viewerOf(request, publicUrl)) };
  });
}

/** Deleting, restoring and actions. */
function workRoutes(app: FastifyInstance, { operations }: BlockStorageV3Options): void {
  app.delete('/backups/:id', async (request: ById, reply) => {
    await deleteBackup(operations, request.caller, request.params.id, { force: false });
    return reply.code(202).send();
  });

  app.post('/backups/:id/restore', takes(RestoreBackup), async (request: ById, reply) => {
    const { restore } = parseBody(RestoreBackup, request.body);
    const { backup, volume } = await restoreBackup(operations, request.caller, request.params.id, {
      volumeId: restore.volume_id ?? null,
      name: trimmed(restore.name),
    });
    reply.code(202);
    return {
      restore: { backup_id: backup.id, volume_id: volume.id, volume_name: volume.name },
    };
  });

  app.post(
    '/backups/:id/action',
    takes(ResetStatus, justNamed('os-force_delete')),
    async (request: ById, reply) => {
      const { name, body } = actionOf(request.body);
      const { caller, params } = request;
      if (name === 'os-force_delete') {
        await deleteBackup(operations, caller, params.id, { force: true });
      } else if (name === 'os-reset_status') {
        await resetBackupStatus(operations, caller, params.id, parseStatus(body, backupStatuses));
      } else {
        throw noSuchAction(name);
      }
      return reply.code(202).send();
    },
  );
}

/** Records that are carried to another installation. */
function portableRoutes(
  app: FastifyInstance,
  { operations, publicUrl }: BlockStorageV3Options,
): void {
  app.get('/backups/:id/export_record', async (request: ById) => {
    const { service, url } = await exportRecord(operations, request.caller, request.params.id);
    return { 'backup-record': { backup_service: service, backup_url: url } };
  });

  // openstacksdk posts an import to the second path.
  for (const path of ['import_record', 'export_record']) {
    app.post(`/backups/${path}`, takes(ImportRecord), async (request, reply) => {
      const { 'backup-record': record } = parseBody(ImportRecord, request.body);
      const { backup_service: service, backup_url: url } = record;
      const row = await importRecord(operations, request.caller, { service, url });
      reply.code(201);
      return { backup: backupSummary(row, viewerOf(request, publicUrl)) };
    });
  }
}
