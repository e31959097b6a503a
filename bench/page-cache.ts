/** Puts files into the page cache, or out of it, without touching anything else on the machine. */
import { spawnSync } from 'node:child_process';
import { closeSync, fsyncSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { MiB } from '../src/base/bytes.ts';
import { OperatingError } from '../src/base/errors.ts';

/** Shares of the bytes that must be in memory, or may be, for files that count as hot or cold. */
const hotShareLeast = 0.99;
const coldShareMost = 0.02;

/** All regular files of a folder, however deep. */
export function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Everything that was written to the files is on the disk afterwards. */
export function syncFiles(paths: readonly string[]): void {
  for (const path of paths) withFile(path, fsyncSync);
}

/** Reads what is not in memory yet. */
export function makeHot(paths: readonly string[]): void {
  if (residentShare(paths) >= hotShareLeast) return;
  const buffer = Buffer.alloc(4 * MiB);
  for (const path of paths) {
    withFile(path, (fd) => {
      while (readSync(fd, buffer) > 0);
    });
  }
}

/**
 * Syncs the files and lets the kernel forget their pages: `dd` with `nocache` and no data is
 * posix_fadvise(2) with POSIX_FADV_DONTNEED. Throws when they stay, so that no row is cold in name
 * only. What the machine's own host has cached stays out of reach.
 */
export function makeCold(paths: readonly string[]): void {
  syncFiles(paths);
  for (const path of paths) command('dd', [`if=${path}`, 'iflag=nocache', 'count=0']);
  const share = residentShare(paths);
  if (share > coldShareMost) {
    throw new OperatingError('io', `${(share * 100).toFixed(1)} % of the files stay in memory`);
  }
}

/**
 * Which part of the bytes on disk is in memory too, by fincore(1). The holes of a file are no bytes
 * on disk: the head after a snapshot is nearly nothing else.
 */
function residentShare(paths: readonly string[]): number {
  const said = command('fincore', ['-b', '-n', '-r', '-o', 'RES', ...paths]);
  const resident = said.trim().split('\n').map(Number);
  let residentBytes = 0;
  let totalBytes = 0;
  for (const [index, path] of paths.entries()) {
    const { size, blocks } = statSync(path);
    const onDisk = Math.min(size, blocks * 512);
    residentBytes += Math.min(resident[index] ?? 0, onDisk);
    totalBytes += onDisk;
  }
  return totalBytes === 0 ? 1 : residentBytes / totalBytes;
}

function withFile(path: string, use: (fd: number) => void): void {
  const fd = openSync(path, 'r');
  try {
    use(fd);
  } finally {
    closeSync(fd);
  }
}

function command(name: string, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(name, args, { encoding: 'utf8' });
  if (error !== undefined) throw error;
  if (status !== 0) throw new OperatingError('io', `${name} ended with ${status}: ${stderr}`);
  return stdout;
}
