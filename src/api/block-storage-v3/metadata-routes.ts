/** `/…/{id}/metadata` of volumes and snapshots (api-ref of Cinder). */
import { createHash } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
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
  /** The microversion since which a change can be bound to what was read, by `ETag`. */
  readonly etagsSince?: number;
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
  app.get(all, async (request: ById, reply) => {
    const metadata = await resource.read(request.caller, request.params.id);
    if (hasEtags(resource, request)) reply.header('etag', `"${etagOf(metadata)}"`);
    return { metadata };
  });
  app.post(all, takes(MetadataBody), async ({ caller, params, body }: ById) => {
    const { metadata } = parseBody(MetadataBody, body);
    const merge = (now: Metadata): Metadata => ({ ...now, ...metadata });
    return { metadata: await resource.edit(caller, 'create', params.id, merge) };
  });
  app.put(all, takes(MetadataBody), async (request: ById) => {
    const { caller, params, body } = request;
    const { metadata } = parseBody(MetadataBody, body);
    const replace = (now: Metadata): Metadata => {
      demandMatch(resource, request, now);
      return metadata;
    };
    return { metadata: await resource.edit(caller, 'update', params.id, replace) };
  });

  const one = `${all}/:key`;
  app.get(one, async ({ caller, params }: ByKey) => {
    const { key } = params;
    return { meta: { [key]: valueOf(await resource.read(caller, params.id), key) } };
  });
  app.put(one, takes(MetaBody), async (request: ByKey) => {
    const { caller, params, body } = request;
    const { key } = params;
    const { meta } = parseBody(MetaBody, body);
    const value = Object.keys(meta).length === 1 ? meta[key] : undefined;
    if (value === undefined) {
      throw new OperatingError('invalid_input', 'Request body and URI mismatch', { field: 'meta' });
    }
    await resource.edit(caller, 'update', params.id, (now) => {
      demandMatch(resource, request, now);
      return { ...now, [key]: value };
    });
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

function hasEtags({ etagsSince }: MetadataOf, { microversion }: FastifyRequest): boolean {
  return microversion >= (etagsSince ?? Infinity);
}

/** The same for the same entries, in whatever order they are kept. */
function etagOf(metadata: Metadata): string {
  const entries = Object.entries(metadata).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return createHash('md5').update(JSON.stringify(entries)).digest('hex');
}

/** Rejects when `If-Match` names another state of the metadata than the one that is changed. */
function demandMatch(resource: MetadataOf, request: FastifyRequest, now: Metadata): void {
  const wanted = request.headers['if-match'];
  if (wanted === undefined || !hasEtags(resource, request)) return;
  const tags = wanted.split(',').map((tag) => tag.trim().replace(/^"(.*)"$/, '$1'));
  if (tags.includes('*') || tags.includes(etagOf(now))) return;
  throw new OperatingError('precondition_failed', 'The metadata is not what If-Match names.');
}
