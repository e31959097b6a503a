import type { ColumnTypes } from '../column-types.ts';

/** Which request handed an export out, for the log of its connections. */
export function requestsOfExports({ text }: ColumnTypes): string {
  return `
alter table attachments add column export_request_id ${text};
alter table backup_exports add column export_request_id ${text};
alter table snapshot_exports add column export_request_id ${text};
`;
}
