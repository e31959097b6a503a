import type { VolumeRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import type { Changing } from '../needs.ts';
import { changeVolume } from './change-volume.ts';
import { findVolume, invalidVolume } from './find-volume.ts';

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
    if (row.status !== 'available') {
      throw invalidVolume(
        `Volume ${volumeId} status must be available to update readonly flag, but current ` +
          `status is: ${row.status}.`,
      );
    }
    const changes = { readOnly, updatedAt: clock.now() };
    return await changeVolume(transaction, row, ['available'], changes);
  });
}
