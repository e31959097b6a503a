import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncFolder } from '../base/durable-file.ts';
import { fromSystemError } from '../base/errors.ts';
import { folderOf, openStoreRoot } from './open-root.ts';

/**
 * Makes the place that a store's URL names, where it is missing. Only for the very first use: a
 * place that was there and is gone is a disk that is not mounted, and must not be made anew in
 * silence.
 */
export async function makeStoreRoot(url: string): Promise<void> {
  openStoreRoot(url);
  // The buckets and containers of a server are made when they are first used.
  if (!url.startsWith('file:')) return;
  const folder = folderOf(url);
  try {
    const made = await mkdir(folder, { recursive: true, mode: 0o700 });
    if (made !== undefined) await syncFolder(dirname(made));
  } catch (error) {
    throw fromSystemError(error, `the store ${url} cannot be made`);
  }
}
