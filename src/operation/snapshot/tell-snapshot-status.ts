import { OperatingError } from '../../base/errors.ts';
import type { CatalogReader } from '../../catalog/catalog.ts';
import type { SnapshotRow, SnapshotStatus } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import type { Changing } from '../needs.ts';
import { isOneOf } from '../states.ts';
import { findSnapshot } from './find-snapshot.ts';

/** What may become what, as Cinder has it for whoever makes snapshots in its place. */
const tellable: Partial<Record<SnapshotStatus, readonly SnapshotStatus[]>> = {
  creating: ['creating', 'available', 'error'],
  deleting: ['deleting', 'error_deleting'],
};

export interface ToldStatus {
  readonly status: string;
  /** `90%` */
  readonly progress: string | undefined;
}

/**
 * Takes note of how far somebody says that a snapshot is which is being made or deleted. While a
 * job of Firn's makes it, that alone makes it `available`: when it is durable.
 */
export async function tellSnapshotStatus(
  { catalog, clock }: Changing,
  caller: Caller,
  snapshotId: string,
  { status, progress }: ToldStatus,
): Promise<void> {
  authorize(caller, 'snapshot_extension:snapshot_actions:update_snapshot_status');
  await catalog.transact(async (transaction) => {
    const row = await findSnapshot(transaction, caller, snapshotId);
    const allowed = tellable[row.status];
    if (allowed === undefined) {
      throw refused(`Snapshot status ${row.status} not allowed for update_snapshot_status`);
    }
    if (!isOneOf(status, allowed)) {
      throw refused(
        `Provided snapshot status ${status.slice(0, 100)} not allowed for snapshot with status ` +
          `${row.status}.`,
      );
    }
    const isLeftToJob = status === 'available' && (await isBeingMade(transaction, row));
    const where = { id: row.id, projectId: row.projectId };
    await transaction.change('snapshots', where, {
      status: isLeftToJob ? row.status : status,
      ...(progress === undefined ? {} : { progress }),
      updatedAt: clock.now(),
    });
  });
}

async function isBeingMade(reader: CatalogReader, row: SnapshotRow): Promise<boolean> {
  const { id, groupSnapshotId, projectId } = row;
  const subjectId = groupSnapshotId === null ? id : [id, groupSnapshotId];
  const kind = ['snapshot.create', 'group_snapshot.create'];
  const state = ['queued', 'running'] as const;
  return (await reader.count('jobs', { projectId, subjectId, kind, state })) > 0;
}

function refused(message: string): OperatingError {
  return new OperatingError('invalid_state', message, { field: 'status' });
}
