/** Snapshots as answers show them (api-ref of Cinder, volumes-v3-snapshots). */
import type { SnapshotRow } from '../../catalog/tables.ts';
import { timeView, type Viewer } from './view.ts';

/** In the short list, which is the same at every version. */
export function snapshotSummary(snapshot: SnapshotRow): object {
  return {
    id: snapshot.id,
    created_at: timeView(snapshot.createdAt),
    updated_at: timeView(snapshot.updatedAt),
    name: snapshot.name,
    description: snapshot.description,
    volume_id: snapshot.volumeId,
    status: snapshot.status,
    size: snapshot.size,
    metadata: snapshot.metadata,
  };
}

/** In the answer to what makes or changes it. */
export function snapshotRecord(snapshot: SnapshotRow, { microversion }: Viewer): object {
  return {
    ...snapshotSummary(snapshot),
    ...(microversion >= 14 ? { group_snapshot_id: snapshot.groupSnapshotId } : {}),
    ...(microversion >= 41 ? { user_id: snapshot.userId } : {}),
    ...(microversion >= 65 ? { consumes_quota: true } : {}),
  };
}

export function snapshotDetail(snapshot: SnapshotRow, viewer: Viewer): object {
  return {
    ...snapshotRecord(snapshot, viewer),
    'os-extended-snapshot-attributes:progress':
      snapshot.status === 'creating' ? (snapshot.progress ?? '0%') : '100%',
    'os-extended-snapshot-attributes:project_id': snapshot.projectId,
  };
}
