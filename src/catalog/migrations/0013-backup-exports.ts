import type { ColumnTypes } from '../column-types.ts';

/** The exports of backups, which have to be served again after a start. */
export function backupExports({ text, integer, json }: ColumnTypes): string {
  return `
create table backup_exports (
  id ${text} primary key,
  project_id ${text} not null,
  user_id ${text} not null,
  backup_id ${text} not null,
  host ${text},
  export_name ${text} not null unique,
  place ${json} not null,
  created_at ${integer} not null
);
create index backup_exports_by_backup
  on backup_exports (backup_id, project_id, created_at, id);
`;
}
