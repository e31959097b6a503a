import { GiB, MiB } from '../base/bytes.ts';
import { OperatingError } from '../base/errors.ts';
import { throwIfAborted } from '../base/abort.ts';
import type { Extent } from '../base/extent.ts';
import type { Repository } from '../repository/repository.ts';
import type { BackupReader } from '../repository/reader.ts';
import { requestBytesMax, type BlockDevice } from '../volume/block-device.ts';
import type { VolumeEngine } from '../volume/engine.ts';

export interface RestoreOptions {
  readonly engine: VolumeEngine;
  readonly repository: Repository;
  readonly backupId: string;
  /** A volume that is at least as large as the backup. */
  readonly volumeId: string;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: { bytesDone: number; bytesTotal: number }) => void;
}

/**
 * Makes the volume hold exactly what the backup holds, with zeros behind its end. Every block is
 * checked against its id on the way. When this resolves the content is durable; when it rejects, or
 * the process dies, the volume holds a mixture, and running it again makes it right.
 */
export async function restoreBackup(options: RestoreOptions): Promise<void> {
  const { engine, repository, backupId, volumeId } = options;
  const manifest = await repository.readManifest(backupId);
  const device = await engine.openVolume(volumeId);
  try {
    if (device.lengthBytes < manifest.lengthBytes) {
      throw new OperatingError(
        'invalid_input',
        `the volume (${device.lengthBytes} bytes) is smaller than ` +
          `the backup (${manifest.lengthBytes})`,
      );
    }
    await copyBack(await repository.openReader(manifest), device, options);
    await device.flush();
  } finally {
    await device.close();
  }
}

/** One write in so many bytes waits for the disk, so that not all of them are left to the end. */
const flushEveryBytes = 64 * MiB;

async function copyBack(
  reader: BackupReader,
  device: BlockDevice,
  { signal, onProgress }: RestoreOptions,
): Promise<void> {
  try {
    const bytesTotal = await clearHoles(reader, device, signal);
    let bytesDone = 0;
    onProgress({ bytesDone, bytesTotal });
    let flushedBytes = 0;
    const write = async (offsetBytes: number, data: Uint8Array): Promise<void> => {
      await device.write(offsetBytes, data);
      bytesDone += data.length;
      onProgress({ bytesDone, bytesTotal });
      if (bytesDone - flushedBytes < flushEveryBytes) return;
      flushedBytes = bytesDone;
      await device.flush();
    };
    await reader.restore(write, { signal });
  } finally {
    reader.close();
  }
}

/** Zeroes all that the backup holds no data for, and returns how many bytes of data there are. */
async function clearHoles(
  reader: BackupReader,
  device: BlockDevice,
  signal: AbortSignal,
): Promise<number> {
  let bytesOfData = 0;
  let covered = 0;
  for await (const extent of reader.extents()) {
    throwIfAborted(signal);
    covered = extent.offsetBytes + extent.lengthBytes;
    if (extent.kind === 'data') bytesOfData += extent.lengthBytes;
    else await clear(device, extent.offsetBytes, extent.lengthBytes);
  }
  await clear(device, covered, device.lengthBytes - covered);
  return bytesOfData;
}

/** The longest range whose extents are asked for at once. */
const windowBytes = GiB;

/** Zeroes what is not zero already, so that a new volume's holes cost nothing. */
async function clear(device: BlockDevice, offsetBytes: number, lengthBytes: number): Promise<void> {
  const end = offsetBytes + lengthBytes;
  for (let start = offsetBytes; start < end; start += windowBytes) {
    for (const extent of await device.extents(start, Math.min(windowBytes, end - start))) {
      if (extent.kind === 'data') await zeroExtent(device, extent);
    }
  }
}

async function zeroExtent(device: BlockDevice, extent: Extent): Promise<void> {
  const end = extent.offsetBytes + extent.lengthBytes;
  for (let start = extent.offsetBytes; start < end; start += requestBytesMax) {
    await device.zero(start, Math.min(requestBytesMax, end - start));
  }
}
