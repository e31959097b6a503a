/** Restores that are killed on the way, seen from outside. */
import assert from 'node:assert/strict';
import { createCipheriv } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { withDisk } from '../demo/disk.ts';
import { MiB } from '../src/base/bytes.ts';
import { connectNbd } from '../src/client/nbd.ts';
import { must } from '../src/base/assert.ts';
import { backupReady, type Scene, startScene, volumeReady } from './firn.ts';

/** More than a restore writes between two notes of its place. */
const dataBytes = 128 * MiB;
const pieceBytes = 8 * MiB;

/** Bytes that do not shrink, the same each time. */
function piece(index: number): Buffer {
  const key = Buffer.alloc(16, index + 1);
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(pieceBytes));
}

function placeOf(index: number): number {
  const isLast = index === dataBytes / pieceBytes - 1;
  return index * pieceBytes + (isLast ? 300 * MiB : 0);
}

async function assertHolds(scene: Scene, volumeId: string): Promise<void> {
  await withDisk(scene.client, volumeId, async (disk) => {
    const read = Buffer.alloc(pieceBytes);
    for (let index = 0; index < dataBytes / pieceBytes; index += 1) {
      await disk.read(placeOf(index), read);
      assert.ok(read.equals(piece(index)), `piece ${index}`);
    }
    for (const hole of [dataBytes - pieceBytes, dataBytes + 20 * MiB, 900 * MiB]) {
      await disk.read(hole, read);
      assert.ok(
        read.every((byte) => byte === 0),
        `the hole at ${hole}`,
      );
    }
  });
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 2400; attempt += 1) {
    if (await holds()) return;
    await sleep(50);
  }
  assert.fail(what);
}

test('restores are killed on the way, and backups read as they are', async (t) => {
  const scene = await startScene(t);
  const { client } = scene;
  const volumeId = await volumeReady(client, await client.volumes.create({ name: 'd', size: 1 }));
  await withDisk(client, volumeId, async (disk) => {
    for (let index = 0; index < dataBytes / pieceBytes; index += 1) {
      await disk.write(placeOf(index), piece(index));
    }
    await disk.flush();
  });
  const backupId = await backupReady(client, await client.backups.create({ volume_id: volumeId }));
  await t.test('read over NBD without a restore, also after a restart', () =>
    readExported(scene, backupId),
  );
  await t.test('a restore over a larger volume goes on where it was', () =>
    restoreOver(scene, backupId),
  );
  await t.test('what a volume still needs is kept over kill -9, deletion and prune', () =>
    restoreInstantly(scene, backupId),
  );
});

async function readExported(scene: Scene, backupId: string): Promise<void> {
  const exported = await scene.client.exportBackup(backupId, 'here');
  const uri = must(exported.unix_uri, 'a unix socket');
  const read = async (index: number): Promise<boolean> => {
    const disk = await connectNbd({ uri });
    try {
      const target = Buffer.alloc(pieceBytes);
      await disk.read(placeOf(index), target);
      return target.equals(piece(index));
    } finally {
      await disk.disconnect();
    }
  };
  assert.ok(await read(0));
  await scene.restart(slowly);
  assert.ok(await read(dataBytes / pieceBytes - 1));
  await assert.rejects(scene.client.backups.delete(backupId), /is exported to clients/);
  await scene.client.endBackupExport(exported);
  await assert.rejects(read(0));
}

/** Slow enough to be killed on the way, where nothing else is slow. */
const slowly = ['--store-download-limit', '40', '--hydration-rate', '1'];

async function restoreOver(scene: Scene, backupId: string): Promise<void> {
  const { client } = scene;
  const onto = await volumeReady(client, await client.volumes.create({ name: 'old', size: 2 }));
  const places = [0, dataBytes, 900 * MiB, 2040 * MiB];
  await withDisk(client, onto, async (disk) => {
    for (const at of places) await disk.write(at, Buffer.alloc(pieceBytes, 'old'));
    await disk.flush();
  });
  await client.restore(backupId, { volumeId: onto });
  const doneBytes = async (): Promise<number> =>
    (await scene.client.restoreJob(backupId))?.bytes_done ?? 0;
  await until('most is restored', async () => (await doneBytes()) >= 100 * MiB);
  await scene.firn.kill();
  await scene.restart(slowly);
  await until('the restore ends', async () => {
    const { status } = await scene.client.volumes.show(onto);
    return status === 'available';
  });
  await assertHolds(scene, onto);
  await withDisk(scene.client, onto, async (disk) => {
    const read = Buffer.alloc(pieceBytes);
    await disk.read(2040 * MiB, read);
    assert.ok(
      read.every((byte) => byte === 0),
      'zeros behind the end of the backup',
    );
  });
}

async function restoreInstantly(scene: Scene, backupId: string): Promise<void> {
  const { client } = scene;
  const { volumeId } = await client.restore(backupId, { name: 'now', instant: true });
  assert.ok((await client.hydration(volumeId)) !== null, 'it is being filled');
  await client.backups.delete(backupId);
  await scene.firn.kill();
  await scene.restart(slowly);
  const { client: later } = scene;
  const container = must((await later.repositories())[0], 'a repository').container;
  await later.prune(container);
  const find = async (): Promise<boolean> =>
    later.backups.show(backupId).then(
      () => false,
      () => true,
    );
  await until('the backup is deleted', find);
  assert.ok((await later.hydration(volumeId)) !== null, 'it is still being filled');
  await scene.restart([]);
  await until('it is whole', async () => (await scene.client.hydration(volumeId)) === null);
  await assertHolds(scene, volumeId);
  await scene.client.prune(container);
  const packs = join(scene.dataFolder, 'backups', container, 'packs');
  const count = async (): Promise<number> => {
    const entries = await readdir(packs, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).length;
  };
  await until('nothing is kept any more', async () => (await count()) === 0);
}
