/** Deleting what a plan no longer keeps, of what it made itself. */
import { isOperatingError } from '../base/errors.ts';
import { isoMicros } from '../base/clock.ts';
import type { PlanRow } from '../catalog/plan-tables.ts';
import { deleteBackup } from '../operation/backup/delete-backup.ts';
import { byId } from '../operation/scope.ts';
import { deleteSnapshot } from '../operation/snapshot/delete-snapshot.ts';
import { itemsOf, type MadeItem } from './items.ts';
import { callerOf, type PlanNeeds } from './needs.ts';
import { scheduleOf } from './plan.ts';
import { expiryOf, keep, retentionOf } from './retention.ts';
import { zoneOf } from './zone.ts';

const deletable: readonly string[] = ['available', 'error'];

/**
 * Deletes what the plan's rules no longer keep of one volume, notes on the rest when it is expected
 * to go, and returns how many it deleted. What cannot be deleted just now waits for the next time.
 */
export async function expire(needs: PlanNeeds, plan: PlanRow, volumeId: string): Promise<number> {
  const { catalog, clock } = needs;
  const { items, gone } = await itemsOf(catalog, plan, volumeId);
  for (const id of gone) {
    // A run that is about to make it has noted it first.
    const running = await catalog.find('planRuns', {
      volumeId,
      projectId: plan.projectId,
      state: 'running',
    });
    if (running?.subjectId !== id) await catalog.remove('planItems', byId(id));
  }
  const now = clock.now();
  const retention = retentionOf(plan.retention);
  const zone = zoneOf(plan.timeZone);
  const kept = keep(items, retention, { now, zone });
  const interval = scheduleOf(plan).interval(now);
  let deleted = 0;
  for (const item of items) {
    const reasons = kept.get(item.id);
    if (reasons === undefined) deleted += (await remove(needs, plan, item)) ? 1 : 0;
    else {
      await noteExpiry(needs, item, expiryOf(item, reasons, retention, { zone, interval }));
    }
  }
  return deleted;
}

async function remove(needs: PlanNeeds, plan: PlanRow, item: MadeItem): Promise<boolean> {
  if (!deletable.includes(item.row.status)) return false;
  const caller = callerOf(plan);
  try {
    if (item.kind === 'backup') await deleteBackup(needs, caller, item.id, { force: false });
    else await deleteSnapshot(needs, caller, item.id, { force: false });
    return true;
  } catch (error) {
    // Held, read or being restored since it was looked at.
    if (isOperatingError(error)) return false;
    throw error;
  }
}

/** `firn:expires_at` in a backup's metadata; without it the plan keeps it until further notice. */
async function noteExpiry(
  { catalog }: PlanNeeds,
  item: MadeItem,
  at: number | undefined,
): Promise<void> {
  if (item.kind !== 'backup') return;
  const key = 'firn:expires_at';
  const text = at === undefined ? undefined : isoMicros(at);
  if (item.row.metadata[key] === text) return;
  await catalog.transact(async (transaction) => {
    const row = await transaction.find('backups', byId(item.id));
    if (row === undefined) return;
    const { [key]: _old, ...metadata } = row.metadata;
    const changed = text === undefined ? metadata : { ...metadata, [key]: text };
    await transaction.change('backups', byId(item.id), { metadata: changed });
  });
}
