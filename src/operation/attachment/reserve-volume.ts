/** Marks that others set on a volume while they attach or detach it. */
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import type { Changing } from '../needs.ts';
import { isOneOf, volumeChanges } from '../states.ts';
import { changeVolume } from '../volume/change-volume.ts';
import { findVolume, invalidVolume } from '../volume/find-volume.ts';
import { settleVolume } from './settle-volume.ts';

const { reserveToAttach, reserveToAttachAgain, beginDetaching, rollDetaching } = volumeChanges;

/** The volume is about to be attached: nobody else may take it. */
export async function reserveVolume(
  { catalog, clock }: Changing,
  caller: Caller,
  volumeId: string,
): Promise<void> {
  authorize(caller, 'volume_extension:volume_actions:reserve');
  await catalog.transact(async (transaction) => {
    const row = await findVolume(transaction, caller, volumeId);
    const { from, to } = row.multiattach ? reserveToAttachAgain : reserveToAttach;
    if (!isOneOf(row.status, from)) {
      throw invalidVolume(
        `Volume status must be ${from.join(' or ')} to reserve, but the status is ${row.status}.`,
      );
    }
    await changeVolume(transaction, row, from, { status: to, updatedAt: clock.now() });
  });
}

/**
 * The volume is not going to be attached after all: its status follows from its attachments again.
 * One that is not reserved stays as it is.
 */
export async function unreserveVolume(
  { catalog, clock }: Changing,
  caller: Caller,
  volumeId: string,
): Promise<void> {
  authorize(caller, 'volume_extension:volume_actions:unreserve');
  await catalog.transact(async (transaction) => {
    const row = await findVolume(transaction, caller, volumeId);
    if (!isOneOf(row.status, ['attaching', 'reserved'])) return;
    await settleVolume(transaction, row.id, clock.now());
  });
}

export async function beginDetachingVolume(
  { catalog, clock }: Changing,
  caller: Caller,
  volumeId: string,
): Promise<void> {
  authorize(caller, 'volume_extension:volume_actions:begin_detaching');
  await catalog.transact(async (transaction) => {
    const row = await findVolume(transaction, caller, volumeId);
    const { from, to } = beginDetaching;
    if (!isOneOf(row.status, from)) {
      throw invalidVolume(
        "Unable to detach volume. Volume status must be 'in-use' and attach_status must be " +
          "'attached' to detach.",
      );
    }
    await changeVolume(transaction, row, from, { status: to, updatedAt: clock.now() });
  });
}

/** The detachment did not work: the volume is in use as before. */
export async function rollDetachingVolume(
  { catalog, clock }: Changing,
  caller: Caller,
  volumeId: string,
): Promise<void> {
  authorize(caller, 'volume_extension:volume_actions:roll_detaching');
  await catalog.transact(async (transaction) => {
    const row = await findVolume(transaction, caller, volumeId);
    const { from, to } = rollDetaching;
    if (!isOneOf(row.status, from)) return;
    await changeVolume(transaction, row, from, { status: to, updatedAt: clock.now() });
  });
}
