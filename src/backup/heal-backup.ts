import { isOperatingError } from '../base/errors.ts';
import { blockBytes } from '../repository/block.ts';
import type { CopyReader } from '../repository/heal-node.ts';
import type { Manifest } from '../repository/manifest.ts';
import type { BackupReader } from '../repository/reader.ts';
import type { Repository } from '../repository/repository.ts';
import type { VerifyDepth } from '../repository/verify-report.ts';
import type { BlockDevice } from '../volume/block-device.ts';
import type { VolumeEngine } from '../volume/engine.ts';
import { checkpointId } from './checkpoint.ts';
import { type BackupDamage, checkStored } from './verify-backup.ts';

export interface HealBackupOptions {
  readonly engine: VolumeEngine;
  readonly repository: Repository;
  readonly backupId: string;
  /** The volume that was backed up, and the snapshot that was read, if they are still there. */
  readonly volumeId: string;
  readonly snapshotId: string | null;
  /** What was found damaged, how deep that went, and in which copy of the objects. */
  readonly damage: BackupDamage;
  readonly depth: VerifyDepth;
  readonly copy: number;
  readonly signal: AbortSignal;
}

/**
 * Makes a damaged backup whole: whole objects from another copy in the store, and then single
 * blocks and map nodes from another copy, from the layer that was read, its snapshot, or the volume
 * as it is now, where these have the same bytes. Answers what is still damaged, read back;
 * undefined when it is whole without anything having been done: what was missing was on its way.
 */
export async function healBackup(options: HealBackupOptions): Promise<BackupDamage | undefined> {
  const { repository, backupId, damage, depth, copy, signal } = options;
  const look = (within: BackupDamage['ranges']): Promise<BackupDamage> =>
    // Without ranges nothing is known of what is in it.
    checkStored(repository, backupId, depth, {
      signal,
      copy,
      ...(within.length === 0 ? {} : { within }),
    });
  const mended = await repository.mend(damage.objects, signal);
  let left = await look(damage.ranges);
  if (left.reason === null && mended.length === 0) return undefined;
  if (left.ranges.length === 0) return left;
  const manifest = await repository.readManifest(backupId);
  await withCopies(options, manifest, async (copies) => {
    while (left.ranges.length > 0) {
      const healed = await repository.heal(manifest, left.ranges, copies, { copy, signal });
      if (healed === 0) return;
      left = await look(left.ranges);
    }
  });
  return left;
}

/** Opens every place that may have the backup's bytes, for as long as `act` takes. */
async function withCopies(
  { engine, repository, backupId, volumeId, snapshotId }: HealBackupOptions,
  manifest: Manifest,
  act: (copies: CopyReader[]) => Promise<void>,
): Promise<void> {
  const readers: BackupReader[] = [];
  const devices: BlockDevice[] = [];
  const open = async (opening: () => Promise<BlockDevice>): Promise<void> => {
    try {
      devices.push(await opening());
    } catch (error) {
      // A copy that is not there, or cannot be read, is no copy.
      if (!isOperatingError(error)) throw error;
    }
  };
  try {
    for (let copy = 0; copy < repository.copyCount; copy += 1) {
      readers.push(await repository.openReader(manifest, { copy }));
    }
    await open(() => engine.openSnapshot(checkpointId(backupId)));
    if (snapshotId !== null) await open(() => engine.openSnapshot(snapshotId));
    await open(() => engine.openVolume(volumeId));
    await act([...readers.map(copyOf), ...devices.map(copyOf)]);
  } finally {
    for (const reader of readers) reader.close();
    for (const device of devices) await device.close();
  }
}

function copyOf(place: Pick<BlockDevice, 'lengthBytes' | 'read'> | BackupReader): CopyReader {
  return async (offsetBytes, target) => {
    const lengthBytes = Math.min(blockBytes, place.lengthBytes - offsetBytes);
    if (lengthBytes <= 0) return false;
    try {
      await place.read(offsetBytes, target.subarray(0, lengthBytes));
      return true;
    } catch (error) {
      if (isOperatingError(error)) return false;
      throw error;
    }
  };
}
