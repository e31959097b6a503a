/** Firn, as a user has it: the service in a process of its own, driven through its API and NBD. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hashDisk, withDisk } from '../demo/disk.ts';
import { type FirnProcess, startFirn } from '../demo/firn-process.ts';
import { assert, must } from '../src/base/assert.ts';
import { GiB, MiB } from '../src/base/bytes.ts';
import { monotonicMs } from '../src/base/clock.ts';
import { Client } from '../src/client/client.ts';
import type { Backup } from '../src/client/block-storage-schema.ts';
import { cloudFromYaml } from '../src/client/cloud.ts';
import { diskBytes } from './command.ts';
import type { Contender, Image, Step, Write } from './contender.ts';

/** How often a status is looked at: the error of a step's time, but for that of a backup. */
const lookEveryMs = 20;
/** The same for a backup, which says itself when it was there: each look takes work away. */
const lookForBackupEveryMs = 50;

export function firn(folder: string): Contender {
  const dataFolder = join(folder, 'data');
  const store = join(dataFolder, 'backups');
  let running: FirnProcess | undefined;
  let client: Client | undefined;
  let volumeId = '';
  let backupId = '';
  let restoredId = '';
  let expected = '';
  const api = (): Client => must(client, 'prepare was called');

  async function step(work: Work): Promise<Step> {
    const seconds = await secondsOf(work);
    const peakBytes = must(running, 'prepare was called').peakMemoryBytes();
    return { seconds, peakBytes, storedBytes: diskBytes(store) };
  }

  const backup = (): Promise<Step> =>
    step(async () => {
      backupId = await api().backups.create({ volume_id: volumeId, name: 'bench' });
      const look = (): Promise<Backup> => api().backups.show(backupId);
      const { updated_at: doneAt } = await settled(look, lookForBackupEveryMs);
      return Date.parse(`${doneAt}Z`);
    });

  return {
    name: 'Firn',
    async prepare(image) {
      await rm(folder, { recursive: true, force: true });
      await mkdir(store, { recursive: true });
      running = await startFirn(dataFolder);
      client = clientOf(dataFolder);
      volumeId = await client.volumes.create({ name: 'bench', size: image.lengthBytes / GiB });
      await settled(() => api().volumes.show(volumeId));
      expected = await takeIn(client, volumeId, image);
    },
    full: backup,
    async change(writes: readonly Write[]) {
      expected = await withDisk(api(), volumeId, async (disk) => {
        for (const { offsetBytes, data } of writes) await disk.write(offsetBytes, data);
        await disk.flush();
        return await hashDisk(disk);
      });
    },
    incremental: backup,
    unchanged: backup,
    restore: () =>
      step(async () => {
        ({ volumeId: restoredId } = await api().restore(backupId, { name: 'restored' }));
        await settled(() => api().volumes.show(restoredId));
      }),
    snapshot: () =>
      step(async () => {
        const id = await api().snapshots.create({ volume_id: volumeId, name: 'bench' });
        await settled(() => api().snapshots.show(id));
      }),
    async check() {
      const found = await withDisk(api(), restoredId, hashDisk);
      assert(found === expected, 'Firn restored the image');
    },
    async close() {
      await running?.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The client that the service of a data folder made for its operator. */
export function clientOf(dataFolder: string): Client {
  const path = join(dataFolder, 'clouds.yaml');
  return new Client(cloudFromYaml(readFileSync(path, 'utf8'), path));
}

/** A step; it may answer when it was done, in milliseconds since 1970. */
type Work = () => Promise<number | void>;

export async function secondsOf(work: Work): Promise<number> {
  const [started, startedAt] = [monotonicMs(), Date.now()];
  const doneAt = await work();
  return (doneAt === undefined ? monotonicMs() - started : doneAt - startedAt) / 1000;
}

/** Waits until something is available. */
export async function settled<R extends { status: string }>(
  look: () => Promise<R>,
  everyMs = lookEveryMs,
): Promise<R> {
  for (;;) {
    const found = await look();
    if (found.status === 'available') return found;
    assert(!found.status.startsWith('error'), `${found.status} is no error`);
    await sleep(everyMs);
  }
}

/** Copies the image into the volume, and returns its hash. */
async function takeIn(client: Client, volumeId: string, image: Image): Promise<string> {
  return await withDisk(client, volumeId, async (disk) => {
    const handle = await open(image.path);
    const hash = createHash('sha256');
    try {
      const buffer = Buffer.alloc(4 * MiB);
      for (let offset = 0; offset < image.lengthBytes; offset += buffer.length) {
        const piece = buffer.subarray(0, image.lengthBytes - offset);
        await handle.read(piece, 0, piece.length, offset);
        hash.update(piece);
        if (offset < image.dataBytes) {
          await disk.write(offset, piece.subarray(0, image.dataBytes - offset));
        }
      }
      await disk.flush();
    } finally {
      await handle.close();
    }
    return hash.digest('hex');
  });
}
