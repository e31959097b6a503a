/** Everything that the first release promises to users of the unmodified terminal client. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { randomBytes, seeded } from '../../demo/random.ts';
import { MiB } from '../../src/base/bytes.ts';
import { must } from '../../src/base/assert.ts';
import { BlockStorage } from '../block-storage.ts';
import { type Scene, startScene } from '../firn.ts';
import { Openstack } from '../openstack.ts';
import { needs } from '../peer.ts';

const text = (value: unknown): string => {
  assert.equal(typeof value, 'string');
  return String(value);
};

suite('the terminal client', needs('openstack'), () => {
  let scene: Scene;
  let openstack: Openstack;
  let storage: BlockStorage;
  const endings: (() => Promise<void>)[] = [];
  before(async () => {
    scene = await startScene({ after: (work) => void endings.push(work) });
    openstack = new Openstack(scene.dataFolder);
    storage = new BlockStorage(scene.dataFolder);
  });
  after(async () => {
    for (const end of endings) await end();
  });

  test('signs in and finds its way', async () => {
    const token = await openstack.object('token issue');
    assert.match(text(token['id']), /^\S{20,}$/);
    const types = (await openstack.objects('catalog list')).map((service) => service['Type']);
    for (const type of ['identity', 'volumev3', 'block-storage', 'image']) {
      assert.ok(types.includes(type), type);
    }
    assert.equal((await openstack.objects('volume type list'))[0]?.['Name'], '__DEFAULT__');
    const [zone] = await openstack.objects('availability zone list --volume');
    assert.deepEqual([zone?.['Zone Name'], zone?.['Zone Status']], ['nova', 'available']);
    const services = await openstack.objects('volume service list');
    assert.ok(services.length >= 3);
    assert.ok(services.every((service) => service['State'] === 'up'));
  });

  test('makes, lists, shows, sets and deletes volumes', async () => {
    const made = await openstack.object('volume create --size 1 --property tier=gold plain');
    assert.match(text(made['status']), /^(?:creating|available)$/);
    const id = text(made['id']);
    assert.equal(await openstack.settled('volume', id), 'available');
    await openstack.ok('volume snapshot create --volume plain of-plain');
    await openstack.ok('volume create --snapshot of-plain from-snapshot');
    await openstack.ok('volume create --source plain --size 2 from-volume');
    assert.equal(await openstack.settled('volume', 'from-snapshot'), 'available');
    assert.equal(await openstack.settled('volume', 'from-volume'), 'available');
    const listed = await openstack.objects('volume list');
    const lines = listed.map((volume) => `${text(volume['Name'])} ${Number(volume['Size'])}`);
    assert.deepEqual(new Set(lines), new Set(['from-snapshot 1', 'from-volume 2', 'plain 1']));
    await openstack.ok('volume set --name renamed --property tier=silver --size 3', id);
    const shown = await openstack.object('volume show renamed');
    assert.deepEqual([shown['id'], shown['properties']], [id, { tier: 'silver' }]);
    assert.equal(shown['size'], 3);
    await openstack.ok('volume delete from-snapshot from-volume');
    assert.match(await openstack.refused('volume delete', id), /snapshot/);
    await openstack.ok('volume snapshot delete of-plain');
    await storage.gone('snapshots');
    await openstack.ok('volume delete', id);
    await storage.gone('volumes');
    assert.deepEqual(await openstack.objects('volume list'), []);
  });

  test('makes, lists, shows, sets and deletes snapshots', async () => {
    const volume = text((await openstack.object('volume create --size 1 source'))['id']);
    await openstack.settled('volume', volume);
    const made = await openstack.object('volume snapshot create --volume source first');
    assert.equal(await openstack.settled('volume snapshot', 'first'), 'available');
    const shown = await openstack.ok('volume snapshot show first -f value -c volume_id');
    assert.equal(shown.trim(), volume);
    const [listed] = await openstack.objects('volume snapshot list');
    assert.deepEqual([listed?.['ID'], listed?.['Name']], [made['id'], 'first']);
    await openstack.ok('volume snapshot set --name second --property a=b first');
    const set = await openstack.object('volume snapshot show second');
    assert.deepEqual([set['id'], set['properties']], [made['id'], { a: 'b' }]);
    await openstack.ok('volume snapshot delete second');
    await storage.gone('snapshots');
    assert.deepEqual(await openstack.objects('volume snapshot list'), []);
    await openstack.ok('volume delete source');
  });

  test('is told what is wrong, in words', async () => {
    const id = text((await openstack.object('volume create --size 1 small'))['id']);
    await openstack.settled('volume', id);
    assert.match(await openstack.refused('volume show 00000000'), /No volume with a name or ID/);
    assert.match(await openstack.refused('volume create --size 0 nothing'), /size/i);
    assert.match(
      await openstack.refused('volume create --size 99999999 huge'),
      /size|limit|quota/i,
    );
    const other = new Openstack(scene.dataFolder, { OS_PASSWORD: 'wrong' });
    assert.match(await other.refused('token issue'), /HTTP 401/);
    await openstack.ok('volume delete', id);
  });
});

suite('data through the terminal client', needs('openstack', 'nbdcopy', 'qemu-img'), () => {
  test('a backup outlives volume, snapshot and catalogue, byte for byte', async (t) => {
    const scene = await startScene(t);
    const store = join(scene.folder, 'store');
    const key = join(scene.folder, 'firn.key');
    const args = ['--store', pathToFileURL(store).href, '--key-file', key];
    await mkdir(store);
    await scene.restart(args);
    let openstack = new Openstack(scene.dataFolder, { OS_VOLUME_API_VERSION: '3.64' });

    const volume = text((await openstack.object('volume create --size 1 disk'))['id']);
    await openstack.settled('volume', volume);
    const content = join(scene.folder, 'content.raw');
    await writeFile(content, randomBytes(seeded(7), 24 * MiB));
    await writeFile(content, Buffer.alloc(4096), { flag: 'r+' });
    run('truncate', '-s', '1G', content);
    const attachment = await scene.client.attach(volume, { host: 'test', mode: 'rw' });
    const uri = must(attachment.connection_info.uri, 'the NBD address');
    run('nbdcopy', content, uri);
    assert.equal((await openstack.object('volume show disk'))['status'], 'in-use');

    assert.match(
      await openstack.refused('volume backup create --name no', volume),
      /in-use|status/i,
    );
    await openstack.ok('volume snapshot create --force --volume disk still');
    const snapshot = (await openstack.ok('volume snapshot show still -f value -c id')).trim();
    const unixUri = must(attachment.connection_info.unix_uri, 'the NBD address on the socket');
    run('qemu-io', '-f', 'raw', '-c', 'write -P 0xee 0 8M', unixUri);
    const create = 'volume backup create --name kept --description why --snapshot';
    const backup = text((await openstack.object(create, snapshot, volume))['id']);
    assert.equal(await openstack.settled('volume backup', 'kept'), 'available');
    await scene.client.detach(attachment.id);
    await openstack.ok('volume backup create --incremental --container other --name more', volume);
    assert.equal(await openstack.settled('volume backup', 'more'), 'available');
    await openstack.ok('volume backup set --name kept2 --property a=b kept');
    const names = (await openstack.objects('volume backup list')).map((row) => row['Name']);
    assert.deepEqual(new Set(names), new Set(['kept2', 'more']));
    await openstack.ok('volume backup delete more');

    await openstack.ok('volume snapshot delete still');
    await new BlockStorage(scene.dataFolder).gone('snapshots');
    await openstack.ok('volume delete', volume);
    await scene.firn.kill();
    await rm(scene.dataFolder, { recursive: true });
    await scene.restart(args);
    const adopted = await scene.client.adopt();
    assert.deepEqual([adopted.adopted, adopted.damaged], [[backup], []]);
    openstack = new Openstack(scene.dataFolder);
    const shown = await openstack.object('volume backup show', backup);
    assert.deepEqual([shown['name'], shown['status']], ['kept', 'available']);

    await openstack.run('volume backup restore', backup, 'back');
    const status = await openstack.settled('volume', 'back');
    assert.equal(status, 'available', scene.firn.output());
    const back = (await openstack.ok('volume show back -f value -c id')).trim();
    const restored = await scene.client.attach(back, { host: 'test', mode: 'ro' });
    const copy = join(scene.folder, 'copy.raw');
    const from = must(restored.connection_info.unix_uri, 'the NBD address on the socket');
    run('qemu-img', 'convert', '-f', 'raw', '-O', 'raw', from, copy);
    assert.equal(await hash(copy), await hash(content));
  });
});

function run(command: string, ...args: readonly string[]): void {
  const outcome = spawnSync(command, args, { encoding: 'utf8' });
  assert.equal(outcome.status, 0, `${command} ${args.join(' ')}: ${outcome.stderr}`);
}

async function hash(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}
