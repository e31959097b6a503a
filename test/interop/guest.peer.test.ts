/**
 * A real machine on a volume: it makes a file system, writes, and is snapshotted while it writes.
 * Every snapshot is what a power cut would have left: clean after the journal was replayed, with
 * all that was synced before.
 */
import assert from 'node:assert/strict';
import { globSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { seeded } from '../../demo/random.ts';
import { GiB, MiB } from '../../src/base/bytes.ts';
import { type Scene, snapshotReady, volumeReady } from '../firn.ts';
import { assertClean, assertFiles, replayJournal } from './guest-files.ts';
import { needsGuest } from './guest-image.ts';
import { copyVolume, type GuestScene, startGuestScene } from './guest-scene.ts';
import { until } from './until.ts';

const seed = Number(process.env['FIRN_TEST_SEED'] ?? Math.floor(performance.timeOrigin % 2 ** 31));
const snapshotCount = 5;
/** Files that the guest writes between two snapshots. */
const filesBetween = 8;
/** A snapshot comes within this time after a report, which is long enough for a file or two. */
const snapshotWithinMs = 100;
const bigFileBytes = 32 * MiB;

process.stdout.write(`# guest.peer.test.ts: FIRN_TEST_SEED=${seed}\n`);

interface Taken {
  readonly snapshotId: string;
  /** The last file that the guest had reported when the snapshot was asked for. */
  readonly before: number;
  /** The last file that it had reported when the snapshot was there. */
  readonly after: number;
}

test('snapshots of a guest that writes are clean and lack nothing', needsGuest(), async (t) => {
  const random = seeded(seed);
  const running = await startGuestScene(t, { reconnectDelaySeconds: 0 });
  const { scene, guest, volumeId, attachmentId } = running;
  await guest.startWriting(1);
  const taken: Taken[] = [];
  while (taken.length < snapshotCount) {
    await guest.written(guest.lastWritten + filesBetween);
    await sleep(random() * snapshotWithinMs);
    taken.push(await takeSnapshot(running));
  }
  await guest.written(guest.lastWritten + filesBetween);
  const last = await guest.stopWriting();
  await trimGivesSpaceBack(running);
  await growsUnderIt(running);
  await guest.run('umount /mnt');
  await guest.powerOff();
  assert.doesNotMatch(guest.kernelLog(), /I\/O error|EXT4-fs error/);
  await scene.client.detach(attachmentId);
  for (const moment of taken) {
    t.diagnostic(`a snapshot between the reports of files ${moment.before} and ${moment.after}`);
    await checkSnapshot(scene, moment);
  }
  // After a shutdown in order there is no journal to replay.
  const disk = await copyVolume(scene, volumeId, 'end');
  await assertClean(disk);
  await assertFiles(disk, { before: last, after: last });
});

async function takeSnapshot({ scene, guest, volumeId }: GuestScene): Promise<Taken> {
  const before = guest.lastWritten;
  const snapshotId = await scene.client.snapshots.create({ volume_id: volumeId, force: true });
  await snapshotReady(scene.client, snapshotId);
  return { snapshotId, before, after: guest.lastWritten };
}

/** What the guest removes and trims is space of the host again. */
async function trimGivesSpaceBack({ scene, guest }: GuestScene): Promise<void> {
  const blocks = `bs=1M count=${bigFileBytes / MiB} iflag=fullblock`;
  await guest.run(`dd if=/dev/urandom of=/mnt/big ${blocks} conv=fsync`);
  const fullBytes = hostBytes(scene);
  // What was trimmed is given back when a flush has made it durable, which the last sync sends.
  await guest.run('rm /mnt/big && sync && fstrim /mnt && sync');
  const leastBytes = bigFileBytes / 2;
  await until('the space is free again', () => hostBytes(scene) < fullBytes - leastBytes);
}

/** A volume that has grown is a larger disk, without a restart of the machine. */
async function growsUnderIt({ scene, guest, volumeId }: GuestScene): Promise<void> {
  const sectors = async (): Promise<number> =>
    Number((await guest.run('cat /sys/block/vda/size')).join(''));
  await scene.client.extend(volumeId, 2);
  await until('the volume has grown', async () => {
    const { size, status } = await scene.client.volumes.show(volumeId);
    return size === 2 && status === 'in-use';
  });
  assert.equal(await sectors(), GiB / 512, 'nobody has told the machine');
  await guest.learnSize(2 * GiB);
  await until('the disk is larger', async () => (await sectors()) === (2 * GiB) / 512);
  await guest.run('dd if=/dev/urandom of=/dev/vda bs=1M seek=2047 count=1 conv=fsync');
}

/** What the files of all volumes take on this machine, holes not counted. */
function hostBytes({ dataFolder }: Scene): number {
  const files = globSync(join(dataFolder, '**', 'layers', '*', '*'));
  return files.reduce((sum, file) => sum + statSync(file).blocks * 512, 0);
}

async function checkSnapshot(scene: Scene, taken: Taken): Promise<void> {
  const request = { size: 1, snapshot_id: taken.snapshotId };
  const volumeId = await volumeReady(scene.client, await scene.client.volumes.create(request));
  const disk = await copyVolume(scene, volumeId, taken.snapshotId);
  await replayJournal(disk);
  await assertClean(disk);
  await assertFiles(disk, taken);
}
