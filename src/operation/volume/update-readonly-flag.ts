import type { VolumeRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import type { Changing } from '../needs.ts';
import { isOneOf } from '../states.ts';
import { changeVolume } from './change-volume.ts';
import { findVolume, invalidVolume } from './find-volume.ts';

/** Also before the volume is made: the client sets the flag right after it asks for a volume. */
const from = ['available', 'creating'] as const;

/** From now on attachments of the volume are read-only, or not. */
export async function updateReadonlyFlag(
  { catalog, clock }: Changing,
  caller: Caller,
  volumeId: string,
  readOnly: boolean,
): Promise<VolumeRow> {
  authorize(caller, 'volume:update_readonly_flag');
  return await catalog.transact(async (transaction) => {
    const row = await findVolume(transaction, caller, volumeId);
    if (!isOneOf(row.status, from)) {
      throw invalidVolume(
        `Volume ${volumeId} status must be available to update readonly flag, but current ` +
          `status is: ${row.status}.`,
      );
    }
    const changes = { readOnly, updatedAt: clock.now() };
    return await changeVolume(transaction, row, from, changes);
  });
}
