import { GiB, MiB } from '../base/bytes.ts';
import { OperatingError } from '../base/errors.ts';
import { throwIfAborted } from '../base/abort.ts';
import type { Extent } from '../base/extent.ts';
import type { JsonObject } from '../base/json.ts';
import { blockBytes } from '../repository/block.ts';
import type { Repository } from '../repository/repository.ts';
import type { BackupReader } from '../repository/reader.ts';
import { requestBytesMax, type BlockDevice } from '../volume/block-device.ts';
import type { VolumeEngine } from '../volume/engine.ts';
import { PlaceFile } from './place-file.ts';

export interface RestoreOptions {
  readonly engine: Pick<VolumeEngine, 'openVolume'>;
  readonly repository: Repository;
  readonly backupId: string;
  /** A volume that is at least as large as the backup. */
  readonly volumeId: string;
  /** A local file that lets the same work go on after a crash; removed at the end. */
  readonly place: { readonly path: string; readonly purpose: string };
  readonly signal: AbortSignal;
  readonly onProgress: (progress: { bytesDone: number; bytesTotal: number }) => void;
}

/**
 * Makes the volume hold exactly what the backup holds, with zeros behind its end. Every block is
 * checked against its id on the way. When this resolves the content is durable; when it rejects, or
 * the process dies, the volume holds a mixture, and running it again makes it right: it goes on
 * from where it was, so that nobody else may have written to the volume meanwhile.
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
    const place = new PlaceFile(options.place.path, options.place.purpose);
    await copyBack(await repository.openReader(manifest), device, { ...options, file: place });
    await device.flush();
    await place.remove();
  } finally {
    await device.close();
  }
}

/** One write in so many bytes waits for the disk, so that not all of them are left to the end. */
const flushEveryBytes = 64 * MiB;

/** How far a restore has come: all of the backup before `offsetBytes` is in the volume, durably. */
interface Place {
  readonly offsetBytes: number;
  readonly bytesDone: number;
  readonly bytesTotal: number;
}

async function copyBack(
  reader: BackupReader,
  device: BlockDevice,
  { file, signal, onProgress }: RestoreOptions & { file: PlaceFile },
): Promise<void> {
  try {
    const start = placeOf(await file.read()) ?? (await clearHoles(reader, device, signal));
    const { bytesTotal } = start;
    let flushedBytes = 0;
    let reached = start;
    onProgress(start);
    const write = async (offsetBytes: number, data: Uint8Array): Promise<void> => {
      await device.write(offsetBytes, data);
      if (reached.bytesDone - flushedBytes < flushEveryBytes) return;
      flushedBytes = reached.bytesDone;
      const durable = reached;
      await device.flush();
      await file.write({ ...durable });
    };
    const lengthBytes = reader.lengthBytes - start.offsetBytes;
    const ranges = [{ offsetBytes: start.offsetBytes, lengthBytes }];
    await reader.restore(write, {
      ...(lengthBytes > 0 ? { ranges } : { ranges: [] }),
      signal,
      onProgress: ({ bytesDone, frontierBytes, settledBytes }) => {
        const offsetBytes = Math.max(start.offsetBytes, frontierBytes);
        // What lies behind the place is restored again by whoever goes on from it.
        reached = { offsetBytes, bytesDone: start.bytesDone + settledBytes, bytesTotal };
        onProgress({ bytesDone: start.bytesDone + bytesDone, bytesTotal });
      },
    });
  } finally {
    reader.close();
  }
}

function placeOf(value: JsonObject | undefined): Place | undefined {
  if (value === undefined) return undefined;
  const { offsetBytes, bytesDone, bytesTotal } = value;
  const isPlace =
    typeof offsetBytes === 'number' &&
    offsetBytes % blockBytes === 0 &&
    typeof bytesDone === 'number' &&
    typeof bytesTotal === 'number';
  return isPlace ? { offsetBytes, bytesDone, bytesTotal } : undefined;
}

/** Zeroes all that the backup holds no data for, and finds how many bytes of data there are. */
async function clearHoles(
  reader: BackupReader,
  device: BlockDevice,
  signal: AbortSignal,
): Promise<Place> {
  const found = dataOf(device);
  let data = await nextOf(found);
  // A new volume has no data: its holes cost nothing.
  const clear = async (offsetBytes: number, endBytes: number): Promise<void> => {
    while (data !== undefined && data.offsetBytes < endBytes) {
      const dataEnd = data.offsetBytes + data.lengthBytes;
      await zeroRange(device, Math.max(offsetBytes, data.offsetBytes), Math.min(endBytes, dataEnd));
      if (dataEnd > endBytes) return;
      data = await nextOf(found);
    }
  };
  let bytesOfData = 0;
  let covered = 0;
  for await (const { offsetBytes, lengthBytes, kind } of reader.extents()) {
    throwIfAborted(signal);
    covered = offsetBytes + lengthBytes;
    if (kind === 'data') bytesOfData += lengthBytes;
    else await clear(offsetBytes, covered);
  }
  await clear(covered, device.lengthBytes);
  return { offsetBytes: 0, bytesDone: 0, bytesTotal: bytesOfData };
}

/** The longest range whose extents are asked for at once: they may be very many. */
const windowBytes = GiB;

/** What of a volume is not zero, in order. */
async function* dataOf(device: BlockDevice): AsyncGenerator<Extent> {
  for (let start = 0; start < device.lengthBytes; start += windowBytes) {
    const lengthBytes = Math.min(windowBytes, device.lengthBytes - start);
    for (const extent of await device.extents(start, lengthBytes)) {
      if (extent.kind === 'data') yield extent;
    }
  }
}

async function nextOf(extents: AsyncGenerator<Extent>): Promise<Extent | undefined> {
  const next = await extents.next();
  return next.done === true ? undefined : next.value;
}

async function zeroRange(device: BlockDevice, from: number, endBytes: number): Promise<void> {
  for (let start = from; start < endBytes; start += requestBytesMax) {
    await device.zero(start, Math.min(requestBytesMax, endBytes - start));
  }
}
