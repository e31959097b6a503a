/** A folder as a killed Firn leaves it: the copy of one that an engine has open. For tests. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KiB, MiB } from '../base/bytes.ts';
import { nodeFileOperations } from '../layer/node-file-operations.ts';
import { hookedFileOperations, systemError } from '../volume/failing-files.ts';
import { openVolumeEngine } from '../volume/open-engine.ts';

const sector = 4 * KiB;

export interface KilledFolder {
  readonly folder: string;
  /** Layers without a record that leads to them. */
  readonly newerHeads: number;
  remove(): Promise<void>;
}

/**
 * Volume `v` of 1 MiB has 1 in its first sector, flushed, and 2 in its second, only written;
 * volume `w` is as large, and flushed. With `hasNewerHeads`, two more heads of `v` could not be
 * named in its record, and the newest has 3 in the third sector.
 */
export async function makeKilledFolder({ hasNewerHeads = false } = {}): Promise<KilledFolder> {
  const parent = await mkdtemp(join(tmpdir(), 'firn-killed-'));
  const live = join(parent, 'live');
  const folder = join(parent, 'killed');
  let isFull = false;
  const fs = hookedFileOperations((operation, path) => {
    if (isFull && operation === 'writeDurably' && path.endsWith('v.json')) {
      throw systemError('ENOSPC');
    }
  });
  const engine = await openVolumeEngine({ folder: live, fs, report: () => undefined });
  for (const volumeId of ['v', 'w']) await engine.createVolume({ volumeId, lengthBytes: MiB });
  const [v, w] = [await engine.openVolume('v'), await engine.openVolume('w')];
  await w.write(0, Buffer.alloc(sector, 9));
  await w.flush();
  await v.write(0, Buffer.alloc(sector, 1));
  await v.flush();
  await v.write(sector, Buffer.alloc(sector, 2));
  isFull = hasNewerHeads;
  for (const snapshotId of hasNewerHeads ? ['a', 'b'] : []) {
    const wanted = [{ volumeId: 'v', snapshotId }];
    await assert.rejects(engine.createSnapshots(wanted), { code: 'no_space' });
    await v.write(2 * sector, Buffer.alloc(sector, 3));
  }
  execFileSync('cp', ['-a', '--sparse=always', live, folder]);
  isFull = false;
  await Promise.allSettled([v.close()]);
  await w.close();
  await engine.close();
  const layers = await readdir(join(folder, 'layers'));
  return { folder, newerHeads: layers.length - 2, remove: () => rm(parent, { recursive: true }) };
}

/** Starts and stops an engine once, and answers what `v` begins with, by sector. */
export async function startOnce(folder: string): Promise<number[]> {
  const engine = await openVolumeEngine({ folder, fs: nodeFileOperations });
  const device = await engine.openVolume('v');
  const found = Buffer.alloc(3 * sector);
  await device.read(0, found);
  await device.close();
  await engine.settled();
  await engine.close();
  return [0, 1, 2].map((at) => found[at * sector] ?? -1);
}
