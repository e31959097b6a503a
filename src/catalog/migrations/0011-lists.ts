import type { ColumnTypes } from '../column-types.ts';

/** Indexes for the lists that clients filter by status, and sort by name. */
export function lists({ nullsFirst }: ColumnTypes): string {
  return ['volumes', 'snapshots', 'backups']
    .map(
      (table) => `
create index ${table}_by_status on ${table} (project_id, status, created_at, id);
create index ${table}_by_project_name on ${table} (project_id, name ${nullsFirst}, id);
`,
    )
    .join('\n');
}
