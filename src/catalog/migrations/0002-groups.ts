import type { ColumnTypes } from '../column-types.ts';

/**
 * Groups, their types and their snapshots, and which volumes and snapshots are members. Members are
 * few beside all rows, so that the indexes on them leave out who is in no group.
 */
export function groups({ text, integer, boolean, json }: ColumnTypes): string {
  return `
create table group_types (
  id ${text} primary key,
  name ${text} not null unique,
  description ${text},
  is_public ${boolean} not null,
  group_specs ${json} not null,
  created_at ${integer} not null,
  updated_at ${integer}
);
create index group_types_by_age on group_types (created_at, id);

create table groups (
  id ${text} primary key,
  project_id ${text} not null,
  user_id ${text} not null,
  name ${text},
  description ${text},
  status ${text} not null,
  group_type_id ${text} not null,
  volume_type_ids ${json} not null,
  availability_zone ${text} not null,
  group_snapshot_id ${text},
  source_group_id ${text},
  created_at ${integer} not null,
  updated_at ${integer}
);
create index groups_by_project on groups (project_id, created_at, id);
create index groups_by_age on groups (created_at, id);
create index groups_by_name on groups (name, project_id, created_at, id);
create index groups_by_type on groups (group_type_id, project_id);
create index groups_by_group_snapshot on groups (group_snapshot_id, project_id);

create table group_snapshots (
  id ${text} primary key,
  project_id ${text} not null,
  user_id ${text} not null,
  group_id ${text} not null,
  group_type_id ${text} not null,
  name ${text},
  description ${text},
  status ${text} not null,
  created_at ${integer} not null,
  updated_at ${integer}
);
create index group_snapshots_by_project on group_snapshots (project_id, created_at, id);
create index group_snapshots_by_age on group_snapshots (created_at, id);
create index group_snapshots_by_name on group_snapshots (name, project_id, created_at, id);
create index group_snapshots_by_group on group_snapshots (group_id, project_id, created_at, id);

alter table volumes add column group_id ${text};
create index volumes_by_group on volumes (group_id, project_id, created_at, id)
  where group_id is not null;
alter table snapshots add column group_snapshot_id ${text};
create index snapshots_by_group_snapshot
  on snapshots (group_snapshot_id, project_id, created_at, id)
  where group_snapshot_id is not null;
`;
}
