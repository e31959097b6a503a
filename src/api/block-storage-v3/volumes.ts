import type { FastifyInstance, FastifyRequest } from 'fastify';
import { OperatingError } from '../../base/errors.ts';
import type { VolumeRow } from '../../catalog/tables.ts';
import { attachmentsOf } from '../../operation/attachment/list-attachments.ts';
import { consistencyGroupsAmong } from '../../operation/group/list-groups.ts';
import { poolName } from '../../operation/installation/binaries.ts';
import { volumeTypeNames } from '../../operation/type/volume-types.ts';
import { createVolume } from '../../operation/volume/create-volume.ts';
import { deleteVolume } from '../../operation/volume/delete-volume.ts';
import { listVolumes, showVolume } from '../../operation/volume/list-volumes.ts';
import { summarizeVolumes } from '../../operation/volume/summarize-volumes.ts';
import { editVolumeMetadata, updateVolume } from '../../operation/volume/update-volume.ts';
import { parseBool, readQuery } from '../query.ts';
import { metadataOf, toBool, trimmed } from './fields.ts';
import {
  defined,
  listAnswer,
  parseFlag,
  parseMetadataFilter,
  parseWhole,
  readList,
  timeFilters,
  type ListFace,
} from './list-query.ts';
import { metadataRoutes } from './metadata-routes.ts';
import type { BlockStorageV3Options } from './options.ts';
import { since, viewerOf, type ById } from './request.ts';
import {
  createVolumeSchemas,
  parseCreateVolume,
  parseUpdateVolume,
  updateVolumeSchemas,
} from './volume-record-schema.ts';
import { volumeDetail, volumeSummary } from './volume-view.ts';
import { lists, takes } from '../takes.ts';

export const volumeList: ListFace<'volumes'> = {
  countSince: 45,
  filtersSince: {
    glance_metadata: 4,
    group_id: 10,
    // The reference says 3.60; Cinder takes them since it has general filters.
    created_at: 31,
    updated_at: 31,
    consumes_quota: 65,
  },
  known: [],
  filters: {
    id: (id) => ({ id }),
    name: (name) => ({ name }),
    display_name: (name) => ({ name }),
    status: (text) => ({ status: text as VolumeRow['status'] }),
    size: (text) => defined('size', parseWhole(text)),
    bootable: (text, microversion) => ({ bootable: parseBootable(text, microversion) }),
    host: (host) => (host === poolName ? {} : { id: [] }),
    migration_status: (status) => (status === 'none' ? {} : { id: [] }),
    availability_zone: (availabilityZone) => ({ availabilityZone }),
    snapshot_id: (snapshotId) => ({ snapshotId }),
    source_volid: (sourceVolumeId) => ({ sourceVolumeId }),
    user_id: (userId) => ({ userId }),
    group_id: (groupId) => ({ groupId }),
    backup_id: (backupId) => ({ backupId }),
    description: (description) => ({ description }),
    display_description: (description) => ({ description }),
    volume_type_id: (volumeTypeId) => ({ volumeTypeId }),
    multiattach: (text) => defined('multiattach', parseFlag(text)),
    glance_metadata: (text) => defined('imageMetadata', parseMetadataFilter(text)),
    consumes_quota: (text) => (parseFlag(text) === false ? { id: [] } : {}),
    ...timeFilters,
    metadata: (text) => defined('metadata', parseMetadataFilter(text)),
  },
  sortFields: {
    id: 'id',
    name: 'name',
    display_name: 'name',
    size: 'size',
    status: 'status',
    bootable: 'bootable',
    availability_zone: 'availabilityZone',
    created_at: 'createdAt',
    updated_at: 'updatedAt',
  },
};

/** Before 3.2 whatever was not `false` was true. */
function parseBootable(text: string, microversion: number): boolean {
  if (microversion < 2) return !/^false$/i.test(text);
  if (/^(?:t|true|1)$/i.test(text)) return true;
  if (/^(?:f|false|0)$/i.test(text)) return false;
  throw new OperatingError(
    'invalid_input',
    `Invalid input received: bootable={${text.slice(0, 100)}}`,
    { field: 'bootable' },
  );
}

export function volumeRoutes(app: FastifyInstance, options: BlockStorageV3Options): void {
  listRoutes(app, options);
  recordRoutes(app, options);
  workRoutes(app, options);
}

/** The volumes as answers show them whole, with what other tables say of them. */
async function detailsOf(
  { operations, publicUrl }: BlockStorageV3Options,
  request: FastifyRequest,
  rows: readonly VolumeRow[],
): Promise<object[]> {
  const typeNames = await volumeTypeNames(operations);
  const attachments = await attachmentsOf(
    operations,
    rows.map(({ id }) => id),
  );
  const groupIds = rows.flatMap(({ groupId }) => (groupId === null ? [] : [groupId]));
  const consistencyGroups = await consistencyGroupsAmong(operations, [...new Set(groupIds)]);
  const context = { typeNames, attachments, consistencyGroups };
  const viewer = viewerOf(request, publicUrl);
  return rows.map((row) => volumeDetail(row, context, viewer));
}

async function detailOf(
  options: BlockStorageV3Options,
  request: FastifyRequest,
  row: VolumeRow,
): Promise<{ volume: object }> {
  const [volume = {}] = await detailsOf(options, request, [row]);
  return { volume };
}

function listRoutes(app: FastifyInstance, options: BlockStorageV3Options): void {
  const { operations, publicUrl } = options;
  app.get('/volumes/summary', async (request) => {
    since(request, 12);
    const { where, projects } = readList(request, volumeList);
    const metadata = request.microversion >= 36;
    const wanted = { where, projects, metadata };
    const summary = await summarizeVolumes(operations, request.caller, wanted);
    return {
      'volume-summary': {
        total_size: summary.totalSizeGiB,
        total_count: summary.totalCount,
        ...(metadata ? { metadata: summary.metadata } : {}),
      },
    };
  });

  for (const path of ['volumes', 'volumes/detail'] as const) {
    app.get(`/${path}`, lists(volumeList), async (request) => {
      const list = readList(request, volumeList);
      const viewer = viewerOf(request, publicUrl);
      const page = await listVolumes(operations, request.caller, list);
      const items =
        path === 'volumes'
          ? page.rows.map((row) => volumeSummary(row, viewer))
          : await detailsOf(options, request, page.rows);
      return listAnswer({ viewer, list, page, items, path, kind: 'volumes' });
    });
  }
}

/** Making, showing and changing the record. */
function recordRoutes(app: FastifyInstance, options: BlockStorageV3Options): void {
  const { operations } = options;
  app.post('/volumes', takes(...createVolumeSchemas), async (request, reply) => {
    const volume = parseCreateVolume(request.body, request.microversion);
    refuseMultiattach(volume.multiattach);
    const row = await createVolume(operations, request.caller, {
      size: volume.size === undefined || volume.size === null ? null : Number(volume.size),
      name: trimmed(volume.name ?? volume.display_name),
      description: trimmed(volume.description ?? volume.display_description),
      volumeType: volume.volume_type ?? null,
      availabilityZone: volume.availability_zone ?? null,
      metadata: metadataOf(volume.metadata),
      snapshotId: volume.snapshot_id ?? null,
      sourceVolumeId: volume.source_volid ?? null,
      // The reference says 3.47 and 3.13: a source that is passed over would make an empty volume.
      backupId: volume.backup_id ?? null,
      imageId: volume.imageRef ?? volume.image_id ?? null,
      groupId: volume.group_id ?? volume.consistencygroup_id ?? null,
    });
    reply.code(202);
    return await detailOf(options, request, row);
  });

  app.get('/volumes/:id', async (request: ById) =>
    detailOf(options, request, await showVolume(operations, request.caller, request.params.id)),
  );

  app.put('/volumes/:id', takes(...updateVolumeSchemas), async (request: ById) => {
    const volume = parseUpdateVolume(request.body, request.microversion);
    const name = volume.name === undefined ? volume.display_name : volume.name;
    const description =
      volume.description === undefined ? volume.display_description : volume.description;
    const row = await updateVolume(operations, request.caller, request.params.id, {
      ...(name === undefined ? {} : { name: trimmed(name) }),
      ...(description === undefined ? {} : { description: trimmed(description) }),
      ...(volume.metadata === undefined ? {} : { metadata: metadataOf(volume.metadata) }),
    });
    return await detailOf(options, request, row);
  });
}

/** Volumes are made for several hosts by their type alone, as in Cinder. */
function refuseMultiattach(multiattach: boolean | string | null | undefined): void {
  if (!toBool(multiattach ?? undefined)) return;
  throw new OperatingError(
    'invalid_input',
    'multiattach parameter has been removed. The default behavior is to use multiattach enabled ' +
      'volume types. Contact your administrator to create a multiattach enabled volume type and ' +
      'use it to create multiattach volumes.',
    { field: 'multiattach' },
  );
}

/** Deleting and metadata. */
function workRoutes(app: FastifyInstance, { operations }: BlockStorageV3Options): void {
  app.delete('/volumes/:id', async (request: ById, reply) => {
    const query = readQuery(request);
    await deleteVolume(operations, request.caller, request.params.id, {
      cascade: parseBool(query, 'cascade', false),
      force: request.microversion >= 23 && parseBool(query, 'force', false),
    });
    return reply.code(202).send();
  });

  metadataRoutes(app, {
    kind: 'volumes',
    etagsSince: 15,
    read: async (caller, id) => (await showVolume(operations, caller, id)).metadata,
    edit: async (caller, what, id, edit) => {
      const action = `volume:${what}_volume_metadata` as const;
      return (await editVolumeMetadata(operations, caller, action, id, edit)).metadata;
    },
  });
}
