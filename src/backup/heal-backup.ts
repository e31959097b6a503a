import { isOperatingError } from '../base/errors.ts';
import { blockBytes } from '../repository/block.ts';
import type { CopyReader } from '../repository/heal.ts';
import type { BackupReader, ByteSpan } from '../repository/reader.ts';
import type { Repository } from '../repository/repository.ts';
import type { BlockDevice } from '../volume/block-device.ts';
import type { VolumeEngine } from '../volume/engine.ts';
import { checkpointId } from './checkpoint.ts';

export interface HealBackupOptions {
  readonly engine: VolumeEngine;
  readonly repository: Repository;
  readonly backupId: string;
  /** The volume that was backed up, and the snapshot that was read, if they are still there. */
  readonly volumeId: string;
  readonly snapshotId: string | null;
  /** What is damaged. */
  readonly ranges: readonly ByteSpan[];
  readonly signal: AbortSignal;
}

/**
 * Stores damaged blocks of a backup anew, from the layer that it was read from, its snapshot, or
 * the volume as it is now, where these have the same bytes. Answers what is still damaged.
 */
export async function healBackup(options: HealBackupOptions): Promise<ByteSpan[]> {
  const { engine, repository, backupId, volumeId, snapshotId, signal } = options;
  const manifest = await repository.readManifest(backupId);
  const devices: BlockDevice[] = [];
  const open = async (opening: () => Promise<BlockDevice>): Promise<void> => {
    try {
      devices.push(await opening());
    } catch (error) {
      // A copy that is not there, or cannot be read, is no copy.
      if (!isOperatingError(error)) throw error;
    }
  };
  let left = [...options.ranges];
  try {
    await open(() => engine.openSnapshot(checkpointId(backupId)));
    if (snapshotId !== null) await open(() => engine.openSnapshot(snapshotId));
    await open(() => engine.openVolume(volumeId));
    const copies = devices.map(copyOf);
    for (let healed = 1; healed > 0 && left.length > 0 && copies.length > 0;) {
      healed = await repository.heal(manifest, left, copies, signal);
      if (healed > 0) left = await stillDamaged(await repository.openReader(manifest), left);
    }
  } finally {
    for (const device of devices) await device.close();
  }
  return left;
}

function copyOf(device: BlockDevice): CopyReader {
  return async (offsetBytes, target) => {
    const lengthBytes = Math.min(target.length, device.lengthBytes - offsetBytes);
    if (lengthBytes <= 0) return false;
    try {
      await device.read(offsetBytes, target.subarray(0, lengthBytes));
      return true;
    } catch (error) {
      if (isOperatingError(error)) return false;
      throw error;
    }
  };
}

/** The blocks of the ranges that cannot be read; neighbours together. */
async function stillDamaged(
  reader: BackupReader,
  ranges: readonly ByteSpan[],
): Promise<ByteSpan[]> {
  const left: ByteSpan[] = [];
  try {
    for (const { offsetBytes, lengthBytes } of ranges) {
      const end = offsetBytes + lengthBytes;
      for (let at = offsetBytes; at < end; at += blockBytes) {
        const length = Math.min(blockBytes, end - at);
        if (await canRead(reader, at, length)) continue;
        const last = left.at(-1);
        if (last !== undefined && last.offsetBytes + last.lengthBytes === at) {
          left[left.length - 1] = { ...last, lengthBytes: last.lengthBytes + length };
        } else left.push({ offsetBytes: at, lengthBytes: length });
      }
    }
  } finally {
    reader.close();
  }
  return left;
}

async function canRead(
  reader: BackupReader,
  offsetBytes: number,
  length: number,
): Promise<boolean> {
  try {
    await reader.read(offsetBytes, new Uint8Array(length));
    return true;
  } catch (error) {
    if (isOperatingError(error, 'corrupt')) return false;
    throw error;
  }
}
