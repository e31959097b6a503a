/** Volumes as answers show them (api-ref of Cinder, volumes-v3-volumes). */
import type { AttachmentRow, VolumeRow } from '../../catalog/tables.ts';
import { poolName } from '../../operation/installation/binaries.ts';
import { linksTo, timeView, type Viewer } from './view.ts';

export function volumeSummary(volume: VolumeRow, viewer: Viewer): object {
  const { id, name } = volume;
  return { id, name, links: linksTo(viewer, 'volumes', id) };
}

export interface VolumeContext {
  readonly typeNames: ReadonlyMap<string, string>;
  readonly attachments: ReadonlyMap<string, readonly AttachmentRow[]>;
  /** Groups that are shown to clients of consistency groups, too. */
  readonly consistencyGroups: ReadonlySet<string>;
}

export function volumeDetail(volume: VolumeRow, context: VolumeContext, viewer: Viewer): object {
  return {
    ...volumeSummary(volume, viewer),
    status: volume.status,
    size: volume.size,
    availability_zone: volume.availabilityZone,
    created_at: timeView(volume.createdAt),
    updated_at: timeView(volume.updatedAt),
    description: volume.description,
    volume_type: context.typeNames.get(volume.volumeTypeId) ?? null,
    snapshot_id: volume.snapshotId,
    source_volid: volume.sourceVolumeId,
    metadata: volume.readOnly ? { ...volume.metadata, readonly: 'True' } : volume.metadata,
    user_id: volume.userId,
    bootable: String(volume.bootable),
    encrypted: false,
    replication_status: null,
    consistencygroup_id: consistencyGroupOf(volume, context),
    multiattach: volume.multiattach,
    attachments: (context.attachments.get(volume.id) ?? []).map(attachedView),
    'os-vol-tenant-attr:tenant_id': volume.projectId,
    ...(viewer.isAdmin ? adminFields : {}),
    ...(Object.keys(volume.imageMetadata).length === 0
      ? {}
      : { volume_image_metadata: volume.imageMetadata }),
    ...fieldsSince(volume, viewer),
  };
}

function consistencyGroupOf(
  { groupId }: VolumeRow,
  { consistencyGroups }: VolumeContext,
): string | null {
  return groupId !== null && consistencyGroups.has(groupId) ? groupId : null;
}

const adminFields = {
  'os-vol-host-attr:host': poolName,
  'os-vol-mig-status-attr:migstat': null,
  'os-vol-mig-status-attr:name_id': null,
  migration_status: null,
};

/** The fields that came with microversions. */
function fieldsSince(volume: VolumeRow, { microversion, isAdmin }: Viewer): object {
  return {
    ...(microversion >= 13 ? { group_id: volume.groupId } : {}),
    ...(microversion >= 21 && isAdmin ? { provider_id: null } : {}),
    ...(microversion >= 47 ? { backup_id: volume.backupId } : {}),
    ...(microversion >= 48 ? { service_uuid: null, shared_targets: false } : {}),
    ...(microversion >= 61 && isAdmin ? { cluster_name: null } : {}),
    ...(microversion >= 63 ? { volume_type_id: volume.volumeTypeId } : {}),
    ...(microversion >= 65 ? { consumes_quota: true } : {}),
  };
}

function attachedView(row: AttachmentRow): object {
  const host = row.connector?.['host'];
  return {
    id: row.volumeId,
    attachment_id: row.id,
    volume_id: row.volumeId,
    server_id: row.instanceId,
    host_name: typeof host === 'string' ? host : null,
    device: row.mountpoint,
    attached_at: timeView(row.attachedAt),
  };
}
