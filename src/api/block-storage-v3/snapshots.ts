import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { OperatingError } from '../../base/errors.ts';
import type { SnapshotRow } from '../../catalog/tables.ts';
import { createSnapshot } from '../../operation/snapshot/create-snapshot.ts';
import { deleteSnapshot } from '../../operation/snapshot/delete-snapshot.ts';
import { listSnapshots, showSnapshot } from '../../operation/snapshot/list-snapshots.ts';
import { tellSnapshotStatus } from '../../operation/snapshot/tell-snapshot-status.ts';
import {
  editSnapshotMetadata,
  resetSnapshotStatus,
  updateSnapshot,
} from '../../operation/snapshot/update-snapshot.ts';
import { snapshotStatuses } from '../../operation/states.ts';
import { parseBody } from '../body.ts';
import {
  Bool,
  Description,
  exactly,
  MetadataFields,
  metadataOf,
  Name,
  orNull,
  toBool,
  trimmed,
  Uuid,
} from './fields.ts';
import {
  defined,
  listAnswer,
  parseFlag,
  parseMetadataFilter,
  parseWhole,
  readList,
  timeFilters,
  type ListFace,
} from './list-query.ts';
import { metadataRoutes } from './metadata-routes.ts';
import type { BlockStorageV3Options } from './options.ts';
import { actionOf, noSuchAction, viewerOf, type ById } from './request.ts';
import { justNamed, ResetStatus } from './volume-schema.ts';
import { parseStatus } from './reset-status.ts';
import { snapshotDetail, snapshotRecord, snapshotSummary } from './snapshot-view.ts';
import { lists, takes } from '../takes.ts';

/** Requests about snapshots (cinder/api/schemas/snapshots.py). */
const CreateSnapshot = exactly({
  snapshot: exactly({
    volume_id: Uuid,
    name: Type.Optional(Name),
    display_name: Type.Optional(Name),
    description: Type.Optional(Description),
    display_description: Type.Optional(Description),
    force: Type.Optional(orNull(Bool)),
    metadata: Type.Optional(orNull(MetadataFields)),
  }),
});

const UpdateSnapshot = exactly({
  snapshot: Type.Object(
    {
      name: Type.Optional(Name),
      display_name: Type.Optional(Name),
      description: Type.Optional(Description),
      display_description: Type.Optional(Description),
    },
    { additionalProperties: false, minProperties: 1 },
  ),
});

/** The progress is a whole percentage; none when it is empty. */
const UpdateStatus = exactly({
  'os-update_snapshot_status': exactly({
    status: Type.String(),
    progress: Type.Optional(orNull(Type.String({ pattern: '^(?:0*(?:\\d{1,2}|100)%)?$' }))),
  }),
});

export const snapshotList: ListFace<'snapshots'> = {
  countSince: 45,
  filtersSince: { metadata: 22, consumes_quota: 65 },
  sortsSince: { name: 30 },
  known: [],
  filters: {
    id: (id) => ({ id }),
    name: (name) => ({ name }),
    description: (description) => ({ description }),
    ...timeFilters,
    status: (text) => ({ status: text as SnapshotRow['status'] }),
    volume_id: (volumeId) => ({ volumeId }),
    volume_size: (text) => defined('size', parseWhole(text)),
    user_id: (userId) => ({ userId }),
    group_snapshot_id: (groupSnapshotId) => ({ groupSnapshotId }),
    consumes_quota: (text) => (parseFlag(text) === false ? { id: [] } : {}),
    metadata: (text) => defined('metadata', parseMetadataFilter(text)),
  },
  sortFields: {
    id: 'id',
    name: 'name',
    display_name: 'name',
    size: 'size',
    volume_size: 'size',
    status: 'status',
    volume_id: 'volumeId',
    created_at: 'createdAt',
    updated_at: 'updatedAt',
  },
};

/**
 * From 3.66 on `force` is not needed and must not be denied; before, it is false when not given.
 */
function forceOf(force: boolean | string | null | undefined, microversion: number): boolean {
  if (microversion < 66) return toBool(force ?? undefined);
  if (force === undefined || force === null || toBool(force)) return true;
  throw new OperatingError(
    'invalid_input',
    "Invalid input received: Invalid value for 'force': since microversion 3.66 snapshots of " +
      "in-use volumes need no force, and 'force' can only be true.",
    { field: 'force' },
  );
}

export function snapshotRoutes(app: FastifyInstance, options: BlockStorageV3Options): void {
  listRoutes(app, options);
  recordRoutes(app, options);
  workRoutes(app, options);
}

function listRoutes(app: FastifyInstance, { operations, publicUrl }: BlockStorageV3Options): void {
  for (const path of ['snapshots', 'snapshots/detail'] as const) {
    const view = path === 'snapshots' ? snapshotSummary : snapshotDetail;
    app.get(`/${path}`, lists(snapshotList), async (request) => {
      const list = readList(request, snapshotList);
      const viewer = viewerOf(request, publicUrl);
      const page = await listSnapshots(operations, request.caller, list);
      const items = page.rows.map((row) => view(row, viewer));
      return listAnswer({ viewer, list, page, items, path, kind: 'snapshots' });
    });
  }
}

/** Making, showing and changing the record. */
function recordRoutes(
  app: FastifyInstance,
  { operations, publicUrl }: BlockStorageV3Options,
): void {
  app.post('/snapshots', takes(CreateSnapshot), async (request, reply) => {
    const { snapshot } = parseBody(CreateSnapshot, request.body);
    const row = await createSnapshot(operations, request.caller, {
      volumeId: snapshot.volume_id,
      name: trimmed(snapshot.name ?? snapshot.display_name),
      description: trimmed(snapshot.description ?? snapshot.display_description),
      metadata: metadataOf(snapshot.metadata),
      force: forceOf(snapshot.force, request.microversion),
    });
    reply.code(202);
    return { snapshot: snapshotRecord(row, viewerOf(request, publicUrl)) };
  });

  app.get('/snapshots/:id', async (request: ById) => {
    const row = await showSnapshot(operations, request.caller, request.params.id);
    return { snapshot: snapshotDetail(row, viewerOf(request, publicUrl)) };
  });

  app.put('/snapshots/:id', takes(UpdateSnapshot), async (request: ById) => {
    const { snapshot } = parseBody(UpdateSnapshot, request.body);
    const name = snapshot.name === undefined ? snapshot.display_name : snapshot.name;
    const description =
      snapshot.description === undefined ? snapshot.display_description : snapshot.description;
    const row = await updateSnapshot(operations, request.caller, request.params.id, {
      ...(name === undefined ? {} : { name: trimmed(name) }),
      ...(description === undefined ? {} : { description: trimmed(description) }),
    });
    return { snapshot: snapshotRecord(row, viewerOf(request, publicUrl)) };
  });
}

/** Deleting, actions and metadata. */
function workRoutes(app: FastifyInstance, { operations }: BlockStorageV3Options): void {
  app.delete('/snapshots/:id', async (request: ById, reply) => {
    await deleteSnapshot(operations, request.caller, request.params.id, { force: false });
    return reply.code(202).send();
  });

  app.post(
    '/snapshots/:id/action',
    takes(ResetStatus, UpdateStatus, justNamed('os-force_delete')),
    async (request: ById, reply) => {
      const { name, body } = actionOf(request.body);
      const { caller, params } = request;
      if (name === 'os-force_delete') {
        await deleteSnapshot(operations, caller, params.id, { force: true });
      } else if (name === 'os-reset_status') {
        const status = parseStatus(body, snapshotStatuses);
        await resetSnapshotStatus(operations, caller, params.id, status);
      } else if (name === 'os-update_snapshot_status') {
        const { status, progress } = parseBody(UpdateStatus, body)[name];
        const told = { status, progress: progress || undefined };
        await tellSnapshotStatus(operations, caller, params.id, told);
      } else {
        throw noSuchAction(name);
      }
      return reply.code(202).send();
    },
  );

  metadataRoutes(app, {
    kind: 'snapshots',
    read: async (caller, id) => (await showSnapshot(operations, caller, id)).metadata,
    edit: async (caller, what, id, edit) => {
      const action =
        what === 'delete' ? 'volume:delete_snapshot_metadata' : 'volume:update_snapshot_metadata';
      return (await editSnapshotMetadata(operations, caller, action, id, edit)).metadata;
    },
  });
}
