/** Records of backups between two installations that share a store and its key. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { withDisk } from '../../demo/disk.ts';
import { randomBytes, seeded } from '../../demo/random.ts';
import { MiB } from '../../src/base/bytes.ts';
import { backupReady, type Scene, startScene, volumeReady } from '../firn.ts';
import { Openstack } from '../openstack.ts';
import { needs } from '../peer.ts';

const content = randomBytes(seeded(11), 4 * MiB);

async function holds(scene: Scene, volumeId: string): Promise<void> {
  await volumeReady(scene.client, volumeId);
  await withDisk(scene.client, volumeId, async (disk) => {
    const read = Buffer.alloc(content.length);
    await disk.read(0, read);
    assert.ok(content.equals(read), 'every byte is back');
  });
}

test(
  'a record goes from one Firn to another, and shares its data',
  needs('openstack'),
  async (t) => {
    const one = await startScene(t);
    const { client } = one;
    const volumeId = await volumeReady(client, await client.volumes.create({ name: 'd', size: 1 }));
    await withDisk(client, volumeId, async (disk) => {
      await disk.write(0, content);
      await disk.flush();
    });
    const id = await backupReady(
      client,
      await client.backups.create({ volume_id: volumeId, name: 'first' }),
    );
    const here = new Openstack(one.dataFolder);
    const exported = await here.object('volume backup record export', id);
    const service = String(exported['backup_service'] ?? exported['Backup Service']);
    const url = String(exported['backup_url'] ?? exported['Metadata']);
    assert.match(service, /^cinder\.backup\.drivers/, JSON.stringify(exported));

    const shared = [
      ['--store', pathToFileURL(join(one.dataFolder, 'backups')).href],
      ['--key-file', join(one.dataFolder, 'firn.key')],
    ].flat();
    const other = await startScene(t, shared);
    const there = new Openstack(other.dataFolder);
    const imported = await there.object('volume backup record import', service, url);
    assert.equal(imported['id'], id, JSON.stringify(imported));
    assert.match(
      await there.refused('volume backup record import', service, url),
      /already exists/,
    );
    await holds(other, (await other.client.restore(id, { name: 'again' })).volumeId);
    await there.ok('volume backup delete', id);

    const fields = JSON.parse(Buffer.from(url, 'base64').toString()) as Record<string, unknown>;
    const second = randomUUID();
    const edited = Buffer.from(JSON.stringify({ ...fields, id: second })).toString('base64');
    await here.ok('volume backup record import', service, edited);
    await here.ok('volume backup delete', id);
    await holds(one, (await client.restore(second, { name: 'still-there' })).volumeId);
  },
);
