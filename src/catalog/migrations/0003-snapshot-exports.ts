import type { ColumnTypes } from '../column-types.ts';

/** The exports of snapshots, which have to be served again after a start. */
export function snapshotExports({ text, integer }: ColumnTypes): string {
  return `
create table snapshot_exports (
  id ${text} primary key,
  project_id ${text} not null,
  user_id ${text} not null,
  snapshot_id ${text} not null,
  volume_id ${text} not null,
  host ${text},
  export_name ${text} not null unique,
  created_at ${integer} not null
);
create index snapshot_exports_by_snapshot
  on snapshot_exports (snapshot_id, project_id, created_at, id);
create index snapshot_exports_by_volume
  on snapshot_exports (volume_id, project_id, created_at, id);
`;
}
