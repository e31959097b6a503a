/** Plans, driven by a client that has never heard of them, and by Firn's own command. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { startScene } from '../firn.ts';
import { Openstack } from '../openstack.ts';
import { needs } from '../peer.ts';
import { until } from './until.ts';

const command = fileURLToPath(new URL('../../bin/firn.ts', import.meta.url));

test('a property puts a volume under a plan; its backups say so', needs('openstack'), async (t) => {
  const scene = await startScene(t);
  const openstack = new Openstack(scene.dataFolder);
  const firn = async (...args: string[]): Promise<string> => {
    const all = [command, ...args, '--data', scene.dataFolder];
    return (await promisify(execFile)(process.execPath, all)).stdout;
  };
  const made = await firn('plan', 'create', 'gold', '--every', 'monthly', '--keep-daily', '7');
  assert.match(made, /every +monthly \(UTC\)/);
  assert.match(made, /keeps +daily 7/);
  await openstack.ok('volume create --size 1 db');
  assert.equal(await openstack.settled('volume', 'db'), 'available');
  await openstack.ok('volume set --property firn:plan=gold db');
  await until('the plan made a backup', async () => {
    const [backup] = await openstack.objects('volume backup list');
    return backup?.['Status'] === 'available';
  });
  const [backup] = await openstack.objects('volume backup list --long');
  const shown = await openstack.object('volume backup show', String(backup?.['ID']));
  assert.match(JSON.stringify(shown), /Made by plan gold of db/);
  const whole = await scene.client.backups.show(String(backup?.['ID']));
  assert.equal(whole.status, 'available');
  await until('the run is over', async () => /done/.test(await firn('plan', 'runs')));
  assert.match(
    await firn('protection', 'list'),
    /db +protected +It was backed up (?:just now|\d+ minutes? ago)/,
  );

  await openstack.ok('volume set --property firn:plan=glod db');
  await until('the volume names an unknown plan', async () => {
    const said = await firn('protection', 'list');
    return /db +failing +There is no plan named "glod" in this project/.test(said);
  });
  const messages = await openstack.ok('--os-volume-api-version 3.3 volume message list');
  assert.match(messages, /no plan named "glod"/);

  await firn('hold', 'place', 'backup', String(backup?.['ID']), '--reason', 'audit');
  const refused = await openstack.refused('volume backup delete', String(backup?.['ID']));
  assert.match(refused, /a hold on backup/);
  await firn('hold', 'release', 'backup', String(backup?.['ID']));
  await assert.rejects(firn('plan', 'delete', 'gold'), /made=keep/);
  await firn('plan', 'delete', 'gold', '--delete-made');
  await until('what the plan made is gone', async () => {
    return (await openstack.objects('volume backup list')).length === 0;
  });
});
