import { isOperatingError, OperatingError } from '../../base/errors.ts';
import { newId } from '../../base/ids.ts';
import type { CatalogWriter } from '../../catalog/catalog.ts';
import type { BackupRow, Metadata, SnapshotRow, VolumeRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import { availabilityZoneFor } from '../availability-zones.ts';
import { demandBackupService } from '../installation/binaries.ts';
import { findImage } from '../image/image-access.ts';
import type { OperationNeeds, Starting } from '../needs.ts';
import { demandQuota } from '../quota.ts';
import { findSnapshot, invalidSnapshot } from '../snapshot/find-snapshot.ts';
import { isOneOf, snapshotChanges, volumeChanges } from '../states.ts';
import { changeVolume } from '../volume/change-volume.ts';
import { findVolume, invalidVolume } from '../volume/find-volume.ts';
import { ownedMetadata } from './backup-metadata.ts';
import { containerFor } from './container.ts';
import { invalidBackup } from './find-backup.ts';

export interface NewBackup {
  /** Chosen by the caller, who may ask again for the same one; `exists` then. */
  readonly id?: string;
  /** What Firn itself notes on it, which its owner cannot change. */
  readonly notes?: Metadata;
  readonly volumeId: string;
  /** Null backs up the volume as it is now. */
  readonly snapshotId: string | null;
  readonly name: string | null;
  readonly description: string | null;
  readonly container: string | null;
  readonly incremental: boolean;
  /** Also of a volume that is in use. */
  readonly force: boolean;
  readonly metadata: Metadata;
  readonly availabilityZone: string | null;
}

type CreateNeeds = Starting & Pick<OperationNeeds, 'engine' | 'repositories'>;

/**
 * Begins to back up a snapshot, or a volume. What a volume holds is kept within this call, so that
 * the backup's instant is the request's, however long its job waits for its turn.
 */
export async function createBackup(
  { catalog, clock, jobs, engine, repositories }: CreateNeeds,
  caller: Caller,
  input: NewBackup,
): Promise<BackupRow> {
  authorize(caller, 'backup:create');
  const container = containerFor(input.container);
  repositories.checkContainer(container);
  const row = await catalog.transact(async (transaction) => {
    const volume = await findVolumeNotImage(transaction, caller, input.volumeId);
    const snapshot = await findOwnSnapshot(transaction, caller, volume, input.snapshotId);
    if (snapshot === undefined) refuseVolume(volume, input.force);
    if (input.incremental) await demandEarlierBackup(transaction, volume);
    const backup: BackupRow = {
      ...emptyFigures,
      id: input.id ?? newId(),
      projectId: volume.projectId,
      userId: caller.userId,
      volumeId: volume.id,
      snapshotId: snapshot?.id ?? null,
      name: input.name,
      description: input.description,
      size: snapshot?.size ?? volume.size,
      status: 'creating',
      incremental: input.incremental,
      container,
      availabilityZone: availabilityZoneFor(input.availabilityZone),
      metadata: { ...ownedMetadata(input.metadata), ...input.notes },
      dataTimestamp: snapshot?.createdAt ?? clock.now(),
      createdAt: clock.now(),
    };
    await demandBackupService(transaction);
    const demand = { backups: 1, backup_gigabytes: backup.size };
    await demandQuota(transaction, backup.projectId, demand);
    await holdSource(transaction, volume, snapshot, clock.now());
    await transaction.insert('backups', backup);
    await jobs.add(transaction, {
      kind: 'backup.create',
      projectId: backup.projectId,
      subjectId: backup.id,
      requestId: caller.requestId,
      payload: { volumeId: backup.volumeId, snapshotId: backup.snapshotId },
    });
    return backup;
  });
  try {
    if (row.snapshotId === null) {
      await engine.beginSnapshots([{ volumeId: row.volumeId, snapshotId: row.id }]);
    }
  } catch (error) {
    // The job meets the same error, and keeps it where the backup's owner finds it.
    if (!isOperatingError(error)) throw error;
  } finally {
    jobs.wake();
  }
  return row;
}

/** What a backup has before anything was read. */
export const emptyFigures = {
  restoreVolumeId: null,
  storedId: null,
  parentId: null,
  failReason: null,
  objectCount: 0,
  layerId: null,
  bytesTotal: 0,
  bytesDone: 0,
  bytesStored: 0,
  verification: null,
  verifiedAt: null,
  drill: null,
  updatedAt: null,
} as const satisfies Partial<BackupRow>;

async function findVolumeNotImage(
  transaction: CatalogWriter,
  caller: Caller,
  volumeId: string,
): Promise<VolumeRow> {
  try {
    return await findVolume(transaction, caller, volumeId);
  } catch (error) {
    await findImage(transaction, caller, volumeId).catch((noImage: unknown) => {
      throw isOperatingError(noImage, 'not_found') ? error : noImage;
    });
    throw new OperatingError(
      'invalid_input',
      `Backups are just for volumes: ${volumeId} is an image. An image is meta-data about how an ` +
        'instance was configured; it is replaced by creating an instance from a volume.',
      { field: 'volume_id', cause: error },
    );
  }
}

async function findOwnSnapshot(
  transaction: CatalogWriter,
  caller: Caller,
  volume: VolumeRow,
  snapshotId: string | null,
): Promise<SnapshotRow | undefined> {
  if (snapshotId === null) return undefined;
  const snapshot = await findSnapshot(transaction, caller, snapshotId);
  if (snapshot.volumeId !== volume.id) {
    throw invalidVolume(
      `Volume ${volume.id} does not match with snapshot.volume_id ${snapshot.volumeId}.`,
    );
  }
  if (!isOneOf(snapshot.status, snapshotChanges.backUp.from)) {
    throw invalidSnapshot(
      `Snapshot to be backed up must be available, but the current status is "${snapshot.status}".`,
    );
  }
  return snapshot;
}

function refuseVolume(volume: VolumeRow, force: boolean): void {
  if (!isOneOf(volume.status, volumeChanges.backUp.from)) {
    throw invalidVolume(
      'Volume to be backed up must be available or in-use, but the current status is ' +
        `"${volume.status}".`,
    );
  }
  if (volume.status === 'in-use' && !force) {
    throw invalidVolume('Backing up an in-use volume must use the force flag.');
  }
}

async function demandEarlierBackup(transaction: CatalogWriter, volume: VolumeRow): Promise<void> {
  const earlier = await transaction.find('backups', {
    projectId: volume.projectId,
    volumeId: volume.id,
    status: ['available', 'restoring'],
  });
  if (earlier === undefined) {
    throw invalidBackup('No backups available to do an incremental backup.');
  }
}

/** What is read shows it until the backup's job has ended. */
async function holdSource(
  transaction: CatalogWriter,
  volume: VolumeRow,
  snapshot: SnapshotRow | undefined,
  updatedAt: number,
): Promise<void> {
  if (snapshot === undefined) {
    const status = volumeChanges.backUp.during;
    const changes = { status, previousStatus: volume.status, updatedAt };
    await changeVolume(transaction, volume, volumeChanges.backUp.from, changes);
    return;
  }
  await transaction.change(
    'snapshots',
    { id: snapshot.id, projectId: snapshot.projectId, status: snapshotChanges.backUp.from },
    { status: snapshotChanges.backUp.during, updatedAt },
  );
}
