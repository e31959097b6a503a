import { OperatingError } from '../../base/errors.ts';
import { everyProject, type CatalogReader } from '../../catalog/catalog.ts';
import type { SnapshotRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { scopeOf } from '../scope.ts';

/** The snapshot; rejects with `not_found` when there is none for this caller. */
export async function findSnapshot(
  reader: CatalogReader,
  caller: Caller,
  snapshotId: string,
): Promise<SnapshotRow> {
  const row = await reader.find('snapshots', { id: snapshotId, projectId: scopeOf(caller) });
  if (row === undefined) {
    throw new OperatingError('not_found', `Snapshot ${snapshotId} could not be found.`);
  }
  return row;
}

/** A refusal in the shape that clients know. */
export function invalidSnapshot(reason: string): OperatingError {
  return new OperatingError('invalid_state', `Invalid snapshot: ${reason}`);
}

/** Rejects while a volume is being made of one of the snapshots: it would lose its source. */
export async function refuseWhileCloned(
  reader: CatalogReader,
  snapshotIds: readonly string[],
): Promise<void> {
  const clone = await reader.find('volumes', {
    projectId: everyProject,
    snapshotId: snapshotIds,
    status: 'creating',
  });
  if (clone === undefined) return;
  throw invalidSnapshot(
    `Snapshot ${clone.snapshotId} is just being used to create volume ${clone.id}.`,
  );
}
