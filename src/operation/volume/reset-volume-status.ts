import type { AttachmentRow, VolumeRow, VolumeStatus } from '../../catalog/tables.ts';
import { everyRow } from '../../catalog/every-row.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import { endExports } from '../attachment/connection.ts';
import { settleVolume } from '../attachment/settle-volume.ts';
import type { OperationNeeds } from '../needs.ts';
import { findVolume } from './find-volume.ts';
import { byId, ofVolume } from '../scope.ts';

export interface VolumeReset {
  /** Without one it is what the attachments make of it. */
  readonly status?: VolumeStatus;
  /** Ends every attachment and cuts its connections. */
  readonly detached?: boolean;
}

/** Sets a volume's status by hand; what its jobs do is not touched. For administrators. */
export async function resetVolumeStatus(
  { catalog, clock, exports }: Pick<OperationNeeds, 'catalog' | 'clock' | 'exports'>,
  caller: Caller,
  volumeId: string,
  { status, detached = false }: VolumeReset,
): Promise<VolumeRow> {
  authorize(caller, 'volume_extension:volume_admin_actions:reset_status');
  const updatedAt = clock.now();
  const ended: AttachmentRow[] = [];
  const row = await catalog.transact(async (transaction) => {
    await findVolume(transaction, caller, volumeId);
    if (detached) {
      ended.push(
        ...(await Array.fromAsync(everyRow(transaction, 'attachments', ofVolume(volumeId)))),
      );
      for (const { id } of ended) await transaction.remove('attachments', byId(id));
      await settleVolume(transaction, volumeId, updatedAt);
    }
    if (status !== undefined) {
      const changes = { status, previousStatus: null, updatedAt };
      await transaction.change('volumes', byId(volumeId), changes);
    }
    return await findVolume(transaction, caller, volumeId);
  });
  await endExports(exports, ended);
  return row;
}
