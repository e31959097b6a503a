import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { MiB } from '../base/bytes.ts';
import { syncFolder, temporarySuffix } from '../base/durable-file.ts';
import { errnoOf, fromSystemError, OperatingError } from '../base/errors.ts';
import { newHexId } from '../base/ids.ts';
import type { BackupReader } from '../repository/reader.ts';

type Report = (bytesDone: number, bytesTotal: number) => void;

/**
 * Writes a backup to a new, sparse file, which has its name only when it is whole and durable; or
 * over a block device, zeros included. Every block is checked.
 */
export async function restoreToFile(
  reader: BackupReader,
  target: string,
  report: Report,
): Promise<void> {
  try {
    if (await isDisk(target)) {
      await using disk = await open(target, 'r+');
      await demandRoom(disk, reader.lengthBytes, target);
      await writeHoles(disk, reader);
      await writeData(disk, reader, report);
      return;
    }
    await writeNewFile(reader, target, report);
  } catch (error) {
    throw fromSystemError(error, `${target} cannot be written`);
  }
}

/** Rejects with `exists` for what is there and no block device. */
async function isDisk(path: string): Promise<boolean> {
  try {
    if ((await stat(path)).isBlockDevice()) return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
  throw new OperatingError('exists', `${path} is there already`);
}

async function writeNewFile(reader: BackupReader, path: string, report: Report): Promise<void> {
  const temporary = `${path}.${newHexId()}${temporarySuffix}`;
  try {
    {
      await using file = await open(temporary, 'wx');
      await file.truncate(reader.lengthBytes);
      await writeData(file, reader, report);
    }
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function writeData(file: FileHandle, reader: BackupReader, report: Report): Promise<void> {
  let bytesTotal = 0;
  for await (const extent of reader.extents()) {
    if (extent.kind === 'data') bytesTotal += extent.lengthBytes;
  }
  await reader.restore((offsetBytes, data) => writeAt(file, data, offsetBytes), {
    onProgress: ({ bytesDone }) => report(bytesDone, bytesTotal),
  });
  await file.sync();
}

/** A disk shows what was on it where nothing is written. */
async function writeHoles(file: FileHandle, reader: BackupReader): Promise<void> {
  const zeros = Buffer.alloc(MiB);
  for await (const { kind, offsetBytes, lengthBytes } of reader.extents()) {
    if (kind === 'data') continue;
    for (let done = 0; done < lengthBytes; done += zeros.length) {
      const piece = zeros.subarray(0, Math.min(zeros.length, lengthBytes - done));
      await writeAt(file, piece, offsetBytes + done);
    }
  }
}

async function demandRoom(disk: FileHandle, lengthBytes: number, path: string): Promise<void> {
  const last = Buffer.alloc(1);
  const { bytesRead } = await disk.read(last, 0, 1, Math.max(0, lengthBytes - 1));
  if (bytesRead === 1) return;
  throw new OperatingError('no_space', `${path} is smaller than the backup (${lengthBytes} bytes)`);
}

async function writeAt(file: FileHandle, data: Uint8Array, offsetBytes: number): Promise<void> {
  for (let done = 0; done < data.length;) {
    const left = data.length - done;
    const { bytesWritten } = await file.write(data, done, left, offsetBytes + done);
    done += bytesWritten;
  }
}
