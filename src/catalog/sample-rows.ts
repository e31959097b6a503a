import type { BackupRow, ImageRow, JobRow, VolumeRow } from './tables.ts';

/** Rows for tests, whole and dull; a test says what matters to it. */
export function sampleVolume(facts: Partial<VolumeRow> & { id: string }): VolumeRow {
  return {
    projectId: 'project',
    userId: 'user',
    name: null,
    description: null,
    size: 1,
    status: 'available',
    previousStatus: null,
    volumeTypeId: 'type',
    availabilityZone: 'nova',
    bootable: false,
    multiattach: false,
    readOnly: false,
    snapshotId: null,
    sourceVolumeId: null,
    backupId: null,
    imageId: null,
    groupId: null,
    managedFile: null,
    metadata: {},
    imageMetadata: {},
    createdAt: 1_790_000_000_000,
    updatedAt: null,
    ...facts,
  };
}

export function sampleBackup(facts: Partial<BackupRow> & { id: string }): BackupRow {
  return {
    projectId: 'project',
    userId: 'user',
    volumeId: 'volume',
    snapshotId: null,
    restoreVolumeId: null,
    storedId: null,
    name: null,
    description: null,
    size: 1,
    status: 'available',
    incremental: false,
    parentId: null,
    container: 'backups',
    availabilityZone: 'nova',
    failReason: null,
    metadata: {},
    objectCount: 0,
    dataTimestamp: 1_790_000_000_000,
    layerId: null,
    bytesTotal: 0,
    bytesDone: 0,
    bytesStored: 0,
    verification: null,
    verifiedAt: null,
    drill: null,
    createdAt: 1_790_000_000_000,
    updatedAt: null,
    ...facts,
  };
}

export function sampleImage(facts: Partial<ImageRow> & { id: string }): ImageRow {
  return {
    projectId: 'project',
    name: null,
    status: 'queued',
    visibility: 'private',
    sizeBytes: null,
    virtualSizeBytes: null,
    checksum: null,
    hashValue: null,
    properties: {},
    createdAt: 1_790_000_000_000,
    updatedAt: 1_790_000_000_000,
    ...facts,
  };
}

export function sampleJob(facts: Partial<JobRow> & { id: string }): JobRow {
  return {
    kind: 'kind',
    projectId: 'project',
    subjectId: 'subject',
    requestId: 'req-1',
    payload: {},
    state: 'queued',
    leaseOwner: null,
    leaseExpiresAt: null,
    attempts: 0,
    bytesDone: 0,
    bytesTotal: 0,
    error: null,
    createdAt: 1_790_000_000_000,
    updatedAt: 1_790_000_000_000,
    ...facts,
  };
}
