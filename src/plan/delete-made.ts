import { isOperatingError, OperatingError } from '../base/errors.ts';
import type { PlanRow } from '../catalog/plan-tables.ts';
import type { Caller } from '../identity/caller.ts';
import { deleteBackup } from '../operation/backup/delete-backup.ts';
import { deleteSnapshot } from '../operation/snapshot/delete-snapshot.ts';
import { itemsOf } from './items.ts';
import type { PlanNeeds } from './needs.ts';

/**
 * Begins to delete everything that a plan made. Nothing is deleted when something is held; rejects
 * when something cannot be deleted just now, and what is left is still the plan's.
 */
export async function deleteMade(needs: PlanNeeds, caller: Caller, plan: PlanRow): Promise<void> {
  const { items } = await itemsOf(needs.catalog, plan, undefined);
  const held = items.find((item) => item.held);
  if (held !== undefined) {
    throw new OperatingError(
      'invalid_state',
      `${held.kind} ${held.id} of this plan is kept by a hold. Release it, or keep what the plan ` +
        'made with made=keep.',
    );
  }
  for (const item of items) {
    if (item.row.status === 'deleting') continue;
    try {
      if (item.kind === 'backup') await deleteBackup(needs, caller, item.id, { force: false });
      else await deleteSnapshot(needs, caller, item.id, { force: false });
    } catch (error) {
      if (!isOperatingError(error, 'not_found')) throw error;
    }
  }
}
