import type { ColumnTypes } from '../column-types.ts';

/** How backups were last checked, and which of them longest ago. */
export function verification({ json, integer }: ColumnTypes): string {
  return `
alter table backups add column verification ${json};
alter table backups add column verified_at ${integer};
alter table backups add column drill ${json};
create index backups_by_verified on backups (status, verified_at, id);
`;
}
