/**
 * The tables as data: every field with the kind of value that its column holds. The names in SQL
 * are the same words in snake_case. A kind that ends in `?` may be null.
 *
 * `metadata` is a JSON object of texts, and may be searched by key and value; `json` is any JSON.
 */
import { must } from '../base/assert.ts';
import type { JsonValue } from '../base/json.ts';
import { identityColumns } from './identity-columns.ts';
import type { Metadata, ProjectTables, Row, TableName } from './tables.ts';

type BaseKind = 'text' | 'integer' | 'boolean' | 'metadata' | 'json';

type KindOf<V> = [V] extends [string]
  ? 'text'
  : [V] extends [number]
    ? 'integer'
    : [V] extends [boolean]
      ? 'boolean'
      : [V] extends [Metadata]
        ? 'metadata'
        : [V] extends [JsonValue]
          ? 'json'
          : never;

type ColumnKind<V> = null extends V ? `${KindOf<NonNullable<V>>}?` : KindOf<V>;

type Columns<T extends TableName> = { readonly [F in keyof Row<T>]: ColumnKind<Row<T>[F]> };

const columnKinds: { readonly [T in TableName]: Columns<T> } = {
  volumes: {
    id: 'text',
    projectId: 'text',
    userId: 'text',
    name: 'text?',
    description: 'text?',
    size: 'integer',
    status: 'text',
    previousStatus: 'text?',
    volumeTypeId: 'text',
    availabilityZone: 'text',
    bootable: 'boolean',
    multiattach: 'boolean',
    readOnly: 'boolean',
    snapshotId: 'text?',
    sourceVolumeId: 'text?',
    backupId: 'text?',
    imageId: 'text?',
    groupId: 'text?',
    managedFile: 'text?',
    metadata: 'metadata',
    imageMetadata: 'metadata',
    createdAt: 'integer',
    updatedAt: 'integer?',
  },
  snapshots: {
    id: 'text',
    projectId: 'text',
    userId: 'text',
    volumeId: 'text',
    volumeTypeId: 'text',
    name: 'text?',
    description: 'text?',
    size: 'integer',
    status: 'text',
    progress: 'text?',
    groupSnapshotId: 'text?',
    metadata: 'metadata',
    createdAt: 'integer',
    updatedAt: 'integer?',
  },
  backups: {
    id: 'text',
    projectId: 'text',
    userId: 'text',
    volumeId: 'text',
    snapshotId: 'text?',
    restoreVolumeId: 'text?',
    storedId: 'text?',
    name: 'text?',
    description: 'text?',
    size: 'integer',
    status: 'text',
    incremental: 'boolean',
    parentId: 'text?',
    container: 'text',
    availabilityZone: 'text',
    failReason: 'text?',
    metadata: 'metadata',
    objectCount: 'integer',
    dataTimestamp: 'integer',
    layerId: 'text?',
    bytesTotal: 'integer',
    bytesDone: 'integer',
    bytesStored: 'integer',
    verification: 'json?',
    verifiedAt: 'integer?',
    drill: 'json?',
    createdAt: 'integer',
    updatedAt: 'integer?',
  },
  attachments: {
    id: 'text',
    projectId: 'text',
    volumeId: 'text',
    instanceId: 'text?',
    mode: 'text',
    status: 'text',
    mountpoint: 'text?',
    connector: 'json?',
    exportName: 'text?',
    exportRequestId: 'text?',
    createdAt: 'integer',
    attachedAt: 'integer?',
    updatedAt: 'integer?',
  },
  snapshotExports: {
    id: 'text',
    projectId: 'text',
    userId: 'text',
    snapshotId: 'text',
    volumeId: 'text',
    host: 'text?',
    exportName: 'text',
    exportRequestId: 'text?',
    createdAt: 'integer',
  },
  backupExports: {
    id: 'text',
    projectId: 'text',
    userId: 'text',
    backupId: 'text',
    host: 'text?',
    exportName: 'text',
    exportRequestId: 'text?',
    place: 'json',
    createdAt: 'integer',
  },
  volumeTypes: {
    id: 'text',
    name: 'text',
    description: 'text?',
    isPublic: 'boolean',
    extraSpecs: 'metadata',
    qosSpecsId: 'text?',
    createdAt: 'integer',
    updatedAt: 'integer?',
  },
  groups: {
    id: 'text',
    projectId: 'text',
    userId: 'text',
    name: 'text?',
    description: 'text?',
    status: 'text',
    groupTypeId: 'text',
    volumeTypeIds: 'json',
    availabilityZone: 'text',
    groupSnapshotId: 'text?',
    sourceGroupId: 'text?',
    createdAt: 'integer',
    updatedAt: 'integer?',
  },
  groupTypes: {
    id: 'text',
    name: 'text',
    description: 'text?',
    isPublic: 'boolean',
    groupSpecs: 'metadata',
    createdAt: 'integer',
    updatedAt: 'integer?',
  },
  groupSnapshots: {
    id: 'text',
    projectId: 'text',
    userId: 'text',
    groupId: 'text',
    groupTypeId: 'text',
    name: 'text?',
    description: 'text?',
    status: 'text',
    createdAt: 'integer',
    updatedAt: 'integer?',
  },
  qosSpecs: {
    id: 'text',
    name: 'text',
    consumer: 'text',
    specs: 'metadata',
    createdAt: 'integer',
    updatedAt: 'integer?',
  },
  volumeTypeAccess: { id: 'text', volumeTypeId: 'text', projectId: 'text' },
  volumeTypeEncryption: {
    id: 'text',
    volumeTypeId: 'text',
    provider: 'text',
    cipher: 'text?',
    keySize: 'integer?',
    controlLocation: 'text',
    createdAt: 'integer',
    updatedAt: 'integer?',
  },
  defaultTypes: { id: 'text', volumeTypeId: 'text' },
  transfers: {
    id: 'text',
    projectId: 'text',
    volumeId: 'text',
    name: 'text?',
    salt: 'text',
    authHash: 'text',
    noSnapshots: 'boolean',
    createdAt: 'integer',
  },
  serviceStates: {
    id: 'text',
    disabled: 'boolean',
    disabledReason: 'text?',
    updatedAt: 'integer',
  },
  quotaClasses: { id: 'text', className: 'text', resource: 'text', hardLimit: 'integer' },
  quotas: { id: 'text', projectId: 'text', resource: 'text', hardLimit: 'integer' },
  messages: {
    id: 'text',
    projectId: 'text',
    requestId: 'text?',
    resourceType: 'text',
    resourceId: 'text?',
    eventId: 'text',
    level: 'text',
    userMessage: 'text',
    createdAt: 'integer',
    expiresAt: 'integer',
  },
  images: {
    id: 'text',
    projectId: 'text',
    name: 'text?',
    status: 'text',
    visibility: 'text',
    sizeBytes: 'integer?',
    virtualSizeBytes: 'integer?',
    checksum: 'text?',
    hashValue: 'text?',
    properties: 'json',
    createdAt: 'integer',
    updatedAt: 'integer',
  },
  jobs: {
    id: 'text',
    kind: 'text',
    projectId: 'text',
    subjectId: 'text',
    requestId: 'text',
    payload: 'json',
    state: 'text',
    leaseOwner: 'text?',
    leaseExpiresAt: 'integer?',
    attempts: 'integer',
    bytesDone: 'integer',
    bytesTotal: 'integer',
    error: 'text?',
    createdAt: 'integer',
    updatedAt: 'integer',
  },
  plans: {
    id: 'text',
    projectId: 'text',
    userId: 'text',
    name: 'text',
    description: 'text?',
    enabled: 'boolean',
    action: 'text',
    selection: 'json',
    schedule: 'text',
    timeZone: 'text',
    spreadMinutes: 'integer',
    retention: 'json',
    options: 'json',
    createdAt: 'integer',
    updatedAt: 'integer?',
  },
  protections: {
    id: 'text',
    projectId: 'text',
    volumeId: 'text',
    planId: 'text?',
    planName: 'text',
    state: 'text',
    nextAt: 'integer?',
    attempts: 'integer',
    runId: 'text?',
    lastRunAt: 'integer?',
    lastGoodAt: 'integer?',
    lastError: 'text?',
    createdAt: 'integer',
  },
  planRuns: {
    id: 'text',
    projectId: 'text',
    planId: 'text',
    planName: 'text',
    volumeId: 'text',
    action: 'text',
    state: 'text',
    subjectId: 'text?',
    jobId: 'text?',
    requestId: 'text',
    attempt: 'integer',
    error: 'text?',
    deleted: 'integer',
    dueAt: 'integer',
    createdAt: 'integer',
    updatedAt: 'integer',
  },
  planItems: {
    id: 'text',
    projectId: 'text',
    planId: 'text',
    volumeId: 'text',
    kind: 'text',
    createdAt: 'integer',
  },
  holds: {
    id: 'text',
    projectId: 'text',
    kind: 'text',
    reason: 'text?',
    userId: 'text',
    createdAt: 'integer',
  },
  webhooks: {
    id: 'text',
    projectId: 'text',
    userId: 'text',
    url: 'text',
    secret: 'text',
    events: 'json',
    enabled: 'boolean',
    createdAt: 'integer',
    updatedAt: 'integer?',
  },
  deliveries: {
    id: 'text',
    projectId: 'text',
    webhookId: 'text',
    sequence: 'integer',
    subjectId: 'text',
    event: 'json',
    state: 'text',
    attempts: 'integer',
    nextAt: 'integer',
    lastStatus: 'text?',
    createdAt: 'integer',
    updatedAt: 'integer',
  },
  ...identityColumns,
  settings: { id: 'text', value: 'json?' },
};

const projectTables: { readonly [T in keyof ProjectTables]: true } = {
  volumes: true,
  snapshots: true,
  backups: true,
  attachments: true,
  snapshotExports: true,
  backupExports: true,
  groups: true,
  groupSnapshots: true,
  transfers: true,
  quotas: true,
  messages: true,
  images: true,
  audit: true,
  plans: true,
  protections: true,
  planRuns: true,
  planItems: true,
  holds: true,
  webhooks: true,
  deliveries: true,
};

/** One field of a row, and the column that keeps it. */
export interface Column {
  readonly field: string;
  readonly sqlName: string;
  readonly kind: BaseKind;
  readonly nullable: boolean;
}

export interface Table {
  readonly sqlName: string;
  /** Its rows belong to projects, and every query has to say of which. */
  readonly ofProjects: boolean;
  readonly columns: readonly Column[];
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function column(field: string, kind: string): Column {
  const nullable = kind.endsWith('?');
  const base = (nullable ? kind.slice(0, -1) : kind) as BaseKind;
  return { field, sqlName: snakeCase(field), kind: base, nullable };
}

const tables = new Map<string, Table>(
  Object.entries(columnKinds).map(([name, kinds]) => [
    name,
    {
      sqlName: snakeCase(name),
      ofProjects: name in projectTables,
      columns: Object.entries(kinds).map(([field, kind]) => column(field, kind)),
    },
  ]),
);

export const tableNames = [...tables.keys()] as readonly TableName[];

export function tableOf(name: TableName): Table {
  return must(tables.get(name), `table ${name}`);
}

export function columnOf(table: Table, field: string): Column {
  const found = table.columns.find((each) => each.field === field);
  return must(found, `field ${field} of table ${table.sqlName}`);
}
