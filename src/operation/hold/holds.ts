/**
 * Holds: what is held is not deleted, by hand or by a plan, until the hold is released. A hold on a
 * volume keeps its snapshots and backups too. Only forced deletion by an administrator passes.
 */
import { OperatingError } from '../../base/errors.ts';
import { everyProject, type CatalogReader } from '../../catalog/catalog.ts';
import type { HeldKind, HoldRow } from '../../catalog/plan-tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import { findBackup } from '../backup/find-backup.ts';
import type { Changing, Reading } from '../needs.ts';
import { readPage, type PageOf, type PageRequest } from '../page.ts';
import { byId } from '../scope.ts';
import { findSnapshot } from '../snapshot/find-snapshot.ts';
import { findVolume } from '../volume/find-volume.ts';

export interface Held {
  readonly kind: HeldKind;
  readonly id: string;
}

/** Holds a volume, snapshot or backup; again, it changes the reason. */
export async function placeHold(
  { catalog, clock }: Changing,
  caller: Caller,
  held: Held,
  reason: string | null,
): Promise<HoldRow> {
  authorize(caller, 'firn:place_hold');
  return await catalog.transact(async (transaction) => {
    const { projectId } = await findHeld(transaction, caller, held);
    const changed = await transaction.change('holds', byId(held.id), { reason });
    if (changed !== undefined) return changed;
    const { userId } = caller;
    const row = { ...held, projectId, reason, userId, createdAt: clock.now() };
    await transaction.insert('holds', row);
    return row;
  });
}

/** Releases a hold; without one nothing happens. */
export async function releaseHold({ catalog }: Reading, caller: Caller, held: Held): Promise<void> {
  authorize(caller, 'firn:release_hold');
  await findHeld(catalog, caller, held);
  await catalog.remove('holds', { ...byId(held.id), kind: held.kind });
}

/** The hold on a volume, snapshot or backup itself. */
export async function findHold(
  { catalog }: Reading,
  caller: Caller,
  held: Held,
): Promise<HoldRow | undefined> {
  authorize(caller, 'firn:get_hold');
  await findHeld(catalog, caller, held);
  return await catalog.find('holds', { ...byId(held.id), kind: held.kind });
}

/** The holds of the caller's project. */
export async function listHolds(
  { catalog }: Reading,
  caller: Caller,
  page: PageRequest<'holds'>,
): Promise<PageOf<'holds'>> {
  authorize(caller, 'firn:get_hold');
  const { projectId } = caller;
  return await readPage(catalog, 'holds', { projectId }, page, (id) =>
    catalog.find('holds', { id, projectId }),
  );
}

async function findHeld(
  reader: CatalogReader,
  caller: Caller,
  { kind, id }: Held,
): Promise<{ projectId: string }> {
  if (kind === 'volume') return await findVolume(reader, caller, id);
  if (kind === 'snapshot') return await findSnapshot(reader, caller, id);
  return await findBackup(reader, caller, id);
}

/** Rejects while one of these is held; `ids` are of the subject and of its volume. */
export async function refuseWhileHeld(
  reader: CatalogReader,
  what: string,
  ids: readonly string[],
): Promise<void> {
  const hold = await reader.find('holds', { id: ids, projectId: everyProject });
  if (hold === undefined) return;
  const reason = hold.reason === null ? '' : ` (${hold.reason})`;
  const where = `/firn/v1/${hold.kind}s/${hold.id}/hold`;
  throw new OperatingError(
    'invalid_state',
    `${what} is kept: there is a hold on ${hold.kind} ${hold.id}${reason}. Release it first: ` +
      `firn hold release ${hold.kind} ${hold.id}, or DELETE ${where}.`,
  );
}
