import { OperatingError } from '../../base/errors.ts';
import type { CatalogReader } from '../../catalog/catalog.ts';
import type { BackupRow, ImageRow, SnapshotRow, VolumeRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { findBackup, invalidBackup } from '../backup/find-backup.ts';
import { findSnapshot } from '../snapshot/find-snapshot.ts';
import { isOneOf } from '../states.ts';
import { findVolume, invalidInput, invalidVolume } from './find-volume.ts';
import { demandFits, findImageSource } from './volume-from-image.ts';

/** What a new volume begins as. */
export interface SourceIds {
  readonly snapshotId: string | null;
  readonly sourceVolumeId: string | null;
  readonly backupId: string | null;
  readonly imageId: string | null;
}

export type VolumeSource =
  | { readonly kind: 'empty' }
  | { readonly kind: 'snapshot'; readonly snapshot: SnapshotRow; readonly volume: VolumeRow }
  | { readonly kind: 'volume'; readonly volume: VolumeRow }
  | { readonly kind: 'backup'; readonly backup: BackupRow }
  | { readonly kind: 'image'; readonly image: ImageRow };

/** The source, which the caller may use and which is in a state to be read. */
export async function findSource(
  reader: CatalogReader,
  caller: Caller,
  ids: SourceIds,
): Promise<VolumeSource> {
  const { snapshotId, sourceVolumeId, backupId, imageId } = ids;
  const named = [snapshotId, sourceVolumeId, backupId, imageId].filter((id) => id !== null);
  if (named.length > 1) {
    throw invalidInput(
      'May specify only one of snapshot, imageRef, backup or source volume.',
      'snapshot_id',
    );
  }
  if (imageId !== null) {
    return { kind: 'image', image: await findImageSource(reader, caller, imageId) };
  }
  if (snapshotId !== null) return await fromSnapshot(reader, caller, snapshotId);
  if (sourceVolumeId !== null) return await fromVolume(reader, caller, sourceVolumeId);
  if (backupId !== null) return await fromBackup(reader, caller, backupId);
  return { kind: 'empty' };
}

async function fromSnapshot(
  reader: CatalogReader,
  caller: Caller,
  snapshotId: string,
): Promise<VolumeSource> {
  const snapshot = await findSnapshot(reader, caller, snapshotId);
  if (!isOneOf(snapshot.status, ['available', 'backing-up'])) {
    throw new OperatingError(
      'invalid_state',
      "Invalid snapshot: Originating snapshot status must be one of 'available' values",
    );
  }
  return {
    kind: 'snapshot',
    snapshot,
    volume: await findVolume(reader, caller, snapshot.volumeId),
  };
}

async function fromVolume(
  reader: CatalogReader,
  caller: Caller,
  volumeId: string,
): Promise<VolumeSource> {
  const volume = await findVolume(reader, caller, volumeId);
  if (!isOneOf(volume.status, ['available', 'in-use', 'backing-up'])) {
    throw invalidVolume(
      'Unable to create a volume from an originating source volume when its status is not one ' +
        "of 'available', 'in-use' values",
    );
  }
  return { kind: 'volume', volume };
}

async function fromBackup(
  reader: CatalogReader,
  caller: Caller,
  backupId: string,
): Promise<VolumeSource> {
  const backup = await findBackup(reader, caller, backupId);
  if (backup.status !== 'available') {
    throw invalidBackup("Originating backup status must be one of 'available' values");
  }
  return { kind: 'backup', backup };
}

/**
 * The size in GiB, the source's when none is given; rejects one that the source does not fit in.
 */
export function sizeFor(source: VolumeSource, size: number | null): number {
  const least = leastSize(source);
  if (size === null && least === undefined) {
    throw invalidInput("Volume size 'None' must be an integer and greater than 0", 'size');
  }
  const chosen = size ?? least ?? 0;
  if (source.kind === 'image') {
    if (chosen > 0) demandFits(source.image, chosen);
    return chosen;
  }
  if (least !== undefined && chosen < least) throw invalidInput(tooSmall(source, chosen), 'size');
  return chosen;
}

function leastSize(source: VolumeSource): number | undefined {
  if (source.kind === 'snapshot') return source.snapshot.size;
  if (source.kind === 'volume') return source.volume.size;
  return source.kind === 'backup' ? source.backup.size : undefined;
}

function tooSmall(source: VolumeSource, size: number): string {
  const least = leastSize(source);
  if (source.kind === 'snapshot') {
    return (
      `Volume size '${size}'GB cannot be smaller than the snapshot size ${least}GB. ` +
      'They must be >= original snapshot size.'
    );
  }
  if (source.kind === 'volume') {
    return (
      `Volume size '${size}'GB cannot be smaller than original volume size ${least}GB. ` +
      'They must be >= original volume size.'
    );
  }
  return (
    `Volume size '${size}'GB cannot be smaller than the backup size ${least}GB. ` +
    'They must be >= backup size.'
  );
}
