import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BackupRow, SnapshotRow, VolumeRow } from '../../catalog/tables.ts';
import { emptyFigures } from '../../operation/backup/create-backup.ts';
import { backupDetail, percentOf } from './backup-view.ts';
import { snapshotDetail } from './snapshot-view.ts';
import type { Viewer } from './view.ts';
import { volumeDetail } from './volume-view.ts';

const shared = {
  id: 'd5a0a5d4-3c4e-4a64-9f3e-111111111111',
  projectId: 'p',
  userId: 'u',
  name: 'name',
  description: null,
  size: 4,
  metadata: { a: 'b' },
  createdAt: Date.UTC(2026, 0, 1),
  updatedAt: null,
};

const volume: VolumeRow = {
  ...shared,
  status: 'available',
  previousStatus: null,
  volumeTypeId: 't',
  availabilityZone: 'nova',
  bootable: true,
  multiattach: false,
  readOnly: false,
  snapshotId: null,
  sourceVolumeId: null,
  backupId: null,
  imageId: null,
  groupId: null,
  managedFile: null,
  imageMetadata: {},
};

const snapshot: SnapshotRow = {
  ...shared,
  volumeId: 'v',
  volumeTypeId: 't',
  status: 'available',
  progress: null,
  groupSnapshotId: null,
};

const backup: BackupRow = {
  ...emptyFigures,
  ...shared,
  volumeId: 'v',
  snapshotId: 's',
  status: 'creating',
  incremental: false,
  container: 'volumebackups',
  availabilityZone: 'nova',
  dataTimestamp: shared.createdAt,
  bytesTotal: 1000,
  bytesDone: 379,
  bytesStored: 100,
};

function viewer(microversion: number, isAdmin = false): Viewer {
  return { microversion, isAdmin, projectId: 'p', publicUrl: 'http://firn' };
}

const context = {
  typeNames: new Map([['t', '__DEFAULT__']]),
  attachments: new Map(),
  consistencyGroups: new Set<string>(),
};

/** States that the field is there from `first` on, and not before. */
function appears(view: (viewer: Viewer) => object, field: string, first: number, admin: boolean) {
  assert.equal(Object.hasOwn(view(viewer(first - 1, admin)), field), false, `${field} before`);
  assert.equal(Object.hasOwn(view(viewer(first, admin)), field), true, `${field} since ${first}`);
  assert.equal(Object.hasOwn(view(viewer(71, admin)), field), true, `${field} at the newest`);
}

test("a volume's fields appear with their microversions", () => {
  const view = (viewer: Viewer): object => volumeDetail(volume, context, viewer);
  appears(view, 'group_id', 13, false);
  appears(view, 'provider_id', 21, true);
  appears(view, 'backup_id', 47, false);
  appears(view, 'shared_targets', 48, false);
  appears(view, 'service_uuid', 48, false);
  appears(view, 'cluster_name', 61, true);
  appears(view, 'volume_type_id', 63, false);
  appears(view, 'consumes_quota', 65, false);
  for (const field of ['provider_id', 'cluster_name', 'os-vol-host-attr:host']) {
    assert.equal(Object.hasOwn(view(viewer(71)), field), false);
    assert.equal(Object.hasOwn(view(viewer(71, true)), field), true);
  }
});

test('a volume at 3.0 is what clients expect', () => {
  assert.deepEqual(volumeDetail(volume, context, viewer(0)), {
    id: volume.id,
    name: 'name',
    links: [
      { rel: 'self', href: `http://firn/volume/v3/p/volumes/${volume.id}` },
      { rel: 'bookmark', href: `http://firn/volume/p/volumes/${volume.id}` },
    ],
    status: 'available',
    size: 4,
    availability_zone: 'nova',
    created_at: '2026-01-01T00:00:00.000000',
    updated_at: null,
    description: null,
    volume_type: '__DEFAULT__',
    snapshot_id: null,
    source_volid: null,
    metadata: { a: 'b' },
    user_id: 'u',
    bootable: 'true',
    encrypted: false,
    replication_status: null,
    consistencygroup_id: null,
    multiattach: false,
    attachments: [],
    'os-vol-tenant-attr:tenant_id': 'p',
  });
});

test("a snapshot's fields appear with their microversions", () => {
  const view = (viewer: Viewer): object => snapshotDetail(snapshot, viewer);
  appears(view, 'group_snapshot_id', 14, false);
  appears(view, 'user_id', 41, false);
  appears(view, 'consumes_quota', 65, false);
});

test("a backup's fields appear with their microversions", () => {
  const view = (viewer: Viewer): object => backupDetail(backup, viewer);
  appears(view, 'os-backup-project-attr:project_id', 18, true);
  appears(view, 'metadata', 43, false);
  appears(view, 'user_id', 56, false);
});

test('a backup shows its progress beside the metadata of its owner', () => {
  assert.deepEqual(Object.entries(backupDetail(backup, viewer(43))).at(-1), [
    'metadata',
    {
      a: 'b',
      'firn:progress': '37 %',
      'firn:bytes_done': '379',
      'firn:bytes_total': '1000',
      'firn:bytes_stored': '100',
    },
  ]);
  assert.equal(percentOf({ ...backup, bytesTotal: 0, bytesDone: 0 }), 0);
  assert.equal(percentOf({ ...backup, status: 'available', bytesTotal: 0, bytesDone: 0 }), 100);
});
