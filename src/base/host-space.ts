import { statfs } from 'node:fs/promises';

/** Bytes of the filesystem that a folder is on. */
export interface HostSpace {
  readonly totalBytes: number;
  /** What this process may still write. */
  readonly freeBytes: number;
}

export async function hostSpaceOf(folder: string): Promise<HostSpace> {
  const { bsize, blocks, bavail } = await statfs(folder);
  return { totalBytes: bsize * blocks, freeBytes: bsize * bavail };
}
