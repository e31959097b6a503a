/** Snapshots of groups (api-ref of Cinder, group-snapshots). */
import type { FastifyInstance } from 'fastify';
import type { GroupSnapshotRow } from '../../catalog/tables.ts';
import { createGroupSnapshot } from '../../operation/group/create-group-snapshot.ts';
import { deleteGroupSnapshot } from '../../operation/group/delete-group-snapshot.ts';
import {
  listGroupSnapshots,
  resetGroupSnapshotStatus,
  showGroupSnapshot,
  updateGroupSnapshot,
} from '../../operation/group/group-snapshots.ts';
import { parseBody } from '../body.ts';
import { trimmed } from './fields.ts';
import {
  CreateGroupSnapshot,
  parseGroupStatus,
  UpdateGroupSnapshot,
  ResetGroupStatus,
} from './group-schema.ts';
import { groupSnapshotDetail, groupSnapshotSummary } from './group-view.ts';
import { nextLink, readList, type ListFace } from './list-query.ts';
import type { BlockStorageV3Options } from './options.ts';
import { actionOf, noSuchAction, since, viewerOf, type ById } from './request.ts';
import { lists, takes } from '../takes.ts';

export const groupSnapshotList: ListFace<'groupSnapshots'> = {
  pagesSince: 29,
  known: [],
  filters: {
    id: (id) => ({ id }),
    name: (name) => ({ name }),
    status: (text) => ({ status: text as GroupSnapshotRow['status'] }),
    group_id: (groupId) => ({ groupId }),
    group_type_id: (groupTypeId) => ({ groupTypeId }),
  },
  sortFields: {
    id: 'id',
    name: 'name',
    status: 'status',
    group_id: 'groupId',
    group_type_id: 'groupTypeId',
    created_at: 'createdAt',
    updated_at: 'updatedAt',
  },
};

export function groupSnapshotRoutes(app: FastifyInstance, options: BlockStorageV3Options): void {
  listRoutes(app, options);
  recordRoutes(app, options);
  workRoutes(app, options);
}

function listRoutes(app: FastifyInstance, { operations, publicUrl }: BlockStorageV3Options): void {
  for (const path of ['group_snapshots', 'group_snapshots/detail'] as const) {
    app.get(`/${path}`, lists(groupSnapshotList), async (request) => {
      since(request, 14);
      const list = readList(request, groupSnapshotList);
      const { rows } = await listGroupSnapshots(operations, request.caller, list);
      const viewer = viewerOf(request, publicUrl);
      return {
        group_snapshots:
          path === 'group_snapshots'
            ? rows.map(groupSnapshotSummary)
            : rows.map((row) => groupSnapshotDetail(row, request)),
        ...nextLink({ viewer, list, rows, path, kind: 'group_snapshot' }),
      };
    });
  }
}

/** Making, showing and changing the record. */
function recordRoutes(app: FastifyInstance, { operations }: BlockStorageV3Options): void {
  app.post('/group_snapshots', takes(CreateGroupSnapshot), async (request, reply) => {
    since(request, 14);
    const { group_snapshot: given } = parseBody(CreateGroupSnapshot, request.body);
    const row = await createGroupSnapshot(operations, request.caller, {
      groupId: given.group_id,
      name: trimmed(given.name),
      description: trimmed(given.description),
    });
    reply.code(202);
    return { group_snapshot: { ...groupSnapshotSummary(row), group_type_id: row.groupTypeId } };
  });

  app.get('/group_snapshots/:id', async (request: ById) => {
    since(request, 14);
    const row = await showGroupSnapshot(operations, request.caller, request.params.id);
    return { group_snapshot: groupSnapshotDetail(row, request) };
  });

  app.put('/group_snapshots/:id', takes(UpdateGroupSnapshot), async (request: ById) => {
    since(request, 14);
    const { group_snapshot: given } = parseBody(UpdateGroupSnapshot, request.body);
    const [name, description] = [trimmed(given.name), trimmed(given.description)];
    const row = await updateGroupSnapshot(operations, request.caller, request.params.id, {
      ...(name === null ? {} : { name }),
      ...(description === null ? {} : { description }),
    });
    return { group_snapshot: groupSnapshotDetail(row, request) };
  });
}

function workRoutes(app: FastifyInstance, { operations }: BlockStorageV3Options): void {
  app.delete('/group_snapshots/:id', async (request: ById, reply) => {
    since(request, 14);
    await deleteGroupSnapshot(operations, request.caller, request.params.id);
    return reply.code(202).send();
  });

  app.post('/group_snapshots/:id/action', takes(ResetGroupStatus), async (request: ById, reply) => {
    since(request, 14);
    const { name, body } = actionOf(request.body);
    if (name !== 'reset_status') throw noSuchAction(name);
    since(request, 19);
    const status = parseGroupStatus(body, 'GroupSnapshot');
    await resetGroupSnapshotStatus(operations, request.caller, request.params.id, status);
    return reply.code(202).send();
  });
}
