import { OperatingError } from '../../base/errors.ts';
import { everyProject, type CatalogReader, type CatalogWriter } from '../../catalog/catalog.ts';
import type { GroupSnapshotRow, SnapshotRow, SnapshotStatus } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { everyRow } from '../../catalog/every-row.ts';
import { byId, scopeOf } from '../scope.ts';

/** The group snapshot; rejects with `not_found` when there is none for this caller. */
export async function findGroupSnapshot(
  reader: CatalogReader,
  caller: Caller,
  groupSnapshotId: string,
): Promise<GroupSnapshotRow> {
  const projectId = scopeOf(caller);
  const row = await reader.find('groupSnapshots', { id: groupSnapshotId, projectId });
  if (row !== undefined) return row;
  throw new OperatingError('not_found', `GroupSnapshot ${groupSnapshotId} could not be found.`);
}

/** The members of a group snapshot. */
export async function snapshotsOf(
  reader: CatalogReader,
  groupSnapshotId: string,
): Promise<SnapshotRow[]> {
  const where = { groupSnapshotId, projectId: everyProject } as const;
  return await Array.fromAsync(everyRow(reader, 'snapshots', where));
}

/** Takes the members that are in `from` to another status. */
export async function changeMembers(
  transaction: CatalogWriter,
  groupSnapshotId: string,
  from: readonly SnapshotStatus[],
  changes: Pick<SnapshotRow, 'status' | 'updatedAt'>,
): Promise<void> {
  for (const { id } of await snapshotsOf(transaction, groupSnapshotId)) {
    await transaction.change('snapshots', { ...byId(id), status: from }, changes);
  }
}

/** A refusal in the shape that clients know. */
export function invalidGroupSnapshot(reason: string): OperatingError {
  return new OperatingError('invalid_state', `Invalid GroupSnapshot: ${reason}`);
}
