import { link, mkdir, open, rename, rm, stat, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { roundDown } from '../base/bytes.ts';
import { DirectWrites } from '../base/direct-writes.ts';
import { pageBytes } from '../base/page-memory.ts';
import { syncFolder, temporarySuffix } from '../base/durable-file.ts';
import { errnoOf, OperatingError } from '../base/errors.ts';
import { newHexId } from '../base/ids.ts';

/** Begins the name of every file that is being written; a capital cannot be in an object's name. */
const temporaryPrefix = 'NEW-';

export function isTemporary(fileName: string): boolean {
  return fileName.startsWith(temporaryPrefix) && fileName.endsWith(temporarySuffix);
}

/**
 * Makes the folders between `root`, which must be there, and `path`, durably. The root itself is
 * never made: what looks like an empty folder may be a mount point without its disk.
 */
export async function makeParents(root: string, name: string): Promise<void> {
  let folder = root;
  for (const part of name.split('/').slice(0, -1)) {
    const child = join(folder, part);
    if (await makeFolder(child)) await syncFolder(folder);
    folder = child;
  }
}

/** True when the folder was made, false when it was there. */
export async function makeFolder(path: string): Promise<boolean> {
  try {
    await mkdir(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Writes a file that is not there yet, whole and durably: temporary file in the same folder, write,
 * fsync, link to its name (which fails when the name is taken), fsync of the folder. With `replace`
 * it is renamed to its name, in the place of what is there.
 */
export async function putFile(
  path: string,
  chunks: readonly Uint8Array[],
  { replace = false }: { replace?: boolean } = {},
): Promise<void> {
  await finishFile(await openUnnamed(path), chunks, { path, replace });
}

/** A file under a temporary name, in the folder of the name that it is to have. */
export interface UnnamedFile {
  readonly handle: FileHandle;
  readonly temporary: string;
}

export async function openUnnamed(path: string): Promise<UnnamedFile> {
  const fileName = `${temporaryPrefix}${newHexId()}${temporarySuffix}`;
  const temporary = join(dirname(path), fileName);
  return { temporary, handle: await open(temporary, 'wx', 0o640) };
}

/** Does the rest of `putFile` when the first `writtenBytes` are in the file, and closes it. */
export async function finishFile(
  { handle, temporary }: UnnamedFile,
  chunks: readonly Uint8Array[],
  options: { path: string; replace?: boolean; writtenBytes?: number },
): Promise<void> {
  const { path, replace = false, writtenBytes = 0 } = options;
  try {
    try {
      await writeAll(handle, chunks, writtenBytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await (replace ? rename(temporary, path) : nameFile(temporary, path));
  } catch (error) {
    await removeQuietly(temporary);
    throw error;
  }
  await syncFolder(dirname(path));
}

/** Gives up a file that has no name yet. */
export async function dropUnnamed({ handle, temporary }: UnnamedFile): Promise<void> {
  await Promise.allSettled([handle.close()]);
  await removeQuietly(temporary);
}

async function writeAll(
  handle: FileHandle,
  chunks: readonly Uint8Array[],
  writtenBytes: number,
): Promise<void> {
  const direct = new DirectWrites(handle.fd);
  try {
    let start = 0;
    for (const chunk of chunks) {
      let done = Math.min(chunk.length, Math.max(0, writtenBytes - start));
      const whole = chunk.subarray(done, roundDown(chunk.length, pageBytes));
      if (direct.takes(whole, start + done)) done += await direct.write(whole, start + done);
      while (done < chunk.length) {
        const left = chunk.length - done;
        const { bytesWritten } = await handle.write(chunk, done, left, start + done);
        done += bytesWritten;
      }
      start += chunk.length;
    }
  } finally {
    direct.close();
  }
}

const withoutHardLinks = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

async function nameFile(temporary: string, path: string): Promise<void> {
  try {
    await link(temporary, path);
    await unlink(temporary);
  } catch (error) {
    if (!withoutHardLinks.has(errnoOf(error) ?? '')) throw error;
    // A medium without hard links: names never collide by construction, so looking first is enough.
    if (await isThere(path)) throw new OperatingError('exists', `${path} is there already`);
    await rename(temporary, path);
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/**
 * What cannot be removed now is swept by a later `list`; the first error is the one that matters.
 */
async function removeQuietly(path: string): Promise<void> {
  await Promise.allSettled([rm(path, { force: true })]);
}
