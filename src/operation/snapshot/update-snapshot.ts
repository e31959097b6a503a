import { must } from '../../base/assert.ts';
import type { Metadata, SnapshotRow, SnapshotStatus } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize, type Action } from '../../identity/policy.ts';
import type { Changing } from '../needs.ts';
import { findSnapshot } from './find-snapshot.ts';
import { byId } from '../scope.ts';

export interface SnapshotUpdate {
  readonly name?: string | null;
  readonly description?: string | null;
}

export async function updateSnapshot(
  needs: Changing,
  caller: Caller,
  snapshotId: string,
  update: SnapshotUpdate,
): Promise<SnapshotRow> {
  return await editSnapshot(needs, caller, 'volume:update_snapshot', snapshotId, () => update);
}

/** Makes the metadata what `edit` makes of it. */
export async function editSnapshotMetadata(
  needs: Changing,
  caller: Caller,
  action: Action,
  snapshotId: string,
  edit: (metadata: Metadata) => Metadata,
): Promise<SnapshotRow> {
  return await editSnapshot(needs, caller, action, snapshotId, (row) => ({
    metadata: edit(row.metadata),
  }));
}

/** Sets a snapshot's status by hand; what its jobs do is not touched. For administrators. */
export async function resetSnapshotStatus(
  { catalog, clock }: Changing,
  caller: Caller,
  snapshotId: string,
  status: SnapshotStatus,
): Promise<SnapshotRow> {
  authorize(caller, 'volume_extension:snapshot_admin_actions:reset_status');
  const where = byId(snapshotId);
  const changed = await catalog.change('snapshots', where, { status, updatedAt: clock.now() });
  return changed ?? (await findSnapshot(catalog, caller, snapshotId));
}

async function editSnapshot(
  { catalog, clock }: Changing,
  caller: Caller,
  action: Action,
  snapshotId: string,
  edit: (row: SnapshotRow) => Partial<SnapshotRow>,
): Promise<SnapshotRow> {
  authorize(caller, action);
  return await catalog.transact(async (transaction) => {
    const row = await findSnapshot(transaction, caller, snapshotId);
    const where = { id: row.id, projectId: row.projectId };
    const changes = { ...edit(row), updatedAt: clock.now() };
    return must(await transaction.change('snapshots', where, changes), 'a row just read');
  });
}
