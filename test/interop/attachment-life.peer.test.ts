/** Growing, attaching and reverting with unmodified clients, while somebody uses the volume. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { GiB } from '../../src/base/bytes.ts';
import { must } from '../../src/base/assert.ts';
import { connectNbd } from '../../src/client/nbd.ts';
import { type Scene, snapshotReady, startScene, volumeReady } from '../firn.ts';
import { Openstack } from '../openstack.ts';
import { needs } from '../peer.ts';
import { until } from './until.ts';

function run(command: string, ...args: readonly string[]): string {
  const outcome = spawnSync(command, args, { encoding: 'utf8' });
  assert.equal(outcome.status, 0, `${command} ${args.join(' ')}: ${outcome.stderr}`);
  return outcome.stdout;
}

async function statusIs({ client }: Scene, id: string, status: string): Promise<void> {
  await until(`the volume is ${status}`, async () => {
    return (await client.volumes.show(id)).status === status;
  });
}

test('an attached volume grows under its clients', needs('openstack', 'qemu-io'), async (t) => {
  const scene = await startScene(t);
  const { client } = scene;
  const id = await volumeReady(client, await client.volumes.create({ name: 'disk', size: 1 }));
  const attachment = await client.attach(id, { host: 'one', mode: 'rw' });
  const uri = must(attachment.connection_info.unix_uri, 'the address of the disk');
  const device = await connectNbd({ uri });
  assert.deepEqual(
    (await client.connections(id)).map(({ host, connections }) => [host, connections]),
    [['one', 1]],
  );
  await assert.rejects(device.write(GiB, Buffer.alloc(4096, 1)));
  const older = new Openstack(scene.dataFolder, { OS_VOLUME_API_VERSION: '3.41' });
  assert.match(await older.refused('volume set --size 2 disk'), /in-use/);
  const openstack = new Openstack(scene.dataFolder, { OS_VOLUME_API_VERSION: '3.44' });
  await openstack.ok('volume set --size 2 disk');
  await statusIs(scene, id, 'in-use');
  await device.write(GiB + 4096, Buffer.alloc(4096, 7));
  assert.equal(run('nbdinfo', '--size', uri).trim(), String(2 * GiB));
  const at = ['-c', `read -P 7 ${GiB + 4096} 4k`, '-c', `write -P 9 ${2 * GiB - 4096} 4k`];
  assert.doesNotMatch(run('qemu-io', '-f', 'raw', ...at, uri), /verification failed/i);
  await device.disconnect();
  await until('the lost client is noticed', async () => {
    return (await client.connections(id)).every(({ connections }) => connections === 0);
  });
});

test('attachments by the terminal client', needs('openstack', 'nbdinfo'), async (t) => {
  const scene = await startScene(t);
  const { client } = scene;
  const id = await volumeReady(client, await client.volumes.create({ name: 'disk', size: 1 }));
  const snapshotId = await snapshotReady(client, await client.snapshots.create({ volume_id: id }));
  const openstack = new Openstack(scene.dataFolder, { OS_VOLUME_API_VERSION: '3.54' });
  const { id: attachmentId } = await client.attach(id, { host: 'one', mode: 'ro' });
  const [listed] = await openstack.objects('volume attachment list');
  assert.deepEqual([listed?.['ID'], listed?.['Status']], [attachmentId, 'attached']);
  const set = await openstack.object('volume attachment set --host one --ip ::1', attachmentId);
  assert.equal(set['ID'], attachmentId);
  await openstack.ok('volume attachment complete', attachmentId);
  const shown = await openstack.object('volume attachment show', attachmentId);
  assert.equal(shown['Attach Mode'], 'ro');
  const { uri } = shown['Properties'] as { uri: string };
  assert.match(run('nbdinfo', uri), /is_read_only: true/);
  await openstack.ok('volume attachment delete', attachmentId);
  assert.notEqual(spawnSync('nbdinfo', [uri]).status, 0);
  assert.equal((await client.volumes.show(id)).status, 'available');
  await client.revert(id, snapshotId);
  await statusIs(scene, id, 'available');
});

test('the older client attaches and reverts', needs('cinder', 'qemu-io'), async (t) => {
  const scene = await startScene(t);
  const { client } = scene;
  const id = await volumeReady(client, await client.volumes.create({ name: 'disk', size: 1 }));
  await snapshotReady(client, await client.snapshots.create({ name: 'still', volume_id: id }));
  const openrc = `set -a; . ${scene.dataFolder}/openrc; exec cinder "$@"`;
  const cinder = (...args: readonly string[]): string =>
    run('sh', '-c', openrc, 'cinder', '--os-volume-api-version', '3.54', ...args);
  const instance = '3f6c0b0e-0000-4000-8000-000000000001';
  const made = cinder('attachment-create', '--connect', 'True', '--host', 'h', 'disk', instance);
  const uri = must(/\buri +\| (\S+)/.exec(made)?.[1], 'the address of the disk');
  run('qemu-io', '-f', 'raw', '-c', 'write -P 5 0 64k', uri);
  const attachmentId = must((await client.connections(id))[0], 'the attachment').id;
  cinder('attachment-delete', attachmentId);
  cinder('revert-to-snapshot', 'still');
  await statusIs(scene, id, 'available');
  const again = await client.attach(id, { host: 'h', mode: 'ro' });
  const back = must(again.connection_info.unix_uri, 'the address of the disk');
  assert.doesNotMatch(run('qemu-io', '-r', '-f', 'raw', '-c', 'read -P 0 0 64k', back), /failed/);
});
