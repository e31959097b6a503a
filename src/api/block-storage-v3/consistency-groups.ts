/**
 * Consistency groups and their snapshots, as clients from before 3.13 know them (api-ref of Cinder,
 * consistencygroups and cgsnapshots). They are the groups that took their place, with the group
 * type that Cinder keeps for them; each of the two APIs shows what the other has made.
 */
import type { FastifyInstance } from 'fastify';
import type { GroupRow, GroupSnapshotRow } from '../../catalog/tables.ts';
import { createGroupFromSource } from '../../operation/group/create-group-from-source.ts';
import { createGroupSnapshot } from '../../operation/group/create-group-snapshot.ts';
import { createGroup } from '../../operation/group/create-group.ts';
import { deleteGroupSnapshot } from '../../operation/group/delete-group-snapshot.ts';
import { deleteGroup } from '../../operation/group/delete-group.ts';
import { listGroupSnapshots, showGroupSnapshot } from '../../operation/group/group-snapshots.ts';
import { listGroups, showGroup } from '../../operation/group/list-groups.ts';
import { defaultGroupTypeName } from '../../operation/group/seed-group-types.ts';
import { updateGroup } from '../../operation/group/update-group.ts';
import { parseBody } from '../body.ts';
import { lists, takes } from '../takes.ts';
import {
  CreateCgsnapshot,
  CreateConsistencyGroup,
  CreateConsistencyGroupFrom,
  DeleteConsistencyGroup,
  groupUpdateOf,
  sourceOfConsistencyGroup,
  UpdateConsistencyGroup,
} from './consistency-group-schema.ts';
import { groupSnapshotList } from './group-snapshots.ts';
import { groupList } from './groups.ts';
import { idsIn } from './ids-in.ts';
import { toBool, trimmed } from './fields.ts';
import { groupSnapshotSummary, groupSummary } from './group-view.ts';
import { nextLink, readList } from './list-query.ts';
import type { BlockStorageV3Options } from './options.ts';
import { viewerOf, type ById } from './request.ts';
import { timeView } from './view.ts';

function detail(row: GroupRow): object {
  return {
    id: row.id,
    status: row.status,
    availability_zone: row.availabilityZone,
    created_at: timeView(row.createdAt),
    name: row.name,
    description: row.description,
    volume_types: row.volumeTypeIds,
  };
}

function snapshotDetail(row: GroupSnapshotRow): object {
  return {
    id: row.id,
    consistencygroup_id: row.groupId,
    status: row.status,
    created_at: timeView(row.createdAt),
    name: row.name,
    description: row.description,
  };
}

export function consistencyGroupRoutes(app: FastifyInstance, options: BlockStorageV3Options): void {
  listRoutes(app, options);
  recordRoutes(app, options);
  snapshotRoutes(app, options);
}

function listRoutes(app: FastifyInstance, { operations, publicUrl }: BlockStorageV3Options): void {
  for (const path of ['consistencygroups', 'consistencygroups/detail'] as const) {
    const view = path === 'consistencygroups' ? groupSummary : detail;
    app.get(`/${path}`, lists(groupList), async (request) => {
      const list = readList(request, groupList);
      const { rows } = await listGroups(operations, request.caller, list);
      const viewer = viewerOf(request, publicUrl);
      return {
        consistencygroups: rows.map(view),
        ...nextLink({ viewer, list, rows, path, kind: 'consistencygroup' }),
      };
    });
  }

  for (const path of ['cgsnapshots', 'cgsnapshots/detail'] as const) {
    const view = path === 'cgsnapshots' ? groupSnapshotSummary : snapshotDetail;
    app.get(`/${path}`, lists(groupSnapshotList), async (request) => {
      const list = readList(request, groupSnapshotList);
      const { rows } = await listGroupSnapshots(operations, request.caller, list);
      return { cgsnapshots: rows.map(view) };
    });
  }
}

/** Making, showing, changing and deleting; what changes is sent to a path of its own. */
function recordRoutes(app: FastifyInstance, { operations }: BlockStorageV3Options): void {
  app.post('/consistencygroups', takes(CreateConsistencyGroup), async (request, reply) => {
    const { consistencygroup: given } = parseBody(CreateConsistencyGroup, request.body);
    const row = await createGroup(operations, request.caller, {
      name: trimmed(given.name),
      description: trimmed(given.description),
      groupType: defaultGroupTypeName,
      volumeTypes: idsIn(given.volume_types),
      availabilityZone: given.availability_zone ?? null,
    });
    reply.code(202);
    return { consistencygroup: groupSummary(row) };
  });

  const fromSource = '/consistencygroups/create_from_src';
  app.post(fromSource, takes(CreateConsistencyGroupFrom), async (request, reply) => {
    const given = parseBody(CreateConsistencyGroupFrom, request.body)['consistencygroup-from-src'];
    const row = await createGroupFromSource(operations, request.caller, {
      name: trimmed(given.name),
      description: trimmed(given.description),
      source: sourceOfConsistencyGroup(given),
    });
    reply.code(202);
    return { consistencygroup: groupSummary(row) };
  });

  app.get('/consistencygroups/:id', async ({ caller, params }: ById) => ({
    consistencygroup: detail(await showGroup(operations, caller, params.id)),
  }));

  for (const path of ['/consistencygroups/:id', '/consistencygroups/:id/update']) {
    app.put(path, takes(UpdateConsistencyGroup), async (request: ById, reply) => {
      const { caller, params, body, microversion } = request;
      const update = groupUpdateOf(body, microversion);
      await updateGroup(operations, caller, params.id, update);
      return reply.code(202).send();
    });
  }

  const deletion = '/consistencygroups/:id/delete';
  app.post(deletion, takes(DeleteConsistencyGroup), async (request: ById, reply) => {
    const given = parseBody(DeleteConsistencyGroup, request.body ?? {}).consistencygroup;
    const deleteVolumes = toBool(given?.force);
    await deleteGroup(operations, request.caller, request.params.id, { deleteVolumes });
    return reply.code(202).send();
  });
}

function snapshotRoutes(app: FastifyInstance, { operations }: BlockStorageV3Options): void {
  app.post('/cgsnapshots', takes(CreateCgsnapshot), async (request, reply) => {
    const { cgsnapshot: given } = parseBody(CreateCgsnapshot, request.body);
    const row = await createGroupSnapshot(operations, request.caller, {
      groupId: given.consistencygroup_id,
      name: trimmed(given.name),
      description: trimmed(given.description),
    });
    reply.code(202);
    return { cgsnapshot: groupSnapshotSummary(row) };
  });

  app.get('/cgsnapshots/:id', async ({ caller, params }: ById) => ({
    cgsnapshot: snapshotDetail(await showGroupSnapshot(operations, caller, params.id)),
  }));

  app.delete('/cgsnapshots/:id', async ({ caller, params }: ById, reply) => {
    await deleteGroupSnapshot(operations, caller, params.id);
    return reply.code(202).send();
  });
}
