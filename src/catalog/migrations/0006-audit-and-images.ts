import type { ColumnTypes } from '../column-types.ts';

/**
 * The audit trail; the data of images; tokens of every scope, which know the login that they come
 * from. Tokens live for an hour: those of before the change are dropped, and people log in again.
 */
export function auditAndImages({ text, integer, boolean, json }: ColumnTypes): string {
  return `
create table audit (
  id ${text} primary key,
  project_id ${text} not null,
  created_at ${integer} not null,
  request_id ${text} not null,
  user_id ${text},
  user_name ${text},
  address ${text} not null,
  path ${text} not null,
  action ${text} not null,
  resource_type ${text} not null,
  resource_id ${text},
  status_code ${integer} not null
);
create index audit_by_age on audit (created_at, id);
create index audit_by_project on audit (project_id, created_at, id);
create index audit_by_resource on audit (resource_id, created_at, id);
create index audit_by_user on audit (user_id, created_at, id);

alter table images add column size_bytes ${integer};
alter table images add column virtual_size_bytes ${integer};
alter table images add column checksum ${text};
alter table images add column hash_value ${text};

drop table tokens;
create table tokens (
  id ${text} primary key,
  audit_id ${text} not null,
  chain_id ${text} not null,
  user_id ${text} not null references users (id) on delete cascade,
  project_id ${text},
  domain_id ${text},
  system ${boolean} not null,
  application_credential_id ${text},
  methods ${json} not null,
  issued_at ${integer} not null,
  expires_at ${integer} not null,
  revoked_at ${integer}
);
create index tokens_by_user on tokens (user_id);
create index tokens_by_chain on tokens (chain_id);
create index tokens_by_end on tokens (expires_at);
`;
}
