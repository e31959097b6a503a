import type { ColumnTypes } from '../column-types.ts';

/**
 * All of Identity: roles on projects, domains and the system, for users and groups of them;
 * application credentials; projects below projects; services beside Firn's own.
 */
export function identity(types: ColumnTypes): string {
  return [whoThereIs(types), assignments(types), credentials(types), services(types)].join('\n');
}

function whoThereIs({ text, integer, json }: ColumnTypes): string {
  return `
alter table users add column extra ${json} not null default '{}';
alter table projects add column extra ${json} not null default '{}';
alter table projects add column parent_id ${text};
alter table projects add column tags ${json} not null default '[]';
alter table roles add column description ${text};
create index projects_by_parent on projects (parent_id);

create table user_groups (
  id ${text} primary key,
  domain_id ${text} not null references domains (id),
  name ${text} not null,
  description ${text} not null,
  created_at ${integer} not null,
  unique (domain_id, name)
);

create table group_members (
  id ${text} primary key,
  user_group_id ${text} not null references user_groups (id) on delete cascade,
  user_id ${text} not null references users (id) on delete cascade
);
create index group_members_by_group on group_members (user_group_id);
create index group_members_by_user on group_members (user_id);
`;
}

function assignments({ text, boolean }: ColumnTypes): string {
  return `
create table assignments (
  id ${text} primary key,
  actor_kind ${text} not null,
  actor_id ${text} not null,
  target_kind ${text} not null,
  target_id ${text} not null,
  role_id ${text} not null references roles (id) on delete cascade,
  inherited ${boolean} not null
);
create index assignments_by_actor on assignments (actor_id, target_id);
create index assignments_by_target on assignments (target_id);
create index assignments_by_role on assignments (role_id);
insert into assignments (id, actor_kind, actor_id, target_kind, target_id, role_id, inherited)
  select id, 'user', user_id, 'project', project_id, role_id, false from role_assignments;
drop table role_assignments;
alter table assignments rename to role_assignments;
`;
}

function credentials({ text, integer, boolean, json }: ColumnTypes): string {
  return `
create table application_credentials (
  id ${text} primary key,
  user_id ${text} not null references users (id) on delete cascade,
  project_id ${text} not null references projects (id) on delete cascade,
  name ${text} not null,
  description ${text},
  secret_hash ${text} not null,
  role_ids ${json} not null,
  unrestricted ${boolean} not null,
  access_rules ${json} not null,
  expires_at ${integer},
  created_at ${integer} not null,
  unique (user_id, name)
);
create index application_credentials_by_project on application_credentials (project_id);

create table access_rules (
  id ${text} primary key,
  user_id ${text} not null references users (id) on delete cascade,
  service ${text} not null,
  method ${text} not null,
  path ${text} not null
);
create index access_rules_by_user on access_rules (user_id);
`;
}

function services({ text, boolean }: ColumnTypes): string {
  return `
create table regions (
  id ${text} primary key,
  description ${text} not null,
  parent_region_id ${text}
);

create table services (
  id ${text} primary key,
  type ${text} not null,
  name ${text},
  description ${text},
  enabled ${boolean} not null
);

create table endpoints (
  id ${text} primary key,
  service_id ${text} not null,
  interface ${text} not null,
  region_id ${text},
  url ${text} not null,
  enabled ${boolean} not null
);
create index endpoints_by_service on endpoints (service_id);
`;
}
