/** Groups of volumes (api-ref of Cinder, groups). */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { GroupRow } from '../../catalog/tables.ts';
import { createGroupFromSource } from '../../operation/group/create-group-from-source.ts';
import { createGroup } from '../../operation/group/create-group.ts';
import { deleteGroup } from '../../operation/group/delete-group.ts';
import { listGroups, memberIds, showGroup } from '../../operation/group/list-groups.ts';
import { refuseReplication } from '../../operation/group/refuse-replication.ts';
import { resetGroupStatus, updateGroup } from '../../operation/group/update-group.ts';
import { parseBody } from '../body.ts';
import { parseBool, readQuery } from '../query.ts';
import { toBool, trimmed } from './fields.ts';
import {
  CreateFromSource,
  CreateGroup,
  DeleteGroup,
  parseGroupStatus,
  sourceOf,
  UpdateGroup,
  ResetGroupStatus,
} from './group-schema.ts';
import { idsIn } from './ids-in.ts';
import { groupDetail, groupSummary } from './group-view.ts';
import { nextLink, readList, type ListFace } from './list-query.ts';
import type { BlockStorageV3Options } from './options.ts';
import { actionOf, noSuchAction, since, viewerOf, type ById } from './request.ts';
import { lists, takes } from '../takes.ts';

export const groupList: ListFace<'groups'> = {
  known: ['list_volume'],
  filters: {
    id: (id) => ({ id }),
    name: (name) => ({ name }),
    status: (text) => ({ status: text as GroupRow['status'] }),
    group_type: (groupTypeId) => ({ groupTypeId }),
    availability_zone: (availabilityZone) => ({ availabilityZone }),
    group_snapshot_id: (groupSnapshotId) => ({ groupSnapshotId }),
    source_group_id: (sourceGroupId) => ({ sourceGroupId }),
  },
  sortFields: {
    id: 'id',
    name: 'name',
    status: 'status',
    group_type: 'groupTypeId',
    availability_zone: 'availabilityZone',
    created_at: 'createdAt',
    updated_at: 'updatedAt',
  },
};

export function groupRoutes(app: FastifyInstance, options: BlockStorageV3Options): void {
  listRoutes(app, options);
  recordRoutes(app, options);
  actionRoutes(app, options);
}

/** The groups whole; with `list_volume` (3.25) also which volumes they have. */
async function detailsOf(
  { operations }: BlockStorageV3Options,
  request: FastifyRequest,
  rows: readonly GroupRow[],
): Promise<object[]> {
  const listsVolumes =
    request.microversion >= 25 && parseBool(readQuery(request), 'list_volume', false);
  if (!listsVolumes) return rows.map((row) => groupDetail(row, undefined, request));
  const ids = rows.map(({ id }) => id);
  const members = await memberIds(operations, ids);
  return rows.map((row) => groupDetail(row, members.get(row.id) ?? [], request));
}

function listRoutes(app: FastifyInstance, options: BlockStorageV3Options): void {
  const { operations, publicUrl } = options;
  for (const path of ['groups', 'groups/detail'] as const) {
    app.get(`/${path}`, lists(groupList), async (request) => {
      since(request, 13);
      const list = readList(request, groupList);
      const { rows } = await listGroups(operations, request.caller, list);
      const viewer = viewerOf(request, publicUrl);
      return {
        groups:
          path === 'groups' ? rows.map(groupSummary) : await detailsOf(options, request, rows),
        ...nextLink({ viewer, list, rows, path, kind: 'group' }),
      };
    });
  }
}

/** Making, showing and changing the record. */
function recordRoutes(app: FastifyInstance, options: BlockStorageV3Options): void {
  const { operations } = options;
  app.post('/groups', takes(CreateGroup), async (request, reply) => {
    since(request, 13);
    const { group } = parseBody(CreateGroup, request.body);
    const row = await createGroup(operations, request.caller, {
      name: trimmed(group.name),
      description: trimmed(group.description),
      groupType: group.group_type,
      volumeTypes: group.volume_types,
      availabilityZone: group.availability_zone ?? null,
    });
    reply.code(202);
    return { group: groupSummary(row) };
  });

  app.get('/groups/:id', async (request: ById) => {
    since(request, 13);
    const row = await showGroup(operations, request.caller, request.params.id);
    const [group = {}] = await detailsOf(options, request, [row]);
    return { group };
  });

  app.put('/groups/:id', takes(UpdateGroup), async (request: ById, reply) => {
    since(request, 13);
    const { group } = parseBody(UpdateGroup, request.body);
    const [name, description] = [trimmed(group.name), trimmed(group.description)];
    await updateGroup(operations, request.caller, request.params.id, {
      ...(name === null ? {} : { name }),
      ...(description === null ? {} : { description }),
      addVolumes: idsIn(group.add_volumes),
      removeVolumes: idsIn(group.remove_volumes),
    });
    return reply.code(202).send();
  });
}

function actionRoutes(app: FastifyInstance, { operations }: BlockStorageV3Options): void {
  app.post('/groups/action', takes(CreateFromSource), async (request, reply) => {
    since(request, 14);
    const { name: action, body } = actionOf(request.body);
    if (action !== 'create-from-src') throw noSuchAction(action);
    const { name, description, ...source } = parseBody(CreateFromSource, body)['create-from-src'];
    const row = await createGroupFromSource(operations, request.caller, {
      name: trimmed(name),
      description: trimmed(description),
      source: sourceOf(source),
    });
    reply.code(202);
    return { group: groupSummary(row) };
  });

  app.post(
    '/groups/:id/action',
    takes(DeleteGroup, ResetGroupStatus),
    async (request: ById, reply): Promise<FastifyReply> => {
      since(request, 13);
      const { name, body } = actionOf(request.body);
      const { caller, params } = request;
      if (name === 'delete') {
        const given = parseBody(DeleteGroup, body).delete;
        const deleteVolumes = toBool(given['delete-volumes']);
        await deleteGroup(operations, caller, params.id, { deleteVolumes });
      } else if (name === 'reset_status') {
        since(request, 20);
        await resetGroupStatus(operations, caller, params.id, parseGroupStatus(body, 'Group'));
      } else if (isReplication(name)) {
        since(request, 38);
        await refuseReplication(operations, caller, `group:${name}`, params.id);
      } else {
        throw noSuchAction(name);
      }
      return reply.code(202).send();
    },
  );
}

const replicationActions = [
  'enable_replication',
  'disable_replication',
  'failover_replication',
  'list_replication_targets',
] as const;

function isReplication(name: string): name is (typeof replicationActions)[number] {
  return replicationActions.some((one) => one === name);
}
