import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { OperatingError } from '../../base/errors.ts';
import type { VolumeTypeRow } from '../../catalog/tables.ts';
import {
  createVolumeType,
  deleteVolumeType,
  editExtraSpecs,
  updateVolumeType,
} from '../../operation/type/change-volume-types.ts';
import {
  listVolumeTypes,
  showDefaultVolumeType,
  showVolumeType,
} from '../../operation/type/volume-types.ts';
import { parseBody } from '../body.ts';
import {
  Bool,
  Description,
  exactly,
  MetadataFields,
  metadataOf,
  orNull,
  toBool,
  trimmed,
} from './fields.ts';
import { nextLink, parseFlag, readList, type ListFace } from './list-query.ts';
import type { BlockStorageV3Options } from './options.ts';
import { viewerOf, type ById, type ByKey } from './request.ts';

/** Requests about volume types (cinder/api/schemas/volume_types.py and types_extra_specs.py). */
const TypeName = Type.String({ minLength: 1, maxLength: 255, pattern: '\\S' });
const CreateType = exactly({
  volume_type: exactly({
    name: TypeName,
    description: Type.Optional(Description),
    extra_specs: Type.Optional(orNull(MetadataFields)),
    'os-volume-type-access:is_public': Type.Optional(Bool),
  }),
});
const UpdateType = exactly({
  volume_type: Type.Object(
    {
      name: Type.Optional(orNull(TypeName)),
      description: Type.Optional(Description),
      is_public: Type.Optional(Bool),
    },
    { additionalProperties: false, minProperties: 1 },
  ),
});
const ExtraSpecs = exactly({ extra_specs: MetadataFields });

const typeList: ListFace<'volumeTypes'> = {
  filters: {
    name: (name) => ({ name }),
    is_public: (text) => {
      const isPublic = parseFlag(text);
      return isPublic === undefined ? {} : { isPublic };
    },
  },
  sortFields: { id: 'id', name: 'name', created_at: 'createdAt', updated_at: 'updatedAt' },
};

function typeView(row: VolumeTypeRow): object {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    is_public: row.isPublic,
    'os-volume-type-access:is_public': row.isPublic,
    extra_specs: row.extraSpecs,
    qos_specs_id: null,
  };
}

export function typeRoutes(app: FastifyInstance, options: BlockStorageV3Options): void {
  const { operations, publicUrl } = options;

  app.get('/types', async (request) => {
    const list = readList(request, typeList);
    const viewer = viewerOf(request, publicUrl);
    const { rows } = await listVolumeTypes(operations, request.caller, list);
    return {
      volume_types: rows.map(typeView),
      ...nextLink({ viewer, list, rows, path: 'types', kind: 'volume_type' }),
    };
  });

  app.post('/types', async (request) => {
    const { volume_type: given } = parseBody(CreateType, request.body);
    const row = await createVolumeType(operations, request.caller, {
      name: given.name.trim(),
      description: trimmed(given.description),
      isPublic: toBool(given['os-volume-type-access:is_public'], true),
      extraSpecs: metadataOf(given.extra_specs),
    });
    return { volume_type: typeView(row) };
  });

  app.get('/types/default', async ({ caller }) => ({
    volume_type: typeView(await showDefaultVolumeType(operations, caller)),
  }));

  app.get('/types/:id', async ({ caller, params }: ById) => ({
    volume_type: typeView(await showVolumeType(operations, caller, params.id)),
  }));

  app.put('/types/:id', async ({ caller, params, body }: ById) => {
    const { name, description, is_public: isPublic } = parseBody(UpdateType, body).volume_type;
    const row = await updateVolumeType(operations, caller, params.id, {
      ...(name === undefined || name === null ? {} : { name: name.trim() }),
      ...(description === undefined ? {} : { description }),
      ...(isPublic === undefined ? {} : { isPublic: toBool(isPublic) }),
    });
    return { volume_type: typeView(row) };
  });

  app.delete('/types/:id', async ({ caller, params }: ById, reply) => {
    await deleteVolumeType(operations, caller, params.id);
    return reply.code(202).send();
  });

  extraSpecRoutes(app, options);
}

function extraSpecRoutes(app: FastifyInstance, { operations }: BlockStorageV3Options): void {
  app.get('/types/:id/extra_specs', async ({ caller, params }: ById) => ({
    extra_specs: (await showVolumeType(operations, caller, params.id)).extraSpecs,
  }));

  app.post('/types/:id/extra_specs', async ({ caller, params, body }: ById) => {
    const { extra_specs: given } = parseBody(ExtraSpecs, body);
    const action = 'volume_extension:types_extra_specs:create';
    const merge = (now: typeof given): typeof given => ({ ...now, ...given });
    await editExtraSpecs(operations, caller, action, params.id, merge);
    return { extra_specs: given };
  });

  app.get('/types/:id/extra_specs/:key', async ({ caller, params }: ByKey) => {
    const { extraSpecs } = await showVolumeType(operations, caller, params.id);
    return { [params.key]: specOf(extraSpecs, params.key) };
  });

  app.put('/types/:id/extra_specs/:key', async ({ caller, params, body }: ByKey) => {
    const { key } = params;
    const value = parseBody(MetadataFields, body)[key];
    if (value === undefined) {
      throw new OperatingError('invalid_input', 'Request body and URI mismatch');
    }
    const action = 'volume_extension:types_extra_specs:update';
    const set = (now: Record<string, string>) => ({ ...now, [key]: value });
    await editExtraSpecs(operations, caller, action, params.id, set);
    return { [key]: value };
  });

  app.delete('/types/:id/extra_specs/:key', async ({ caller, params }: ByKey, reply) => {
    const { key } = params;
    const action = 'volume_extension:types_extra_specs:delete';
    await editExtraSpecs(operations, caller, action, params.id, (now) => {
      specOf(now, key);
      return Object.fromEntries(Object.entries(now).filter(([name]) => name !== key));
    });
    return reply.code(202).send();
  });
}

function specOf(extraSpecs: Record<string, string>, key: string): string {
  const value = Object.hasOwn(extraSpecs, key) ? extraSpecs[key] : undefined;
  if (value === undefined) {
    throw new OperatingError('not_found', `Volume Type has no extra specs with key ${key}.`);
  }
  return value;
}
