/** Groups, group types and group snapshots as answers show them (api-ref of Cinder). */
import type { GroupRow, GroupSnapshotRow, GroupTypeRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { isAllowed } from '../../identity/policy.ts';
import { timeView } from './view.ts';

/** To whom a view is shown. */
export interface GroupViewer {
  readonly caller: Caller;
  /** NN of `volume 3.NN`. */
  readonly microversion: number;
}

export function groupSummary({ id, name }: GroupRow): object {
  return { id, name };
}

/** `volumes` are the members' ids, when they were asked for. */
export function groupDetail(
  group: GroupRow,
  volumes: readonly string[] | undefined,
  { caller, microversion }: GroupViewer,
): object {
  const showsProject = isAllowed(caller, 'group:group_project_attribute');
  return {
    id: group.id,
    status: group.status,
    availability_zone: group.availabilityZone,
    created_at: timeView(group.createdAt),
    name: group.name,
    description: group.description,
    group_type: group.groupTypeId,
    volume_types: group.volumeTypeIds,
    ...(microversion >= 14
      ? { group_snapshot_id: group.groupSnapshotId, source_group_id: group.sourceGroupId }
      : {}),
    ...(volumes === undefined ? {} : { volumes }),
    ...(microversion >= 38 ? { replication_status: 'disabled' } : {}),
    ...(microversion >= 58 && showsProject ? { project_id: group.projectId } : {}),
  };
}

export function groupTypeView(row: GroupTypeRow, caller: Caller): object {
  const showsSpecs = isAllowed(caller, 'group:access_group_types_specs');
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    is_public: row.isPublic,
    ...(showsSpecs ? { group_specs: row.groupSpecs } : {}),
  };
}

export function groupSnapshotSummary({ id, name }: GroupSnapshotRow): object {
  return { id, name };
}

export function groupSnapshotDetail(
  row: GroupSnapshotRow,
  { caller, microversion }: GroupViewer,
): object {
  const showsProject = isAllowed(caller, 'group:group_snapshot_project_attribute');
  return {
    id: row.id,
    group_id: row.groupId,
    group_type_id: row.groupTypeId,
    status: row.status,
    created_at: timeView(row.createdAt),
    name: row.name,
    description: row.description,
    ...(microversion >= 58 && showsProject ? { project_id: row.projectId } : {}),
  };
}
