/**
 * Firn is killed (SIGKILL) at random moments of a backup, a restore and a snapshot. After a restart
 * the work is resumed and ends right, and what comes back is what was there, byte for byte.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { hashDisk, withDisk } from '../../demo/disk.ts';
import { randomBytes, type Random, seeded } from '../../demo/random.ts';
import { MiB } from '../../src/base/bytes.ts';
import type { Client } from '../../src/client/client.ts';
import { backupReady, type Scene, snapshotReady, startScene, volumeReady } from '../firn.ts';

const seed = Number(process.env['FIRN_TEST_SEED'] ?? Math.floor(performance.timeOrigin % 2 ** 31));
const rounds = Number(process.env['FIRN_TEST_ROUNDS'] ?? 3);
/** So much data that a backup of it takes about as long as the longest wait before a kill. */
const dataMiB = 96;
const killWithinMs = 900;

process.stdout.write(`# kill.test.ts: FIRN_TEST_SEED=${seed}\n`);

async function makeVolume(client: Client, random: Random): Promise<{ id: string; hash: string }> {
  const id = await volumeReady(client, await client.volumes.create({ name: 'source', size: 1 }));
  const hash = await withDisk(client, id, async (disk) => {
    for (let at = 0; at < dataMiB; at += 4)
      await disk.write(at * 2 * MiB, randomBytes(random, 4 * MiB));
    await disk.flush();
    return await hashDisk(disk);
  });
  return { id, hash };
}

async function killSoon(scene: Scene, random: Random): Promise<void> {
  await sleep(random() * killWithinMs);
  await scene.firn.kill();
  await scene.restart();
}

async function hashOf(client: Client, volumeId: string): Promise<string> {
  return await withDisk(client, volumeId, hashDisk);
}

test('a backup that is killed is resumed, and holds the snapshot', async (t) => {
  const random = seeded(seed);
  const scene = await startScene(t);
  const volume = await makeVolume(scene.client, random);
  const request = { volume_id: volume.id, name: 'snapshot', force: true };
  const snapshotId = await snapshotReady(
    scene.client,
    await scene.client.snapshots.create(request),
  );
  for (let round = 0; round < rounds; round += 1) {
    // A container of its own each round: nothing is there already that would make it quick.
    const backupId = await scene.client.backups.create({
      volume_id: volume.id,
      snapshot_id: snapshotId,
      name: `round ${round}`,
      container: `round-${round}`,
    });
    await killSoon(scene, random);
    await backupReady(scene.client, backupId);
    const snapshot = await scene.client.snapshots.show(snapshotId);
    assert.equal(snapshot.status, 'available', 'the snapshot is free again');
    const { volumeId } = await scene.client.restore(backupId, { name: `restored ${round}` });
    await volumeReady(scene.client, volumeId);
    assert.equal(await hashOf(scene.client, volumeId), volume.hash);
    await scene.client.volumes.delete(volumeId);
  }
});

test('a restore that is killed is resumed, and the volume is the backup', async (t) => {
  const random = seeded(seed + 1);
  const scene = await startScene(t);
  const volume = await makeVolume(scene.client, random);
  const backupId = await backupReady(
    scene.client,
    await scene.client.backups.create({ volume_id: volume.id, name: 'backup' }),
  );
  for (let round = 0; round < rounds; round += 1) {
    const { volumeId } = await scene.client.restore(backupId, { name: `restored ${round}` });
    await killSoon(scene, random);
    await volumeReady(scene.client, volumeId);
    await backupReady(scene.client, backupId);
    assert.equal(await hashOf(scene.client, volumeId), volume.hash);
    await scene.client.volumes.delete(volumeId);
  }
});

test('no flushed write is lost when snapshots are taken and the process is killed', async (t) => {
  const random = seeded(seed + 2);
  const scene = await startScene(t);
  const id = await scene.client.volumes.create({ name: 'counter', size: 1 });
  await volumeReady(scene.client, id);
  let flushed = 0;
  for (let round = 0; round < rounds; round += 1) {
    const attached = Promise.withResolvers<void>();
    const writing = writeCounter(scene.client, id, { from: flushed, begun: attached.resolve });
    await attached.promise;
    const snapshotId = await scene.client.snapshots.create({ volume_id: id, force: true });
    await killSoon(scene, random);
    ({ flushed } = await writing);
    await detachAll(scene.client, id);
    const [volume, snapshot] = [
      await readCounter(scene.client, id),
      await scene.client.snapshots.show(snapshotId),
    ];
    assert.ok(volume >= flushed, `flushed ${flushed}, found ${volume}`);
    await snapshotReady(scene.client, snapshot.id);
    const request = { name: 'clone', size: 1, snapshot_id: snapshotId };
    const clone = await volumeReady(scene.client, await scene.client.volumes.create(request));
    assert.ok((await readCounter(scene.client, clone)) <= volume, 'the snapshot is not newer');
    flushed = volume;
  }
});

/** Counts up in one sector, with a flush after every step, until the connection breaks. */
async function writeCounter(
  client: Client,
  volumeId: string,
  { from, begun }: { from: number; begun: () => void },
): Promise<{ flushed: number }> {
  let flushed = from;
  await withDisk(client, volumeId, async (disk) => {
    begun();
    for (let value = from + 1; ; value += 1) {
      const sector = Buffer.alloc(4096);
      sector.writeUInt32BE(value);
      await disk.write(0, sector);
      await disk.flush();
      flushed = value;
    }
  }).catch((error: unknown) => assert.ok(error instanceof Error, 'the connection broke'));
  return { flushed };
}

/** The writer's attachment outlived the process that it was made in. */
async function detachAll(client: Client, volumeId: string): Promise<void> {
  const { attachments } = await client.volumes.show(volumeId);
  for (const { attachment_id: id } of attachments) await client.detach(id);
}

async function readCounter(client: Client, volumeId: string): Promise<number> {
  return await withDisk(client, volumeId, async (disk) => {
    const sector = Buffer.alloc(4096);
    await disk.read(0, sector);
    return sector.readUInt32BE();
  });
}
