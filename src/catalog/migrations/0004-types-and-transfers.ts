import type { ColumnTypes } from '../column-types.ts';

/**
 * What volume types carry (limits, access, encryption, defaults of projects), transfers of volumes,
 * services that are switched off, defaults of quotas, and what a volume keeps of its image or of
 * the file that it was adopted from.
 */
export function typesAndTransfers(types: ColumnTypes): string {
  return [columns(types), typeTables(types), otherTables(types)].join('\n');
}

function columns({ text, json }: ColumnTypes): string {
  return `
alter table volumes add column image_metadata ${json} not null default '{}';
alter table volumes add column managed_file ${text};
create unique index volumes_by_managed_file on volumes (managed_file)
  where managed_file is not null;
alter table volume_types add column qos_specs_id ${text};
create index volume_types_by_qos_specs on volume_types (qos_specs_id)
  where qos_specs_id is not null;
`;
}

function typeTables({ text, integer, json }: ColumnTypes): string {
  return `
create table qos_specs (
  id ${text} primary key,
  name ${text} not null unique,
  consumer ${text} not null,
  specs ${json} not null,
  created_at ${integer} not null,
  updated_at ${integer}
);
create index qos_specs_by_age on qos_specs (created_at, id);

create table volume_type_access (
  id ${text} primary key,
  volume_type_id ${text} not null,
  project_id ${text} not null
);
create index volume_type_access_by_type on volume_type_access (volume_type_id, project_id);
create index volume_type_access_by_project on volume_type_access (project_id);

create table volume_type_encryption (
  id ${text} primary key,
  volume_type_id ${text} not null,
  provider ${text} not null,
  cipher ${text},
  key_size ${integer},
  control_location ${text} not null,
  created_at ${integer} not null,
  updated_at ${integer}
);
create index volume_type_encryption_by_type on volume_type_encryption (volume_type_id);

create table default_types (
  id ${text} primary key,
  volume_type_id ${text} not null
);
create index default_types_by_type on default_types (volume_type_id);
`;
}

function otherTables({ text, integer, boolean }: ColumnTypes): string {
  return `
create table transfers (
  id ${text} primary key,
  project_id ${text} not null,
  volume_id ${text} not null,
  name ${text},
  salt ${text} not null,
  auth_hash ${text} not null,
  no_snapshots ${boolean} not null,
  created_at ${integer} not null
);
create index transfers_by_project on transfers (project_id, created_at, id);
create index transfers_by_volume on transfers (volume_id, project_id);
create index transfers_by_age on transfers (created_at, id);

create table service_states (
  id ${text} primary key,
  disabled ${boolean} not null,
  disabled_reason ${text},
  updated_at ${integer} not null
);

create table quota_classes (
  id ${text} primary key,
  class_name ${text} not null,
  resource ${text} not null,
  hard_limit ${integer} not null
);
create index quota_classes_by_name on quota_classes (class_name);
`;
}
