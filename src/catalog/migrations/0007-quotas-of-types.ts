import type { ColumnTypes } from '../column-types.ts';

/** Snapshots know the type of their volume, so that what a type takes up is counted by an index. */
export function quotasOfTypes({ text }: ColumnTypes): string {
  return `
alter table snapshots add column volume_type_id ${text} not null default '';
update snapshots set volume_type_id = coalesce(
  (select volumes.volume_type_id from volumes where volumes.id = snapshots.volume_id), '');
create index snapshots_by_type on snapshots (volume_type_id, project_id, size);
drop index volumes_by_type;
create index volumes_by_type on volumes (volume_type_id, project_id, size);
`;
}
