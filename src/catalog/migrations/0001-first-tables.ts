import type { ColumnTypes } from '../column-types.ts';

/**
 * Every table. The indexes are those that keep these at the cost of what they return: pages newest
 * first of a project and of all, the sum of sizes of a project, look-up by name, the dependants of
 * a volume or a snapshot, the claim of jobs, and the purge of what has expired. The project comes
 * in where it makes an index the better choice over the walk through all of a project.
 */
export function firstTables(types: ColumnTypes): string {
  return [
    volumesAndSnapshots(types),
    backups(types),
    otherBlockStorage(types),
    messagesAndImages(types),
    jobs(types),
    whoThereIs(types),
    accessAndSettings(types),
  ].join('\n');
}

function volumesAndSnapshots({ text, integer, boolean, json }: ColumnTypes): string {
  return `
create table volumes (
  id ${text} primary key,
  project_id ${text} not null,
  user_id ${text} not null,
  name ${text},
  description ${text},
  size ${integer} not null,
  status ${text} not null,
  previous_status ${text},
  volume_type_id ${text} not null,
  availability_zone ${text} not null,
  bootable ${boolean} not null,
  multiattach ${boolean} not null,
  read_only ${boolean} not null,
  snapshot_id ${text},
  source_volume_id ${text},
  backup_id ${text},
  image_id ${text},
  metadata ${json} not null,
  created_at ${integer} not null,
  updated_at ${integer}
);
create index volumes_by_project on volumes (project_id, created_at, id, size);
create index volumes_by_age on volumes (created_at, id);
create index volumes_by_name on volumes (name, project_id, created_at, id);
create index volumes_by_type on volumes (volume_type_id, project_id);
create index volumes_by_snapshot on volumes (snapshot_id, project_id);
create index volumes_by_source on volumes (source_volume_id, project_id);

create table snapshots (
  id ${text} primary key,
  project_id ${text} not null,
  user_id ${text} not null,
  volume_id ${text} not null,
  name ${text},
  description ${text},
  size ${integer} not null,
  status ${text} not null,
  metadata ${json} not null,
  created_at ${integer} not null,
  updated_at ${integer}
);
create index snapshots_by_project on snapshots (project_id, created_at, id, size);
create index snapshots_by_age on snapshots (created_at, id);
create index snapshots_by_name on snapshots (name, project_id, created_at, id);
create index snapshots_by_volume on snapshots (volume_id, project_id, created_at, id);
`;
}

function backups({ text, integer, boolean, json }: ColumnTypes): string {
  return `
create table backups (
  id ${text} primary key,
  project_id ${text} not null,
  user_id ${text} not null,
  volume_id ${text} not null,
  snapshot_id ${text},
  restore_volume_id ${text},
  name ${text},
  description ${text},
  size ${integer} not null,
  status ${text} not null,
  incremental ${boolean} not null,
  parent_id ${text},
  container ${text} not null,
  availability_zone ${text} not null,
  fail_reason ${text},
  metadata ${json} not null,
  object_count ${integer} not null,
  data_timestamp ${integer} not null,
  layer_id ${text},
  bytes_total ${integer} not null,
  bytes_done ${integer} not null,
  bytes_stored ${integer} not null,
  created_at ${integer} not null,
  updated_at ${integer}
);
create index backups_by_project on backups (project_id, created_at, id, size);
create index backups_by_age on backups (created_at, id);
create index backups_by_name on backups (name, project_id, created_at, id);
create index backups_by_volume on backups (volume_id, project_id, created_at, id);
create index backups_by_snapshot on backups (snapshot_id, project_id);
create index backups_by_layer on backups (layer_id, project_id);
`;
}

function otherBlockStorage({ text, integer, boolean, json }: ColumnTypes): string {
  return `
create table attachments (
  id ${text} primary key,
  project_id ${text} not null,
  volume_id ${text} not null,
  instance_id ${text},
  mode ${text} not null,
  status ${text} not null,
  mountpoint ${text},
  connector ${json},
  export_name ${text} unique,
  created_at ${integer} not null,
  attached_at ${integer},
  updated_at ${integer}
);
create index attachments_by_project on attachments (project_id, created_at, id);
create index attachments_by_age on attachments (created_at, id);
create index attachments_by_volume on attachments (volume_id, project_id, created_at, id);

create table volume_types (
  id ${text} primary key,
  name ${text} not null unique,
  description ${text},
  is_public ${boolean} not null,
  extra_specs ${json} not null,
  created_at ${integer} not null,
  updated_at ${integer}
);
create index volume_types_by_age on volume_types (created_at, id);

create table quotas (
  id ${text} primary key,
  project_id ${text} not null,
  resource ${text} not null,
  hard_limit ${integer} not null,
  unique (project_id, resource)
);
`;
}

function messagesAndImages({ text, integer, json }: ColumnTypes): string {
  return `
create table messages (
  id ${text} primary key,
  project_id ${text} not null,
  request_id ${text},
  resource_type ${text} not null,
  resource_id ${text},
  event_id ${text} not null,
  level ${text} not null,
  user_message ${text} not null,
  created_at ${integer} not null,
  expires_at ${integer} not null
);
create index messages_by_project on messages (project_id, created_at, id);
create index messages_by_age on messages (created_at, id);
create index messages_by_resource on messages (resource_id, project_id, created_at, id);
create index messages_by_end on messages (expires_at);

create table images (
  id ${text} primary key,
  project_id ${text} not null,
  name ${text},
  status ${text} not null,
  visibility ${text} not null,
  properties ${json} not null,
  created_at ${integer} not null,
  updated_at ${integer} not null
);
create index images_by_project on images (project_id, created_at, id);
create index images_by_age on images (created_at, id);
create index images_by_name on images (name, project_id, created_at, id);
`;
}

function jobs({ text, integer, json }: ColumnTypes): string {
  return `
create table jobs (
  id ${text} primary key,
  kind ${text} not null,
  project_id ${text} not null,
  subject_id ${text} not null,
  request_id ${text} not null,
  payload ${json} not null,
  state ${text} not null,
  lease_owner ${text},
  lease_expires_at ${integer},
  attempts ${integer} not null,
  bytes_done ${integer} not null,
  bytes_total ${integer} not null,
  error ${text},
  created_at ${integer} not null,
  updated_at ${integer} not null
);
create index jobs_by_state on jobs (state, created_at, id);
create index jobs_by_subject on jobs (subject_id, created_at, id);
create index jobs_by_age on jobs (created_at, id);
`;
}

function whoThereIs({ text, integer, boolean }: ColumnTypes): string {
  return `
create table domains (
  id ${text} primary key,
  name ${text} not null unique,
  description ${text} not null,
  enabled ${boolean} not null
);

create table projects (
  id ${text} primary key,
  domain_id ${text} not null references domains (id),
  name ${text} not null,
  description ${text} not null,
  enabled ${boolean} not null,
  created_at ${integer} not null,
  unique (domain_id, name)
);
create index projects_by_age on projects (created_at, id);

create table users (
  id ${text} primary key,
  domain_id ${text} not null references domains (id),
  name ${text} not null,
  password_hash ${text} not null,
  enabled ${boolean} not null,
  default_project_id ${text},
  failed_logins ${integer} not null,
  locked_until ${integer},
  created_at ${integer} not null,
  unique (domain_id, name)
);
create index users_by_age on users (created_at, id);

create table roles (
  id ${text} primary key,
  name ${text} not null unique
);
`;
}

function accessAndSettings({ text, integer, json }: ColumnTypes): string {
  return `
create table role_assignments (
  id ${text} primary key,
  user_id ${text} not null references users (id) on delete cascade,
  project_id ${text} not null references projects (id) on delete cascade,
  role_id ${text} not null references roles (id) on delete cascade
);
create index role_assignments_by_user on role_assignments (user_id, project_id);
create index role_assignments_by_project on role_assignments (project_id);
create index role_assignments_by_role on role_assignments (role_id);

create table tokens (
  id ${text} primary key,
  audit_id ${text} not null,
  user_id ${text} not null references users (id) on delete cascade,
  project_id ${text},
  methods ${json} not null,
  issued_at ${integer} not null,
  expires_at ${integer} not null,
  revoked_at ${integer}
);
create index tokens_by_user on tokens (user_id);
create index tokens_by_end on tokens (expires_at);

create table settings (
  id ${text} primary key,
  value ${json}
);
`;
}
