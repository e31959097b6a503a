import { newId } from '../../base/ids.ts';
import { type CatalogWriter } from '../../catalog/catalog.ts';
import type { BackupRow, VolumeRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import { multiattachOf } from '../attachment/multiattach.ts';
import { availabilityZone } from '../availability-zones.ts';
import type { Starting } from '../needs.ts';
import { isOneOf, volumeChanges } from '../states.ts';
import { changeVolume } from '../volume/change-volume.ts';
import { insertVolume } from '../volume/create-volume.ts';
import { findVolume, invalidVolume } from '../volume/find-volume.ts';
import { defaultTypeOf } from '../type/default-types.ts';
import { findBackup, invalidBackup } from './find-backup.ts';
import { startRestore } from './start-restore.ts';
import { ofVolume } from '../scope.ts';

/** A volume that a restore makes is called so until it has its source's name. */
export const restoredNamePrefix = 'restore_backup_';

const { from, during } = volumeChanges.restore;

/**
 * Begins to restore a backup over an existing volume, or into a new one when `volumeId` is null.
 */
export async function restoreBackup(
  needs: Starting,
  caller: Caller,
  backupId: string,
  input: { volumeId: string | null; name: string | null },
): Promise<{ backup: BackupRow; volume: VolumeRow }> {
  authorize(caller, 'backup:restore');
  const { catalog, clock, jobs } = needs;
  const started = await catalog.transact(async (transaction) => {
    const backup = await findBackup(transaction, caller, backupId);
    if (backup.status !== 'available') throw invalidBackup('Backup status must be available');
    const volume =
      input.volumeId === null
        ? await addVolume(transaction, needs, caller, backup, input.name)
        : await takeVolume(transaction, caller, backup, input.volumeId, clock.now());
    const target = input.volumeId === null ? 'restored' : 'existing';
    await startRestore(transaction, needs, caller, { backup, volume, target });
    return { backup, volume };
  });
  jobs.wake();
  return started;
}

async function takeVolume(
  transaction: CatalogWriter,
  caller: Caller,
  backup: BackupRow,
  volumeId: string,
  updatedAt: number,
): Promise<VolumeRow> {
  const volume = await findVolume(transaction, caller, volumeId);
  const attached = await transaction.count('attachments', ofVolume(volumeId));
  if (!isOneOf(volume.status, from) || attached > 0) {
    throw invalidVolume('Volume to be restored to must be available');
  }
  if (backup.size > volume.size) {
    throw invalidVolume(
      `volume size ${volume.size} is too small to restore backup of size ${backup.size}.`,
    );
  }
  return await changeVolume(transaction, volume, from, { status: during, updatedAt });
}

async function addVolume(
  transaction: CatalogWriter,
  { clock }: Pick<Starting, 'clock'>,
  caller: Caller,
  backup: BackupRow,
  name: string | null,
): Promise<VolumeRow> {
  const type = await defaultTypeOf(transaction, caller.projectId);
  const volume: VolumeRow = {
    id: newId(),
    projectId: caller.projectId,
    userId: caller.userId,
    name: name ?? `${restoredNamePrefix}${backup.id}`,
    description: 'auto-created_from_restore_from_backup',
    size: backup.size,
    status: during,
    previousStatus: null,
    volumeTypeId: type.id,
    availabilityZone,
    bootable: false,
    multiattach: multiattachOf(caller, type),
    readOnly: false,
    snapshotId: null,
    sourceVolumeId: null,
    backupId: null,
    imageId: null,
    groupId: null,
    managedFile: null,
    imageMetadata: {},
    metadata: {},
    createdAt: clock.now(),
    updatedAt: null,
  };
  await insertVolume(transaction, volume);
  return volume;
}
