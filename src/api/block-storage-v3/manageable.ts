/** Files of the host that become volumes (api-ref of Cinder: manageable volumes and snapshots). */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { OperatingError } from '../../base/errors.ts';
import { authorize } from '../../identity/policy.ts';
import {
  demandHost,
  listManageable,
  manageVolume,
  type ManageableVolume,
} from '../../operation/volume/manage-volume.ts';
import { invalidInput } from '../../operation/volume/find-volume.ts';
import { volumeTypeNames } from '../../operation/type/volume-types.ts';
import { parseBody } from '../body.ts';
import { parsePage, parseSort, readQuery, type Query } from '../query.ts';
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
} from './fields.ts';
import type { BlockStorageV3Options } from './options.ts';
import { since, viewerOf } from './request.ts';
import { takes } from '../takes.ts';
import { volumeDetail } from './volume-view.ts';

const File = Type.Optional(Type.String({ minLength: 1, maxLength: 255 }));

/** The file is named by `source-name`; `source-id` means the same here. */
export const ManageVolume = exactly({
  volume: exactly({
    host: Type.Optional(Name),
    cluster: Type.Optional(Name),
    ref: Type.Object({ 'source-name': File, 'source-id': File }),
    name: Type.Optional(Name),
    description: Type.Optional(Description),
    volume_type: Type.Optional(Name),
    availability_zone: Type.Optional(Name),
    metadata: Type.Optional(orNull(MetadataFields)),
    bootable: Type.Optional(Bool),
  }),
});

export function manageableRoutes(app: FastifyInstance, options: BlockStorageV3Options): void {
  listRoutes(app, options);
  for (const path of ['/manageable_volumes', '/os-volume-manage']) {
    app.post(path, takes(ManageVolume), async (request, reply) => {
      if (path === '/manageable_volumes') since(request, 8);
      const row = await manage(request, options);
      const viewer = viewerOf(request, options.publicUrl);
      const typeNames = await volumeTypeNames(options.operations);
      const context = { typeNames, attachments: new Map(), consistencyGroups: new Set<string>() };
      reply.code(202);
      return { volume: volumeDetail(row, context, viewer) };
    });
  }
  for (const [path, first] of [
    ['/manageable_snapshots', 8],
    ['/os-snapshot-manage', 0],
  ] as const) {
    app.post(path, async (request) => {
      since(request, first);
      authorize(request.caller, 'snapshot_extension:snapshot_manage');
      throw new OperatingError(
        'invalid_state',
        'Invalid snapshot: Managing existing snapshots is not supported: files hold none.',
      );
    });
  }
}

async function manage(request: FastifyRequest, { operations }: BlockStorageV3Options) {
  const { volume } = parseBody(ManageVolume, request.body);
  authorize(request.caller, 'volume_extension:volume_manage');
  demandHost(volume.host ?? undefined);
  const file = volume.ref['source-name'] ?? volume.ref['source-id'];
  if (file === undefined) {
    throw new OperatingError(
      'invalid_input',
      "Invalid input for field/attribute ref. 'source-name' is a required property",
      { field: 'ref' },
    );
  }
  return await manageVolume(operations, request.caller, {
    file,
    name: trimmed(volume.name),
    description: trimmed(volume.description),
    volumeType: volume.volume_type ?? null,
    availabilityZone: volume.availability_zone ?? null,
    metadata: metadataOf(volume.metadata),
    bootable: toBool(volume.bootable),
  });
}

function listRoutes(app: FastifyInstance, { operations }: BlockStorageV3Options): void {
  for (const isDetail of [false, true]) {
    const rest = isDetail ? '/detail' : '';
    const view = isDetail ? detail : summary;
    for (const [path, first] of [
      ['/manageable_volumes', 8],
      ['/os-volume-manage', 0],
    ] as const) {
      app.get(`${path}${rest}`, async (request) => {
        since(request, first);
        const query = readQuery(request);
        const found = await listManageable(operations, request.caller);
        demandPlace(query, request.microversion);
        return { 'manageable-volumes': pageOf(found, query).map(view) };
      });
    }
    app.get(`/manageable_snapshots${rest}`, async (request) => {
      since(request, 8);
      authorize(request.caller, 'snapshot_extension:list_manageable');
      demandPlace(readQuery(request), request.microversion);
      return { 'manageable-snapshots': [] };
    });
  }
}

/** The host; since 3.17 a cluster can be named in its place, of which there is none. */
function demandPlace({ host, cluster }: Query, microversion: number): void {
  if (microversion >= 17 && cluster !== undefined) {
    if (host !== undefined) {
      throw invalidInput('One and only one of cluster and host must be set.', 'host');
    }
    throw new OperatingError('not_found', `Cluster ${cluster} could not be found.`);
  }
  demandHost(host);
}

/** The files are few: they are sorted and paged here. The marker is the name of a file. */
function pageOf(found: readonly ManageableVolume[], query: Query): ManageableVolume[] {
  const { limit, marker, offset } = parsePage(query);
  const [sort] = parseSort(query) ?? [];
  const bySize = sort?.key === 'size';
  const way = sort?.direction === 'asc' ? 1 : -1;
  const sorted =
    sort === undefined
      ? [...found]
      : found.toSorted((a, b) =>
          bySize ? way * (a.sizeGiB - b.sizeGiB) : way * (a.name < b.name ? -1 : 1),
        );
  const start = marker === undefined ? 0 : sorted.findIndex(({ name }) => name === marker) + 1;
  return sorted.slice(start + offset, start + offset + limit);
}

function summary({ name, sizeGiB, volumeId }: ManageableVolume): object {
  return { reference: { 'source-name': name }, size: sizeGiB, safe_to_manage: volumeId === null };
}

function detail(file: ManageableVolume): object {
  return {
    ...summary(file),
    cinder_id: file.volumeId,
    reason_not_safe: file.volumeId === null ? null : 'already managed',
    extra_info: null,
  };
}
