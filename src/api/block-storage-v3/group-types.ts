/** Group types and their specs (api-ref of Cinder, group-types and group-type-specs). */
import type { FastifyInstance } from 'fastify';
import { OperatingError } from '../../base/errors.ts';
import type { Metadata } from '../../catalog/tables.ts';
import {
  createGroupType,
  deleteGroupType,
  editGroupSpecs,
  updateGroupType,
} from '../../operation/group/change-group-types.ts';
import {
  listGroupTypes,
  showDefaultGroupType,
  showGroupSpecs,
  showGroupType,
} from '../../operation/group/group-types.ts';
import { parseBody } from '../body.ts';
import { metadataOf, toBool, trimmed } from './fields.ts';
import {
  CreateGroupSpecs,
  CreateGroupType,
  UpdateGroupSpec,
  UpdateGroupType,
} from './group-schema.ts';
import { groupTypeView } from './group-view.ts';
import { nextLink, publicFilter, readList, type ListFace } from './list-query.ts';
import type { BlockStorageV3Options } from './options.ts';
import { since, viewerOf, type ById, type ByKey } from './request.ts';
import { lists, takes } from '../takes.ts';

const groupTypeList: ListFace<'groupTypes'> = {
  filters: { name: (name) => ({ name }) },
  sortFields: { id: 'id', name: 'name', created_at: 'createdAt', updated_at: 'updatedAt' },
};

export function groupTypeRoutes(app: FastifyInstance, options: BlockStorageV3Options): void {
  typeRoutes(app, options);
  specRoutes(app, options);
}

function typeRoutes(app: FastifyInstance, { operations, publicUrl }: BlockStorageV3Options): void {
  app.get('/group_types', lists(groupTypeList), async (request) => {
    since(request, 11);
    const { caller } = request;
    const list = readList(request, groupTypeList);
    const isPublic = publicFilter(list.query['is_public']);
    const where = { ...list.where, ...(isPublic === null ? {} : { isPublic }) };
    const { rows } = await listGroupTypes(operations, caller, { ...list, where });
    const viewer = viewerOf(request, publicUrl);
    return {
      group_types: rows.map((row) => groupTypeView(row, caller)),
      ...nextLink({ viewer, list, rows, path: 'group_types', kind: 'group_type' }),
    };
  });

  app.post('/group_types', takes(CreateGroupType), async (request, reply) => {
    since(request, 11);
    const { group_type: given } = parseBody(CreateGroupType, request.body);
    const row = await createGroupType(operations, request.caller, {
      name: given.name.trim(),
      description: trimmed(given.description),
      isPublic: toBool(given.is_public, true),
      groupSpecs: metadataOf(given.group_specs),
    });
    reply.code(202);
    return { group_type: groupTypeView(row, request.caller) };
  });

  app.get('/group_types/default', async (request) => {
    since(request, 11);
    const row = await showDefaultGroupType(operations, request.caller);
    return { group_type: groupTypeView(row, request.caller) };
  });

  app.get('/group_types/:id', async (request: ById) => {
    since(request, 11);
    const row = await showGroupType(operations, request.caller, request.params.id);
    return { group_type: groupTypeView(row, request.caller) };
  });

  app.put('/group_types/:id', takes(UpdateGroupType), async (request: ById) => {
    since(request, 11);
    const { group_type: given } = parseBody(UpdateGroupType, request.body);
    const { name, description, is_public: isPublic } = given;
    const row = await updateGroupType(operations, request.caller, request.params.id, {
      ...(name === undefined || name === null ? {} : { name: name.trim() }),
      ...(description === undefined || description === null ? {} : { description }),
      ...(isPublic === undefined || isPublic === null ? {} : { isPublic: toBool(isPublic) }),
    });
    return { group_type: groupTypeView(row, request.caller) };
  });

  app.delete('/group_types/:id', async (request: ById, reply) => {
    since(request, 11);
    await deleteGroupType(operations, request.caller, request.params.id);
    return reply.code(202).send();
  });
}

function specRoutes(app: FastifyInstance, { operations }: BlockStorageV3Options): void {
  app.get('/group_types/:id/group_specs', async (request: ById) => {
    since(request, 11);
    const { caller, params } = request;
    const action = 'group:group_types_specs:get_all';
    return { group_specs: await showGroupSpecs(operations, caller, action, params.id) };
  });

  app.post(
    '/group_types/:id/group_specs',
    takes(CreateGroupSpecs),
    async (request: ById, reply) => {
      since(request, 11);
      const { group_specs: given } = parseBody(CreateGroupSpecs, request.body);
      const action = 'group:group_types_specs:create';
      const merge = (now: Metadata): Metadata => ({ ...now, ...given });
      await editGroupSpecs(operations, request.caller, action, request.params.id, merge);
      reply.code(202);
      return { group_specs: given };
    },
  );

  app.get('/group_types/:id/group_specs/:key', async (request: ByKey) => {
    since(request, 11);
    const { caller, params } = request;
    const action = 'group:group_types_specs:get';
    const specs = await showGroupSpecs(operations, caller, action, params.id);
    return { [params.key]: specOf(specs, params) };
  });

  app.put('/group_types/:id/group_specs/:key', takes(UpdateGroupSpec), async (request: ByKey) => {
    since(request, 11);
    const { key, id } = request.params;
    const given = parseBody(UpdateGroupSpec, request.body);
    const value = given[key];
    if (value === undefined) {
      throw new OperatingError('invalid_input', 'Request body and URI mismatch', { field: key });
    }
    if (Object.keys(given).length > 1) {
      const message = 'Request body contains too many items';
      throw new OperatingError('invalid_input', message, { field: key });
    }
    const set = (now: Metadata): Metadata => ({ ...now, [key]: value });
    const action = 'group:group_types_specs:update';
    await editGroupSpecs(operations, request.caller, action, id, set);
    return { [key]: value };
  });

  app.delete('/group_types/:id/group_specs/:key', async (request: ByKey, reply) => {
    since(request, 11);
    const { caller, params } = request;
    const action = 'group:group_types_specs:delete';
    await editGroupSpecs(operations, caller, action, params.id, (now) => {
      specOf(now, params);
      return Object.fromEntries(Object.entries(now).filter(([name]) => name !== params.key));
    });
    return reply.code(202).send();
  });
}

function specOf(specs: Metadata, { id, key }: { id: string; key: string }): string {
  const value = Object.hasOwn(specs, key) ? specs[key] : undefined;
  if (value !== undefined) return value;
  const message = `Group Type ${id} has no extra spec with key ${key.slice(0, 255)}.`;
  throw new OperatingError('not_found', message);
}
