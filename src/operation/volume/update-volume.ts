import type { Metadata, VolumeRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize, type Action } from '../../identity/policy.ts';
import type { Changing } from '../needs.ts';
import { changeVolume } from './change-volume.ts';
import { findVolume } from './find-volume.ts';

export interface VolumeUpdate {
  readonly name?: string | null;
  readonly description?: string | null;
  readonly metadata?: Metadata;
}

/** Changes name, description or, whole, metadata. */
export async function updateVolume(
  needs: Changing,
  caller: Caller,
  volumeId: string,
  update: VolumeUpdate,
): Promise<VolumeRow> {
  return await editVolume(needs, caller, 'volume:update', volumeId, () => update);
}

/** Sets whether the volume can be booted from; the data is not looked at. */
export async function setBootable(
  needs: Changing,
  caller: Caller,
  volumeId: string,
  bootable: boolean,
): Promise<VolumeRow> {
  const action = 'volume_extension:volume_actions:set_bootable';
  return await editVolume(needs, caller, action, volumeId, () => ({ bootable }));
}

/** Makes the metadata what `edit` makes of it. */
export async function editVolumeMetadata(
  needs: Changing,
  caller: Caller,
  action: Action,
  volumeId: string,
  edit: (metadata: Metadata) => Metadata,
): Promise<VolumeRow> {
  return await editVolume(needs, caller, action, volumeId, (row) => ({
    metadata: edit(row.metadata),
  }));
}

async function editVolume(
  { catalog, clock }: Changing,
  caller: Caller,
  action: Action,
  volumeId: string,
  edit: (row: VolumeRow) => Partial<VolumeRow>,
): Promise<VolumeRow> {
  authorize(caller, action);
  return await catalog.transact(async (transaction) => {
    const row = await findVolume(transaction, caller, volumeId);
    const changes = { ...edit(row), updatedAt: clock.now() };
    return await changeVolume(transaction, row, [row.status], changes);
  });
}
