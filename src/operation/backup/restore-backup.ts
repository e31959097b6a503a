import { isOperatingError } from '../../base/errors.ts';
import { newId } from '../../base/ids.ts';
import { type CatalogWriter } from '../../catalog/catalog.ts';
import type { BackupRow, VolumeRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import type { JobContext } from '../../job/job.ts';
import { authorize } from '../../identity/policy.ts';
import { multiattachOf } from '../attachment/multiattach.ts';
import { availabilityZone } from '../availability-zones.ts';
import { demandBackupService, isDisabled, noBackend } from '../installation/binaries.ts';
import type { Starting } from '../needs.ts';
import { isOneOf, volumeChanges } from '../states.ts';
import { changeVolume } from '../volume/change-volume.ts';
import { insertVolume } from '../volume/create-volume.ts';
import { findVolume, invalidInput, invalidVolume } from '../volume/find-volume.ts';
import { volumeTypeFor } from '../volume/volume-type-for.ts';
import { defaultTypeOf } from '../type/default-types.ts';
import { refuseEncrypted } from '../type/type-encryption.ts';
import { findBackup, invalidBackup, storedIdOf } from './find-backup.ts';
import { restoredNamePrefix } from './restored-name.ts';
import { type RestoreNeeds, restoreNow } from './restore-now.ts';
import { startRestore } from './start-restore.ts';
import { ofVolume } from '../scope.ts';

const { from, during } = volumeChanges.restore;

export interface RestoreRequest {
  /** The volume to be overwritten; null makes a new one. */
  readonly volumeId: string | null;
  readonly name: string | null;
  /** GiB of a new volume; null takes the backup's. */
  readonly size?: number | null;
  /** The new volume is available at once, and filled while it is in use. */
  readonly instant?: boolean;
}

/**
 * Begins to restore a backup over an existing volume, or into a new one. An instant restore has
 * mostly ended when this resolves; when it could not, its job goes on.
 */
export async function restoreBackup(
  needs: Starting & RestoreNeeds,
  caller: Caller,
  backupId: string,
  input: RestoreRequest,
): Promise<{ backup: BackupRow; volume: VolumeRow }> {
  authorize(caller, 'backup:restore');
  const { catalog, clock, jobs } = needs;
  const { volumeId, instant = false } = input;
  if (volumeId !== null) refuseForExisting(input);
  const type = volumeId === null ? await formerType(needs, caller, backupId) : null;
  const started = await catalog.transact(async (transaction) => {
    const backup = await findBackup(transaction, caller, backupId);
    if (backup.status !== 'available') throw invalidBackup('Backup status must be available');
    await demandBackupService(transaction);
    if (volumeId === null && (await isDisabled(transaction, 'cinder-volume'))) {
      throw invalidVolume(
        `Error while creating volume for restoring backup ${backupId}. ${noBackend}`,
      );
    }
    const volume =
      volumeId === null
        ? await addVolume(transaction, needs, caller, { backup, input, type })
        : await takeVolume(transaction, caller, backup, volumeId, clock.now());
    const target = volumeId === null ? 'restored' : 'existing';
    await startRestore(transaction, needs, caller, { backup, volume, target, instant });
    return { backup, volume };
  });
  try {
    if (instant) await showAtOnce(needs, started);
  } catch (error) {
    // The job meets the same error, and keeps it where the volume's owner finds it.
    if (!isOperatingError(error)) throw error;
  } finally {
    jobs.wake();
  }
  return started;
}

async function showAtOnce(
  needs: RestoreNeeds,
  { backup, volume }: { backup: BackupRow; volume: VolumeRow },
): Promise<void> {
  const jobId = '';
  const what = { backup, volumeId: volume.id, target: 'restored', instant: true, jobId } as const;
  await restoreNow(needs, what, unseen);
}

/** Nobody looks at how far it is. */
const unseen: JobContext = {
  signal: new AbortController().signal,
  progress: () => undefined,
  waitsFor: () => undefined,
};

function refuseForExisting({ size = null, instant = false }: RestoreRequest): void {
  const refused = instant ? 'instant' : size === null ? undefined : 'size';
  if (refused === undefined) return;
  throw invalidInput(`"${refused}" is for a new volume: give no volume_id with it.`, refused);
}

/** The name of the type that the volume had; null when it is not known, or not for the caller. */
async function formerType(
  { catalog, repositories }: RestoreNeeds,
  caller: Caller,
  backupId: string,
): Promise<string | null> {
  const backup = await findBackup(catalog, caller, backupId);
  try {
    const repository = await repositories.open(backup.container, { create: false });
    const name = (await repository.readManifest(storedIdOf(backup))).volume.volumeType;
    if (name === null) return null;
    const type = await volumeTypeFor(catalog, caller, name);
    await refuseEncrypted(catalog, type);
    return type.id;
  } catch (error) {
    if (isOperatingError(error)) return null;
    throw error;
  }
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
  wanted: { backup: BackupRow; input: RestoreRequest; type: string | null },
): Promise<VolumeRow> {
  const { backup, input } = wanted;
  const size = input.size ?? backup.size;
  if (size < backup.size) {
    throw invalidInput(
      `Volume size '${size}'GB cannot be smaller than the backup size ${backup.size}GB. ` +
        'They must be >= backup size.',
      'size',
    );
  }
  const type =
    wanted.type === null
      ? await defaultTypeOf(transaction, caller.projectId)
      : await volumeTypeFor(transaction, caller, wanted.type);
  await refuseEncrypted(transaction, type);
  const volume: VolumeRow = {
    id: newId(),
    projectId: caller.projectId,
    userId: caller.userId,
    name: input.name ?? `${restoredNamePrefix}${backup.id}`,
    description: 'auto-created_from_restore_from_backup',
    size,
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
