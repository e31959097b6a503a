/** One object of each kind of a project, as rows, for tests that ask about them. */
import { newId } from '../base/ids.ts';
import type { CatalogWriter } from '../catalog/catalog.ts';
import { sampleBackup, sampleImage, sampleVolume } from '../catalog/sample-rows.ts';
import type { Row, TableName } from '../catalog/tables.ts';

/** Ids by the kind that paths name. */
export type ObjectIds = Readonly<Record<ObjectKind, string>>;

export type ObjectKind =
  | 'volumes'
  | 'snapshots'
  | 'backups'
  | 'images'
  | 'attachments'
  | 'os-volume-transfer'
  | 'groups'
  | 'group_snapshots'
  | 'messages'
  | 'types'
  | 'plans'
  | 'webhooks';

/** Where each kind is kept. */
export const tables: Readonly<Record<ObjectKind, TableName>> = {
  volumes: 'volumes',
  snapshots: 'snapshots',
  backups: 'backups',
  images: 'images',
  attachments: 'attachments',
  'os-volume-transfer': 'transfers',
  groups: 'groups',
  group_snapshots: 'groupSnapshots',
  messages: 'messages',
  types: 'volumeTypes',
  plans: 'plans',
  webhooks: 'webhooks',
};

export const createdAt = 1_790_000_000_000;
const nobody = { userId: 'user', createdAt, updatedAt: null } as const;
const labels = { name: 'own', description: null } as const;

export function sampleMessage(facts: { id: string; projectId: string }): Row<'messages'> {
  return {
    requestId: 'req-1',
    resourceType: 'VOLUME',
    resourceId: null,
    eventId: 'VOLUME_VOLUME_001_001',
    level: 'ERROR',
    userMessage: 'words',
    createdAt,
    expiresAt: createdAt * 2,
    ...facts,
  };
}

export function sampleTransfer(facts: {
  id: string;
  projectId: string;
  volumeId: string;
}): Row<'transfers'> {
  return { name: 'own', salt: '', authHash: '', noSnapshots: false, createdAt, ...facts };
}

export function sampleGroupSnapshot(facts: {
  id: string;
  projectId: string;
  groupId: string;
  groupTypeId: string;
}): Row<'groupSnapshots'> {
  return { ...labels, ...nobody, status: 'available', ...facts };
}

/** Inserts them; the type is private, and may be used by this project alone. */
export async function insertObjects(catalog: CatalogWriter, projectId: string): Promise<ObjectIds> {
  const kinds = Object.keys(tables) as ObjectKind[];
  const ids = Object.fromEntries(kinds.map((kind) => [kind, newId()])) as ObjectIds;
  const of = (kind: ObjectKind) => ({ id: ids[kind], projectId });
  const [groupType] = await catalog.list('groupTypes', { where: {}, limit: 1 });
  const groupTypeId = groupType?.id ?? '';
  await insertType(catalog, ids.types, projectId);
  const volumeTypeId = ids.types;
  await catalog.insert('volumes', sampleVolume({ ...of('volumes'), volumeTypeId }));
  const ofVolume = { volumeId: ids.volumes };
  await catalog.insert('snapshots', {
    ...labels,
    ...nobody,
    ...of('snapshots'),
    ...ofVolume,
    volumeTypeId,
    size: 1,
    status: 'available',
    progress: null,
    groupSnapshotId: null,
    metadata: {},
  });
  await catalog.insert('backups', sampleBackup(of('backups')));
  await catalog.insert('images', sampleImage(of('images')));
  await catalog.insert('attachments', {
    ...of('attachments'),
    ...ofVolume,
    instanceId: null,
    mode: 'rw',
    status: 'reserved',
    mountpoint: null,
    connector: null,
    exportName: null,
    exportRequestId: null,
    createdAt,
    attachedAt: null,
    updatedAt: null,
  });
  await catalog.insert('transfers', sampleTransfer({ ...of('os-volume-transfer'), ...ofVolume }));
  await insertGroup(catalog, { ...of('groups'), groupTypeId, volumeTypeId });
  const groupSnapshot = { ...of('group_snapshots'), groupId: ids.groups, groupTypeId };
  await catalog.insert('groupSnapshots', sampleGroupSnapshot(groupSnapshot));
  await catalog.insert('messages', sampleMessage(of('messages')));
  await insertPlan(catalog, of('plans'));
  const url = 'http://hook.test/';
  const hook = { ...of('webhooks'), url, secret: 'secret', events: [], enabled: false };
  await catalog.insert('webhooks', { ...nobody, ...hook });
  return ids;
}

async function insertType(catalog: CatalogWriter, id: string, projectId: string): Promise<void> {
  const rest = { description: null, extraSpecs: { tier: 'gold' }, qosSpecsId: null, createdAt };
  const row = { id, name: id, isPublic: false, updatedAt: null, ...rest };
  await catalog.insert('volumeTypes', row);
  await catalog.insert('volumeTypeAccess', {
    id: `${id}:${projectId}`,
    volumeTypeId: id,
    projectId,
  });
}

async function insertGroup(
  catalog: CatalogWriter,
  facts: { id: string; projectId: string; groupTypeId: string; volumeTypeId: string },
): Promise<void> {
  const { volumeTypeId, ...rest } = facts;
  await catalog.insert('groups', {
    ...labels,
    ...nobody,
    ...rest,
    status: 'available',
    volumeTypeIds: [volumeTypeId],
    availabilityZone: 'nova',
    groupSnapshotId: null,
    sourceGroupId: null,
  });
}

async function insertPlan(
  catalog: CatalogWriter,
  facts: { id: string; projectId: string },
): Promise<void> {
  await catalog.insert('plans', {
    ...labels,
    ...nobody,
    ...facts,
    enabled: false,
    action: 'snapshot',
    selection: {},
    schedule: 'daily',
    timeZone: 'UTC',
    spreadMinutes: 0,
    retention: {},
    options: {},
  });
}
