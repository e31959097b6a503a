/**
 * The rows of the catalogue. Times are milliseconds since 1970-01-01 UTC; sizes are GiB where the
 * API's field is, bytes where the name says so. Fields and statuses are those of Block Storage v3.
 */
import type { JsonObject, JsonValue } from '../base/json.ts';
import type { BackupExportRow, SnapshotExportRow } from './export-tables.ts';
import type {
  AccessRuleRow,
  ApplicationCredentialRow,
  EndpointRow,
  GroupMemberRow,
  RegionRow,
  ServiceRow,
  UserGroupRow,
  AuditRow,
  DomainRow,
  ProjectRow,
  RoleAssignmentRow,
  RoleRow,
  TokenRow,
  UserRow,
} from './identity-tables.ts';
import type {
  DeliveryRow,
  HoldRow,
  PlanItemRow,
  PlanRow,
  PlanRunRow,
  ProtectionRow,
  WebhookRow,
} from './plan-tables.ts';

export type VolumeStatus =
  | 'creating'
  | 'available'
  | 'reserved'
  | 'attaching'
  | 'detaching'
  | 'in-use'
  | 'maintenance'
  | 'deleting'
  | 'error'
  | 'error_deleting'
  | 'backing-up'
  | 'restoring-backup'
  | 'reverting'
  | 'error_backing-up'
  | 'error_restoring'
  | 'error_extending'
  | 'extending'
  | 'awaiting-transfer'
  | 'retyping'
  | 'downloading'
  | 'uploading'
  | 'unmanaging';

export type SnapshotStatus =
  | 'creating'
  | 'available'
  | 'backing-up'
  | 'deleting'
  | 'error'
  | 'error_deleting'
  | 'restoring';

export type BackupStatus =
  | 'creating'
  | 'available'
  | 'deleting'
  | 'error'
  | 'restoring'
  | 'error_deleting';

export type AttachmentStatus =
  | 'reserved'
  | 'attaching'
  | 'attached'
  | 'detached'
  | 'error_attaching';

export type GroupStatus =
  | 'creating'
  | 'available'
  | 'updating'
  | 'deleting'
  | 'deleted'
  | 'error'
  | 'error_deleting';

export type GroupSnapshotStatus = GroupStatus;

export type Metadata = { [key: string]: string };

export interface VolumeRow {
  id: string;
  projectId: string;
  userId: string;
  name: string | null;
  description: string | null;
  size: number;
  status: VolumeStatus;
  /** The status to go back to when a backup, an extension or the like has ended. */
  previousStatus: VolumeStatus | null;
  volumeTypeId: string;
  availabilityZone: string;
  bootable: boolean;
  multiattach: boolean;
  readOnly: boolean;
  snapshotId: string | null;
  sourceVolumeId: string | null;
  backupId: string | null;
  imageId: string | null;
  /** The group that it is a member of; null when it is in none. */
  groupId: string | null;
  /** The file of the folder for adoption that it was made of. */
  managedFile: string | null;
  metadata: Metadata;
  /** What is known of the image on it; empty when there is none. */
  imageMetadata: Metadata;
  createdAt: number;
  updatedAt: number | null;
}

export interface SnapshotRow {
  id: string;
  projectId: string;
  userId: string;
  volumeId: string;
  /** The type of its volume. */
  volumeTypeId: string;
  name: string | null;
  description: string | null;
  size: number;
  status: SnapshotStatus;
  /** How far its making is, as somebody has told: `90%`. */
  progress: string | null;
  /** The group snapshot that it is a member of, for its whole life. */
  groupSnapshotId: string | null;
  metadata: Metadata;
  createdAt: number;
  updatedAt: number | null;
}

export type VerifyDepth = 'objects' | 'blocks' | 'filesystem';

/** How a backup was last checked. */
export type Verification = {
  depth: VerifyDepth;
  /** `healed`: what was damaged was stored anew from another copy. */
  outcome: 'good' | 'damaged' | 'healed';
  at: number;
  /** What is damaged of the volume's bytes, the first hundred ranges. */
  damage: { offsetBytes: number; lengthBytes: number }[];
  reason: string | null;
};

/** What the last restore test has found. `unchecked`: nothing that could be checked. */
export type Drill = {
  outcome: 'good' | 'damaged' | 'unchecked';
  at: number;
  log: string;
};

export interface BackupRow {
  id: string;
  projectId: string;
  userId: string;
  /** The volume it was made of; that volume may be gone. */
  volumeId: string;
  snapshotId: string | null;
  /** A volume that is being, or was, restored from it. */
  restoreVolumeId: string | null;
  /** Of an imported record: the backup in the repository that it stands for, its own id or not. */
  storedId: string | null;
  name: string | null;
  description: string | null;
  size: number;
  status: BackupStatus;
  /** What a client asked for; how it was made is `parentId`. */
  incremental: boolean;
  parentId: string | null;
  container: string;
  availabilityZone: string;
  failReason: string | null;
  metadata: Metadata;
  objectCount: number;
  /** The instant whose data it holds. */
  dataTimestamp: number;
  /** The frozen layer it was read from: what the next backup may start from. */
  layerId: string | null;
  /** Bytes of extents that have to be read, and how many of them are done. */
  bytesTotal: number;
  bytesDone: number;
  /** Bytes that the store holds because of this backup. */
  bytesStored: number;
  verification: Verification | null;
  /** The time of that, or null: the one that was checked longest ago is next. */
  verifiedAt: number | null;
  drill: Drill | null;
  createdAt: number;
  updatedAt: number | null;
}

export interface AttachmentRow {
  id: string;
  projectId: string;
  volumeId: string;
  /** The instance or host that it is for, in the caller's words. */
  instanceId: string | null;
  mode: 'rw' | 'ro';
  status: AttachmentStatus;
  mountpoint: string | null;
  connector: JsonObject | null;
  /** The secret NBD export name; null until a connector is known. */
  exportName: string | null;
  /** The request that handed the name out. */
  exportRequestId: string | null;
  createdAt: number;
  attachedAt: number | null;
  updatedAt: number | null;
}

export interface VolumeTypeRow {
  id: string;
  name: string;
  description: string | null;
  isPublic: boolean;
  extraSpecs: Metadata;
  /** The QoS specs that it is associated with. */
  qosSpecsId: string | null;
  createdAt: number;
  updatedAt: number | null;
}

/** Limits of performance, for the volume types that are associated with it. */
export interface QosSpecsRow {
  id: string;
  name: string;
  /** Who enforces them: the hypervisor, this service, or both. */
  consumer: 'front-end' | 'back-end' | 'both';
  specs: Metadata;
  createdAt: number;
  updatedAt: number | null;
}

/** A project that may use a volume type which is not public. */
export interface VolumeTypeAccessRow {
  /** Type and project, joined by a colon. */
  id: string;
  volumeTypeId: string;
  projectId: string;
}

/** How hypervisors encrypt volumes of a type. */
export interface VolumeTypeEncryptionRow {
  id: string;
  volumeTypeId: string;
  provider: string;
  cipher: string | null;
  /** Bits. */
  keySize: number | null;
  controlLocation: 'front-end' | 'back-end';
  createdAt: number;
  updatedAt: number | null;
}

/** The volume type that a project's volumes have when none is named. */
export interface DefaultTypeRow {
  /** The project's id. */
  id: string;
  volumeTypeId: string;
}

/** A volume that waits for whoever knows the key to take it over. */
export interface TransferRow {
  id: string;
  /** The project that gives the volume away. */
  projectId: string;
  volumeId: string;
  name: string | null;
  salt: string;
  /** HMAC of the key under the salt, in hexadecimal: the key itself is never stored. */
  authHash: string;
  /** Without the volume's snapshots, which must be gone when it is accepted. */
  noSnapshots: boolean;
  createdAt: number;
}

/** A service that was switched off or on by hand. */
export interface ServiceStateRow {
  /** Binary and host, joined by a colon. */
  id: string;
  disabled: boolean;
  disabledReason: string | null;
  updatedAt: number;
}

/** The limit that projects have for which none is set. */
export interface QuotaClassRow {
  /** The class's and the resource's name, joined by a colon. */
  id: string;
  className: string;
  resource: string;
  /** −1: no limit. */
  hardLimit: number;
}

/** Volumes that are snapshotted together. */
export interface GroupRow {
  id: string;
  projectId: string;
  userId: string;
  name: string | null;
  description: string | null;
  status: GroupStatus;
  groupTypeId: string;
  /** The types that its volumes may have. */
  volumeTypeIds: string[];
  availabilityZone: string;
  /** What it was made from, if from anything; that may be gone. */
  groupSnapshotId: string | null;
  sourceGroupId: string | null;
  createdAt: number;
  updatedAt: number | null;
}

export interface GroupTypeRow {
  id: string;
  name: string;
  description: string | null;
  isPublic: boolean;
  groupSpecs: Metadata;
  createdAt: number;
  updatedAt: number | null;
}

/** Snapshots of all volumes of a group, of one instant. */
export interface GroupSnapshotRow {
  id: string;
  projectId: string;
  userId: string;
  groupId: string;
  groupTypeId: string;
  name: string | null;
  description: string | null;
  status: GroupSnapshotStatus;
  createdAt: number;
  updatedAt: number | null;
}

export interface QuotaRow {
  /** The project's id and the resource's name, joined by a colon. */
  id: string;
  projectId: string;
  resource: string;
  /** −1: no limit. */
  hardLimit: number;
}

export interface MessageRow {
  id: string;
  projectId: string;
  requestId: string | null;
  resourceType: string;
  resourceId: string | null;
  /** `VOLUME_VOLUME_BACKUP_002_…`-like event of the Messages API. */
  eventId: string;
  level: 'ERROR';
  userMessage: string;
  createdAt: number;
  expiresAt: number;
}

export type ImageStatus =
  | 'queued'
  | 'saving'
  | 'uploading'
  | 'importing'
  | 'active'
  | 'deactivated'
  | 'killed';

export interface ImageRow {
  id: string;
  projectId: string;
  name: string | null;
  status: ImageStatus;
  visibility: 'public' | 'private' | 'shared' | 'community';
  /** Of the data as it was uploaded; null, like the three below, without data. */
  sizeBytes: number | null;
  /** What a guest sees as the disk's size; null when the format does not tell it. */
  virtualSizeBytes: number | null;
  /** MD5 of the data, in hexadecimal. */
  checksum: string | null;
  /** SHA-512 of the data, in hexadecimal. */
  hashValue: string | null;
  /** Every further property, as given. */
  properties: JsonObject;
  createdAt: number;
  updatedAt: number;
}

export interface JobRow {
  id: string;
  /** Names the handler. */
  kind: string;
  projectId: string;
  /** The volume, snapshot or backup that the job is about. */
  subjectId: string;
  /** The request that caused it. */
  requestId: string;
  /** What the handler needs beyond the subject's row. */
  payload: JsonObject;
  state: 'queued' | 'running' | 'done' | 'failed';
  /**
   * Who works on it, and until when that is believed without news. While it is queued: nobody, and
   * the time before which it is not claimed.
   */
  leaseOwner: string | null;
  leaseExpiresAt: number | null;
  attempts: number;
  bytesDone: number;
  bytesTotal: number;
  error: string | null;
  createdAt: number;
  updatedAt: number;
}

/** Facts about this installation, such as the region's name, under their own names. */
export interface SettingRow {
  id: string;
  value: JsonValue;
}

/** Rows of these tables belong to a project, and every query says of which. */
export interface ProjectTables {
  volumes: VolumeRow;
  snapshots: SnapshotRow;
  backups: BackupRow;
  attachments: AttachmentRow;
  snapshotExports: SnapshotExportRow;
  backupExports: BackupExportRow;
  groups: GroupRow;
  groupSnapshots: GroupSnapshotRow;
  transfers: TransferRow;
  quotas: QuotaRow;
  messages: MessageRow;
  images: ImageRow;
  audit: AuditRow;
  plans: PlanRow;
  protections: ProtectionRow;
  planRuns: PlanRunRow;
  planItems: PlanItemRow;
  holds: HoldRow;
  webhooks: WebhookRow;
  deliveries: DeliveryRow;
}

/** Rows of these tables belong to the installation. */
export interface SharedTables {
  volumeTypes: VolumeTypeRow;
  qosSpecs: QosSpecsRow;
  volumeTypeAccess: VolumeTypeAccessRow;
  volumeTypeEncryption: VolumeTypeEncryptionRow;
  defaultTypes: DefaultTypeRow;
  serviceStates: ServiceStateRow;
  quotaClasses: QuotaClassRow;
  groupTypes: GroupTypeRow;
  jobs: JobRow;
  domains: DomainRow;
  projects: ProjectRow;
  users: UserRow;
  roles: RoleRow;
  roleAssignments: RoleAssignmentRow;
  userGroups: UserGroupRow;
  groupMembers: GroupMemberRow;
  applicationCredentials: ApplicationCredentialRow;
  accessRules: AccessRuleRow;
  regions: RegionRow;
  services: ServiceRow;
  endpoints: EndpointRow;
  tokens: TokenRow;
  settings: SettingRow;
}

export type Tables = ProjectTables & SharedTables;
export type TableName = keyof Tables;
export type Row<T extends TableName> = Tables[T];
