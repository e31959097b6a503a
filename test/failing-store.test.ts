/** A store that is full, read-only or gone: the backup says so, and nothing half-made is left. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, rename, rmdir, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { withDisk } from '../demo/disk.ts';
import { randomBytes, seeded } from '../demo/random.ts';
import { must } from '../src/base/assert.ts';
import { KiB, MiB } from '../src/base/bytes.ts';
import type { Client } from '../src/client/client.ts';
import { waitForStatus } from '../src/client/wait.ts';
import { until } from './interop/until.ts';
import { BlockStorage } from './block-storage.ts';
import { backupReady, type Scene, snapshotReady, startScene, volumeReady } from './firn.ts';

/** Longer than the pauses between all tries of a job. */
const timeoutMs = 300_000;

async function makeVolume(client: Client): Promise<string> {
  const id = await volumeReady(client, await client.volumes.create({ name: 'disk', size: 1 }));
  await withDisk(client, id, async (disk) => {
    await disk.write(0, randomBytes(seeded(3), 24 * MiB));
    await disk.flush();
  });
  return id;
}

/** Asks for a backup that cannot be made, and returns the reason that it gives. */
async function failReason(client: Client, volumeId: string): Promise<string> {
  const id = await client.backups.create({ volume_id: volumeId, name: 'unlucky' });
  const look = () => client.backups.show(id);
  await waitForStatus({ look, until: 'error', what: 'the backup', timeoutMs }).catch(
    (error: unknown) => assert.match(String(error), /is error/),
  );
  const { fail_reason: reason, status } = await look();
  assert.equal(status, 'error');
  return reason ?? '';
}

test('a store that is gone makes the backup an error that says so', async (t) => {
  const scene = await startScene(t);
  const volumeId = await makeVolume(scene.client);
  const store = join(scene.dataFolder, 'backups');
  await rename(store, `${store}-away`);
  assert.match(await failReason(scene.client, volumeId), /does not answer|gone/);
  await rename(`${store}-away`, store);
  const again = await scene.client.backups.create({ volume_id: volumeId, name: 'lucky' });
  await backupReady(scene.client, again);
});

test('a store that does not answer is told at the start, and volumes do without', async (t) => {
  const store = 's3://bucket?endpoint=http://127.0.0.1:9';
  const scene = await startScene(t, ['--store', store, '--log-level', 'warn']);
  const told = /"level":"warn".*127\.0\.0\.1:9.*the store cannot be used/;
  await until('a line in the log', () => told.test(scene.firn.output()));
  await volumeReady(scene.client, await scene.client.volumes.create({ size: 1 }));
});

/** Deletes a backup when not a page is free, and gives its space back from a few pages on. */
async function pruneWhileFull(scene: Scene, mounted: string, backupId: string): Promise<void> {
  const { client } = scene;
  const container = 'volumebackups';
  const lastPrune = async () => must((await client.repositories())[0], 'it').last_prune;
  const storage = new BlockStorage(scene.dataFolder);
  await until('the failed one is pruned', async () => (await storage.unfinishedJobs()) === 0);
  const limitTo = async (freeBytes: number): Promise<void> => {
    const { blocks, bfree, bsize } = await statfs(mounted);
    const size = (blocks - bfree) * bsize + freeBytes;
    spawnSync('mount', ['-o', `remount,size=${size}`, mounted]);
  };
  const packs = async (): Promise<number> => {
    const folder = join(mounted, container, 'packs');
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).length;
  };
  await limitTo(0);
  await client.backups.delete(backupId);
  await until('the prune has failed', async () => (await lastPrune())?.state === 'failed');
  assert.match((await lastPrune())?.error ?? '', /is full/);
  assert.ok((await packs()) > 1);
  await limitTo(64 * KiB);
  await client.prune(container);
  await until('it is pruned', async () => (await lastPrune())?.state === 'done');
  assert.equal(await packs(), 0);
}

test('a store that is full makes the backup an error that says so', async (t) => {
  const mounted = await mkdtemp(join(tmpdir(), 'firn-small-'));
  const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', mounted]);
  if (mount.status !== 0) {
    await rmdir(mounted);
    t.skip('mounting a small filesystem is not allowed here');
    return;
  }
  const scene = await startScene(t);
  t.after(async () => {
    spawnSync('umount', ['-l', mounted]);
    await rmdir(mounted);
  });
  // Nothing but what the test asks for takes or gives back a page of the store.
  const store = ['--store', pathToFileURL(mounted).href, '--verify-rate', '0'];
  await scene.restart(store);
  const volumeId = await makeVolume(scene.client);
  const snapshot = await scene.client.snapshots.create({ volume_id: volumeId, name: 'still' });
  await snapshotReady(scene.client, snapshot);
  assert.match(await failReason(scene.client, volumeId), /no room|full/);
  const manifests = join(mounted, 'volumebackups', 'backups');
  assert.deepEqual(await readdir(manifests).catch(() => []), [], 'no backup is seen');
  spawnSync('mount', ['-o', 'remount,size=256m', mounted]);
  const made = await scene.client.backups.create({ volume_id: volumeId });
  await backupReady(scene.client, made);
  await pruneWhileFull(scene, mounted, made);
  spawnSync('mount', ['-o', 'remount,ro', mounted]);
  assert.match(await failReason(scene.client, volumeId), /read-only/);
});
