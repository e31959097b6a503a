/** QoS specs and their associations (api-ref of Cinder, qos-specs-v3-qos-specs). */
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { OperatingError } from '../../base/errors.ts';
import type { Metadata, QosSpecsRow } from '../../catalog/tables.ts';
import {
  associateType,
  disassociateTypes,
  listAssociations,
} from '../../operation/qos/associations.ts';
import {
  createQosSpecs,
  deleteQosKeys,
  deleteQosSpecs,
  listQosSpecs,
  showQosSpecs,
  updateQosSpecs,
} from '../../operation/qos/qos-specs.ts';
import { parseBody } from '../body.ts';
import { parseBool, readQuery } from '../query.ts';
import { exactly } from './fields.ts';
import { nextLink, readList, type ListFace } from './list-query.ts';
import type { BlockStorageV3Options } from './options.ts';
import { viewerOf, type ById } from './request.ts';
import { lists, takes } from '../takes.ts';
import { linksTo, type Viewer } from './view.ts';

const Consumer = Type.Union([
  Type.Literal('front-end'),
  Type.Literal('back-end'),
  Type.Literal('both'),
]);

/** Clients send figures as texts and as numbers. */
const SpecValue = Type.Union([
  Type.String({ maxLength: 255 }),
  Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
]);
const specOptions = { additionalProperties: SpecValue, maxProperties: 64 };
const Name = Type.String({ minLength: 1, maxLength: 255, pattern: '\\S' });

export const CreateQosSpecs = exactly({
  qos_specs: Type.Object({ name: Name, consumer: Type.Optional(Consumer) }, specOptions),
});
export const UpdateQosSpecs = exactly({
  qos_specs: Type.Object(
    { consumer: Type.Optional(Consumer) },
    { ...specOptions, minProperties: 1 },
  ),
});
export const DeleteQosKeys = exactly({
  keys: Type.Array(Type.String({ minLength: 1, maxLength: 255 }), { minItems: 1, maxItems: 64 }),
});

const qosList: ListFace<'qosSpecs'> = {
  filters: {},
  sortFields: { id: 'id', name: 'name', consumer: 'consumer', created_at: 'createdAt' },
};

/** The specs among the fields of a request. */
function specsOf(given: Readonly<Record<string, unknown>>): Metadata {
  const fields: readonly string[] = ['name', 'consumer'];
  const entries = Object.entries(given).filter(([key]) => !fields.includes(key));
  for (const [key] of entries) {
    if (/^[a-zA-Z0-9-_:. ]{1,255}$/.test(key)) continue;
    throw new OperatingError(
      'invalid_input',
      `Invalid input for field/attribute qos_specs. Invalid key: ${key.slice(0, 100)}`,
      { field: 'qos_specs' },
    );
  }
  return Object.fromEntries(entries.map(([key, value]) => [key, String(value)]));
}

function qosView({ id, name, consumer, specs }: QosSpecsRow): object {
  return { id, name, consumer, specs };
}

function qosAnswer(row: QosSpecsRow, viewer: Viewer): object {
  return { qos_specs: qosView(row), links: linksTo(viewer, 'qos-specs', row.id) };
}

export function qosSpecsRoutes(app: FastifyInstance, options: BlockStorageV3Options): void {
  const { operations, publicUrl } = options;
  app.get('/qos-specs', lists(qosList), async (request) => {
    const list = readList(request, qosList);
    const viewer = viewerOf(request, publicUrl);
    const { rows } = await listQosSpecs(operations, request.caller, list);
    return {
      qos_specs: rows.map(qosView),
      ...nextLink({ viewer, list, rows, path: 'qos-specs', kind: 'qos_specs' }),
    };
  });

  app.post('/qos-specs', takes(CreateQosSpecs), async (request) => {
    const { qos_specs: given } = parseBody(CreateQosSpecs, request.body);
    const { name, consumer } = given;
    const row = await createQosSpecs(operations, request.caller, {
      name: name.trim(),
      consumer: consumer ?? 'back-end',
      specs: specsOf(given),
    });
    return qosAnswer(row, viewerOf(request, publicUrl));
  });

  app.get('/qos-specs/:id', async (request: ById) => {
    const row = await showQosSpecs(operations, request.caller, request.params.id);
    return qosAnswer(row, viewerOf(request, publicUrl));
  });

  app.put('/qos-specs/:id', takes(UpdateQosSpecs), async (request: ById) => {
    const { qos_specs: given } = parseBody(UpdateQosSpecs, request.body);
    const update = { consumer: given.consumer, specs: specsOf(given) };
    await updateQosSpecs(operations, request.caller, request.params.id, update);
    return { qos_specs: given };
  });

  app.put('/qos-specs/:id/delete_keys', takes(DeleteQosKeys), async (request: ById, reply) => {
    const { keys } = parseBody(DeleteQosKeys, request.body);
    await deleteQosKeys(operations, request.caller, request.params.id, keys);
    return reply.code(202).send();
  });

  app.delete('/qos-specs/:id', async (request: ById, reply) => {
    const force = parseBool(readQuery(request), 'force', false);
    await deleteQosSpecs(operations, request.caller, request.params.id, { force });
    return reply.code(202).send();
  });

  associationRoutes(app, options);
}

function associationRoutes(app: FastifyInstance, { operations }: BlockStorageV3Options): void {
  app.get('/qos-specs/:id/associations', async ({ caller, params }: ById) => {
    const types = await listAssociations(operations, caller, params.id);
    return {
      qos_associations: types.map(({ id, name }) => ({
        id,
        name,
        association_type: 'volume_type',
      })),
    };
  });

  app.get('/qos-specs/:id/associate', async (request: ById, reply) => {
    await associateType(operations, request.caller, request.params.id, typeIn(request));
    return reply.code(202).send();
  });

  app.get('/qos-specs/:id/disassociate', async (request: ById, reply) => {
    await disassociateTypes(operations, request.caller, request.params.id, typeIn(request));
    return reply.code(202).send();
  });

  app.get('/qos-specs/:id/disassociate_all', async ({ caller, params }: ById, reply) => {
    await disassociateTypes(operations, caller, params.id, null);
    return reply.code(202).send();
  });
}

function typeIn(request: ById): string {
  const type = readQuery(request)['vol_type_id'];
  if (type !== undefined && type !== '') return type;
  const message = 'Volume Type id must not be None.';
  throw new OperatingError('invalid_input', message, { field: 'vol_type_id' });
}
