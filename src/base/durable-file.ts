import * as fs from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { newHexId } from './ids.ts';
import { settleAll } from './serial.ts';

const openFile = promisify(fs.open);
const syncFile = promisify(fs.fsync);

/**
 * Makes the names in a folder durable: what was created, renamed or removed in it stays so after a
 * power cut.
 */
export async function syncFolder(folder: string): Promise<void> {
  const descriptor = await openFile(folder, 'r');
  try {
    await syncFile(descriptor);
  } finally {
    // Of a folder that takes no wait, and a thread for it would be waited for.
    fs.closeSync(descriptor);
  }
}

/** The mark of a file that is being written; whoever finds one that nobody writes may remove it. */
export const temporarySuffix = '.tmp';

/**
 * Writes a file whole or not at all, and durably: temporary name, write, fsync, rename, fsync of
 * the folder. An existing file is replaced. When it rejects, `path` is as it was before.
 */
export async function writeDurably(
  path: string,
  content: Uint8Array | readonly Uint8Array[] | string,
  options: { mode?: number } = {},
): Promise<void> {
  const temporary = `${path}.${newHexId()}${temporarySuffix}`;
  const chunks = typeof content === 'string' ? [Buffer.from(content)] : [content].flat();
  try {
    const handle = await open(temporary, 'wx', options.mode ?? 0o644);
    try {
      for (const chunk of chunks) await handle.writeFile(chunk);
      await handle.sync();
    } catch (error) {
      await handle.close();
      throw error;
    }
    await settleAll([handle.close(), rename(temporary, path)]);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
}
