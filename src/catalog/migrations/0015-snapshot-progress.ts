import type { ColumnTypes } from '../column-types.ts';

/** How far the making of a snapshot is, where somebody has told. */
export function snapshotProgress({ text }: ColumnTypes): string {
  return `
alter table snapshots add column progress ${text};
`;
}
