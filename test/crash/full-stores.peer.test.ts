/**
 * Real stores whose quota is used up in the middle of a backup: the backup says so, nothing that it
 * stored is kept for nothing, and with more quota the next one succeeds.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withDisk } from '../../demo/disk.ts';
import { randomBytes, seeded } from '../../demo/random.ts';
import { must } from '../../src/base/assert.ts';
import { MiB } from '../../src/base/bytes.ts';
import type { Client } from '../../src/client/client.ts';
import { BlockStorage } from '../block-storage.ts';
import { backupReady, startScene, volumeReady } from '../firn.ts';
import { until } from '../interop/until.ts';
import { networkStores } from '../servers/network-stores.ts';

const container = 'volumebackups';
/** Several packs. */
const content = randomBytes(seeded(21), 56 * MiB);

async function bytesKept(client: Client): Promise<number> {
  return (await client.forecastPrune(container)).bytes_total;
}

for (const { name, skip, isListedLate, start } of networkStores) {
  test(`the quota of ${name} is used up within a backup`, { skip }, async (t) => {
    const { storeUrl, limit, stop } = await start();
    t.after(stop);
    const scene = await startScene(t, ['--store', storeUrl, '--verify-rate', '0']);
    const { client } = scene;
    const storage = new BlockStorage(scene.dataFolder);
    const write = (volumeId: string, bytes: Buffer): Promise<void> =>
      withDisk(client, volumeId, async (disk) => {
        await disk.write(0, bytes);
        await disk.flush();
      });
    const small = await volumeReady(client, await client.volumes.create({ size: 1 }));
    await write(small, content.subarray(0, MiB));
    await backupReady(client, await client.backups.create({ volume_id: small }));
    const before = await bytesKept(client);
    const volumeId = await volumeReady(client, await client.volumes.create({ size: 1 }));
    await write(volumeId, content);

    await limit(container, 40 * MiB);
    const id = await client.backups.create({ volume_id: volumeId, name: 'too much' });
    assert.equal(await storage.settled(`/backups/${id}`), 'error');
    const reason = (await client.backups.show(id)).fail_reason ?? '';
    assert.match(reason, /no room left on the storage.*quota of .*volumebackups.* is used up/);
    const messages = (await storage.messages()).filter((one) => one['resource_uuid'] === id);
    assert.match(
      JSON.stringify(messages[0]?.['user_message']),
      /^"create backup: .*quota.*Delete the/,
    );
    const lastPrune = async () => must((await client.repositories())[0], 'it').last_prune;
    assert.ok((await lastPrune()) !== null, 'a prune is under way');
    if (!isListedLate) {
      await until('it is pruned', async () => (await lastPrune())?.state === 'done');
      assert.equal(await bytesKept(client), before, 'all that it stored is given back');
    }

    await limit(container, undefined);
    const again = await backupReady(client, await client.backups.create({ volume_id: volumeId }));
    const { volumeId: restored } = await client.restore(again, { name: 'again' });
    await volumeReady(client, restored);
    await withDisk(client, restored, async (disk) => {
      const read = Buffer.alloc(content.length);
      await disk.read(0, read);
      assert.ok(read.equals(content), 'every byte is back');
    });
  });
}
