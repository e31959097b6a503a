/** A second store: what it holds, and what it is good for, seen from outside. */
import assert from 'node:assert/strict';
import { mkdir, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { withDisk } from '../demo/disk.ts';
import { randomBytes, seeded } from '../demo/random.ts';
import { MiB } from '../src/base/bytes.ts';
import type { BackupCopy } from '../src/client/firn-schema.ts';
import { backupReady, type Scene, startScene, volumeReady } from './firn.ts';

async function copiesOf({ client }: Scene, id: string): Promise<BackupCopy[]> {
  return (await client.backupProgress(id)).copies;
}

/** Waits until the copy of a backup is complete. */
async function copied(scene: Scene, id: string): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt += 1) {
    if ((await copiesOf(scene, id))[0]?.state === 'complete') return;
    await sleep(100);
  }
  assert.fail(JSON.stringify(await copiesOf(scene, id)));
}

async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length))
    .filter((name) => !name.includes('/leases/'))
    .sort();
}

/** Waits until two folders hold the same files, and what is expected of them. */
async function alike(
  folder: string,
  other: string,
  isRight: (files: readonly string[]) => boolean,
): Promise<string[]> {
  for (let attempt = 0; ; attempt += 1) {
    const [files, others] = [await filesOf(folder), await filesOf(other)];
    if (files.join() === others.join() && isRight(files)) return files;
    if (attempt === 1200) assert.deepEqual(files, others);
    assert.ok(attempt < 1200, files.join());
    await sleep(100);
  }
}

test('a copy is made of what is there and comes, and restores when all else is lost', async (t) => {
  const scene = await startScene(t);
  const { client } = scene;
  const volumeId = await volumeReady(client, await client.volumes.create({ name: 'd', size: 1 }));
  const content = randomBytes(seeded(5), 8 * MiB);
  await withDisk(client, volumeId, async (disk) => {
    await disk.write(0, content);
    await disk.flush();
  });
  const before = await backupReady(client, await client.backups.create({ volume_id: volumeId }));
  assert.deepEqual(await copiesOf(scene, before), [], 'there is no second store yet');

  const store = join(scene.dataFolder, 'backups');
  const copy = join(scene.folder, 'copy');
  await mkdir(copy);
  const withCopy = ['--store-copy', pathToFileURL(copy).href];
  await scene.restart(withCopy);
  await copied(scene, before);
  assert.deepEqual(await filesOf(copy), await filesOf(store));
  const after = await backupReady(
    scene.client,
    await scene.client.backups.create({ volume_id: volumeId, name: 'second' }),
  );
  await copied(scene, after);
  await scene.client.backups.delete(after);
  const left = await alike(copy, store, (files) => files.every((name) => !name.includes(after)));
  assert.ok(left.some((name) => name.includes(before)));

  await rename(store, `${store}-lost`);
  await scene.restart(withCopy);
  const { volumeId: restored } = await scene.client.restore(before, { name: 'again' });
  await volumeReady(scene.client, restored);
  await withDisk(scene.client, restored, async (disk) => {
    const read = Buffer.alloc(content.length);
    await disk.read(0, read);
    assert.ok(content.equals(read), 'every byte is back');
  });

  await mkdir(store);
  await scene.restart(withCopy);
  const back = await alike(store, copy, (files) => files.some((name) => name.includes(before)));
  assert.ok(back.some((name) => name.includes('/packs/')));
});
