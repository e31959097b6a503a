import type { FastifyInstance } from 'fastify';
import {
  createVolumeType,
  deleteVolumeType,
  updateVolumeType,
} from '../../operation/type/change-volume-types.ts';
import {
  listVolumeTypes,
  showDefaultVolumeType,
  showVolumeType,
} from '../../operation/type/volume-types.ts';
import { parseBody } from '../body.ts';
import { metadataOf, toBool, trimmed } from './fields.ts';
import {
  defined,
  nextLink,
  parseMetadataFilter,
  publicFilter,
  readList,
  type ListFace,
} from './list-query.ts';
import type { BlockStorageV3Options } from './options.ts';
import { viewerOf, type ById } from './request.ts';
import { lists, takes } from '../takes.ts';
import { CreateType, UpdateType } from './type-schema.ts';
import { typeView } from './type-view.ts';

const typeList: ListFace<'volumeTypes'> = {
  filters: {
    name: (name) => ({ name }),
    description: (description) => ({ description }),
  },
  sortFields: {
    id: 'id',
    name: 'name',
    is_public: 'isPublic',
    created_at: 'createdAt',
    updated_at: 'updatedAt',
  },
};

/** Since 3.52 types can be filtered by their extra specs. */
export const typeList52: ListFace<'volumeTypes'> = {
  ...typeList,
  filters: {
    ...typeList.filters,
    extra_specs: (text) => defined('extraSpecs', parseMetadataFilter(text)),
  },
};

export function typeRoutes(app: FastifyInstance, options: BlockStorageV3Options): void {
  const { operations, publicUrl } = options;

  app.get('/types', lists(typeList52), async (request) => {
    const { caller } = request;
    const list = readList(request, request.microversion >= 52 ? typeList52 : typeList);
    const isPublic = publicFilter(list.query['is_public']);
    const viewer = viewerOf(request, publicUrl);
    const { rows } = await listVolumeTypes(operations, caller, { ...list, isPublic });
    return {
      volume_types: rows.map((row) => typeView(row, caller)),
      ...nextLink({ viewer, list, rows, path: 'types', kind: 'volume_type' }),
    };
  });

  app.post('/types', takes(CreateType), async (request) => {
    const { volume_type: given } = parseBody(CreateType, request.body);
    const row = await createVolumeType(operations, request.caller, {
      name: given.name.trim(),
      description: trimmed(given.description),
      isPublic: toBool(given['os-volume-type-access:is_public'], true),
      extraSpecs: metadataOf(given.extra_specs),
    });
    return { volume_type: typeView(row, request.caller) };
  });

  app.get('/types/default', async ({ caller }) => ({
    volume_type: typeView(await showDefaultVolumeType(operations, caller), caller),
  }));

  app.get('/types/:id', async ({ caller, params }: ById) => ({
    volume_type: typeView(await showVolumeType(operations, caller, params.id), caller),
  }));

  app.put('/types/:id', takes(UpdateType), async ({ caller, params, body }: ById) => {
    const { name, description, is_public: isPublic } = parseBody(UpdateType, body).volume_type;
    const row = await updateVolumeType(operations, caller, params.id, {
      ...(name === undefined || name === null ? {} : { name: name.trim() }),
      ...(description === undefined ? {} : { description }),
      ...(isPublic === undefined ? {} : { isPublic: toBool(isPublic) }),
    });
    return { volume_type: typeView(row, caller) };
  });

  app.delete('/types/:id', async ({ caller, params }: ById, reply) => {
    await deleteVolumeType(operations, caller, params.id);
    return reply.code(202).send();
  });
}
