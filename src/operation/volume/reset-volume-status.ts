import type { VolumeRow, VolumeStatus } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import type { Changing } from '../needs.ts';
import { findVolume } from './find-volume.ts';
import { byId } from '../scope.ts';

/** Sets a volume's status by hand; what its jobs do is not touched. For administrators. */
export async function resetVolumeStatus(
  { catalog, clock }: Changing,
  caller: Caller,
  volumeId: string,
  status: VolumeStatus,
): Promise<VolumeRow> {
  authorize(caller, 'volume_extension:volume_admin_actions:reset_status');
  const where = byId(volumeId);
  const changes = { status, previousStatus: null, updatedAt: clock.now() };
  const changed = await catalog.change('volumes', where, changes);
  return changed ?? (await findVolume(catalog, caller, volumeId));
}
