/** `/…/{id}/metadata` of volumes and snapshots (api-ref of Cinder). */
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { OperatingError } from '../../base/errors.ts';
import type { Metadata } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { parseBody } from '../body.ts';
import { exactly, MetadataFields } from './fields.ts';
import type { ById, ByKey } from './request.ts';
import { takes } from '../takes.ts';

const MetadataBody = Type.Object({ metadata: MetadataFields });
const MetaBody = exactly({ meta: MetadataFields });

export interface MetadataOf {
  /** The resource's name in paths, in the plural. */
  readonly kind: string;
  read(caller: Caller, id: string): Promise<Metadata>;
  /** `what`: whether keys are set, or one is removed. */
  edit(
    caller: Caller,
    what: 'create' | 'update' | 'delete',
    id: string,
    edit: (metadata: Metadata) => Metadata,
  ): Promise<Metadata>;
}

export function metadataRoutes(app: FastifyInstance, resource: MetadataOf): void {
  const all = `/${resource.kind}/:id/metadata`;
  app.get(all, async ({ caller, params }: ById) => ({
    metadata: await resource.read(caller, params.id),
  }));
  app.post(all, takes(MetadataBody), async ({ caller, params, body }: ById) => {
    const { metadata } = parseBody(MetadataBody, body);
    const merge = (now: Metadata): Metadata => ({ ...now, ...metadata });
    return { metadata: await resource.edit(caller, 'create', params.id, merge) };
  });
  app.put(all, takes(MetadataBody), async ({ caller, params, body }: ById) => {
    const { metadata } = parseBody(MetadataBody, body);
    return { metadata: await resource.edit(caller, 'update', params.id, () => metadata) };
  });

  const one = `${all}/:key`;
  app.get(one, async ({ caller, params }: ByKey) => {
    const { key } = params;
    return { meta: { [key]: valueOf(await resource.read(caller, params.id), key) } };
  });
  app.put(one, takes(MetaBody), async ({ caller, params, body }: ByKey) => {
    const { key } = params;
    const { meta } = parseBody(MetaBody, body);
    const value = Object.keys(meta).length === 1 ? meta[key] : undefined;
    if (value === undefined) {
      throw new OperatingError('invalid_input', 'Request body and URI mismatch', { field: 'meta' });
    }
    await resource.edit(caller, 'update', params.id, (now) => ({ ...now, [key]: value }));
    return { meta: { [key]: value } };
  });
  app.delete(one, async ({ caller, params }: ByKey, reply) => {
    const { key } = params;
    await resource.edit(caller, 'delete', params.id, (now) => {
      valueOf(now, key);
      return Object.fromEntries(Object.entries(now).filter(([name]) => name !== key));
    });
    return reply.code(200).send();
  });
}

function valueOf(metadata: Metadata, key: string): string {
  const value = Object.hasOwn(metadata, key) ? metadata[key] : undefined;
  if (value === undefined) {
    throw new OperatingError('not_found', `Metadata key ${key.slice(0, 255)} could not be found.`);
  }
  return value;
}
