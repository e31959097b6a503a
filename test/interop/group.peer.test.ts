/** Groups of volumes through the unmodified terminal clients. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { BlockStorage, idOf } from '../block-storage.ts';
import { startScene } from '../firn.ts';
import { Openstack } from '../openstack.ts';
import { needs } from '../peer.ts';

/** `cinder …` with the variables of the `openrc` that Firn wrote. */
async function cinder(dataFolder: string, line: string): Promise<string> {
  const text = readFileSync(join(dataFolder, 'openrc'), 'utf8');
  const given = [...text.matchAll(/^export (\w+)='(.*)'$/gm)].map((match) => match.slice(1, 3));
  const { stdout } = await promisify(execFile)('cinder', line.split(' '), {
    env: { PATH: process.env['PATH'], ...Object.fromEntries(given), OS_VOLUME_API_VERSION: '3.38' },
  });
  return stdout;
}

test('groups live in the terminal clients', needs('openstack', 'cinder'), async (t) => {
  const scene = await startScene(t);
  const openstack = new Openstack(scene.dataFolder, { OS_VOLUME_API_VERSION: '3.38' });
  const storage = new BlockStorage(scene.dataFolder);
  const works = async (...lines: string[]): Promise<string> => {
    const { stdout, stderr } = await openstack.typed(...lines);
    assert.equal(stderr, '');
    return stdout;
  };

  const made = await works(
    'volume group type create --private --description why gold',
    'volume group type set --name silver --public --property a=b gold',
    'volume group type list --noindent -f json',
    'volume group type list --default -f value -c Name',
    'volume group create --name db --description words silver __DEFAULT__',
    'volume group set --name data db',
    'volume group list -f value -c Name -c Status',
  );
  assert.match(made, /"Name": "silver", "Is Public": true, "Properties": \{"a": "b"\}/);
  assert.match(made, /^default_cgsnapshot_type$/m);
  assert.match(made, /^available data$/m);

  const [group] = await storage.list('groups');
  assert.ok(group !== undefined);
  const options = `--volume-type __DEFAULT__ --group-id ${idOf(group)}`;
  await Promise.all([
    cinder(scene.dataFolder, `create ${options} --name one 1`),
    cinder(scene.dataFolder, `create ${options} --name two 1`),
  ]);
  for (const volume of await storage.list('volumes')) {
    assert.equal(await storage.settled(`/volumes/${idOf(volume)}`), 'available');
  }
  await works('volume group snapshot create --name monday data');
  const [snapshot] = await storage.list('group_snapshots');
  assert.ok(snapshot !== undefined);
  assert.equal(await storage.settled(`/group_snapshots/${idOf(snapshot)}`), 'available');
  const [ofGroup] = await Promise.all([
    cinder(scene.dataFolder, 'group-create-from-src --source-group data --name copy'),
    cinder(scene.dataFolder, 'group-create-from-src --group-snapshot monday --name copy2'),
  ]);
  assert.match(ofGroup, /\| name +\| copy +\|/);
  for (const copy of await storage.list('groups')) {
    assert.equal(await storage.settled(`/groups/${idOf(copy)}`), 'available');
  }
  const refused = await openstack.typed(
    'volume group snapshot list -f value -c Name -c Status',
    'volume snapshot list -f value -c Name -c Status',
    'volume delete one',
    'volume group delete copy',
    'volume group delete --force data',
    'volume group failover data',
  );
  assert.equal(refused.stdout.match(/monday available|available monday/g)?.length, 3);
  assert.match(refused.stderr, /belong to a group/);
  assert.match(refused.stderr, /still contains volumes\. The delete-volumes flag is required/);
  assert.match(refused.stderr, /Group has existing snapshots\. \(HTTP 400\)/);
  assert.match(refused.stderr, /is not a replication group type/);

  await works(
    'volume group snapshot delete monday',
    'volume group delete --force copy',
    'volume group delete --force copy2',
  );
  await storage.gone('group_snapshots');
  await works('volume group delete --force data');
  await storage.gone('groups');
  await works('volume group type delete silver');
  assert.deepEqual(await storage.list('volumes'), []);
});
