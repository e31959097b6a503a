import type { ColumnTypes } from '../column-types.ts';

/** Records that were imported, and the backup of the repository that each stands for. */
export function importedBackups({ text }: ColumnTypes): string {
  return `
alter table backups add column stored_id ${text};
`;
}
