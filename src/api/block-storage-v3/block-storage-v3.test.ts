import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId } from '../../base/ids.ts';
import type { JsonObject } from '../../base/json.ts';
import {
  alpha,
  listIn,
  objectIn,
  openStorage,
  publicUrl,
  textIn,
  type Storage,
} from './storage-fixture.ts';

async function makeVolume(storage: Storage, fields: JsonObject = {}): Promise<string> {
  const volume = { size: 1, name: 'disk', ...fields };
  const { status, body } = await storage.ask({
    method: 'POST',
    path: '/volumes',
    body: { volume },
  });
  assert.equal(status, 202, JSON.stringify(body));
  await storage.scene.work();
  return textIn(objectIn(body, 'volume'), 'id');
}

async function act(storage: Storage, id: string, action: JsonObject, microversion = '3.0') {
  return await storage.ask({
    method: 'POST',
    path: `/volumes/${id}/action`,
    body: action,
    microversion,
  });
}

test('versions are told to everybody', async (t) => {
  const { app } = await openStorage(t);
  const root = await app.inject({ url: '/volume/' });
  assert.equal(root.statusCode, 300);
  for (const url of ['/volume', '/volume/v3/', '/volume/v3']) {
    const { versions } = (await app.inject({ url })).json<{ versions: JsonObject[] }>();
    assert.deepEqual(
      [versions[0]?.['status'], versions[0]?.['min_version'], versions[0]?.['version']],
      ['CURRENT', '3.0', '3.71'],
    );
  }
  const refused = await app.inject({ url: '/volume/v3/volumes' });
  assert.equal(refused.statusCode, 401);
});

test('paths hold the own project or none', async (t) => {
  const storage = await openStorage(t);
  await makeVolume(storage);
  assert.equal((await storage.ask({ path: '/volumes' })).status, 200);
  assert.equal((await storage.ask({ path: `/${alpha}/volumes` })).status, 200);
  const other = await storage.ask({ path: `/${'b'.repeat(32)}/volumes` });
  assert.deepEqual(
    [other.status, other.body],
    [400, { badRequest: { code: 400, message: 'Malformed request url' } }],
  );
});

test('a volume lives: create, show, update, metadata, extend, delete', async (t) => {
  const storage = await openStorage(t);
  const id = await makeVolume(storage, {
    consistencygroup_id: null,
    snapshot_id: null,
    volume_type: '__DEFAULT__',
    availability_zone: 'nova',
    metadata: {},
    imageRef: null,
    source_volid: null,
    backup_id: null,
  });
  const shown = await storage.ask({ path: `/volumes/${id}`, microversion: '3.71' });
  const volume = objectIn(shown.body, 'volume');
  assert.deepEqual(
    [volume['status'], volume['bootable'], volume['volume_type'], volume['size']],
    ['available', 'false', '__DEFAULT__', 1],
  );
  assert.equal(shown.headers['openstack-api-version'], 'volume 3.71');

  const path = `/volumes/${id}`;
  const update = { volume: { name: 'new', description: 'text' } };
  const updated = await storage.ask({ method: 'PUT', path, body: update });
  assert.equal(objectIn(updated.body, 'volume')['name'], 'new');

  const metadata = `${path}/metadata`;
  await storage.ask({ method: 'POST', path: metadata, body: { metadata: { a: '1', b: '2' } } });
  await storage.ask({ method: 'PUT', path: `${metadata}/c`, body: { meta: { c: '3' } } });
  assert.equal((await storage.ask({ method: 'DELETE', path: `${metadata}/a` })).status, 200);
  assert.equal((await storage.ask({ path: `${metadata}/a` })).status, 404);
  assert.deepEqual((await storage.ask({ path: metadata })).body, { metadata: { b: '2', c: '3' } });

  assert.equal((await act(storage, id, { 'os-extend': { new_size: 2 } }, '3.42')).status, 202);
  await storage.scene.work();
  assert.equal((await act(storage, id, { 'os-set_bootable': { bootable: 'True' } })).status, 200);
  const later = objectIn((await storage.ask({ path })).body, 'volume');
  assert.deepEqual([later['size'], later['bootable']], [2, 'true']);

  assert.equal((await storage.ask({ method: 'DELETE', path })).status, 202);
  await storage.scene.work();
  assert.deepEqual((await storage.ask({ path })).body, {
    itemNotFound: { code: 404, message: `Volume ${id} could not be found.` },
  });
});

test('lists are filtered, sorted, counted and paged', async (t) => {
  const storage = await openStorage(t);
  for (const name of ['b', 'a', 'c']) await makeVolume(storage, { name, metadata: { own: name } });
  const names = async (path: string, microversion = '3.71'): Promise<unknown[]> =>
    listIn((await storage.ask({ path, microversion })).body, 'volumes').map((row) => row['name']);
  assert.deepEqual(await names('/volumes'), ['c', 'a', 'b']);
  assert.deepEqual(await names('/volumes/detail?sort=name:asc'), ['a', 'b', 'c']);
  assert.deepEqual(await names('/volumes?name=a'), ['a']);
  assert.deepEqual(await names('/volumes?name~=A'), ['a']);
  assert.deepEqual(await names('/volumes?status=error'), []);
  assert.deepEqual(await names('/volumes?size=x'), []);
  const none = { path: '/volumes?size=x&with_count=True', microversion: '3.45' };
  assert.deepEqual((await storage.ask(none)).body, { volumes: [], count: 0 });
  assert.deepEqual(await names(`/volumes?metadata=${encodeURIComponent("{'own': 'b'}")}`), ['b']);
  assert.deepEqual(await names('/volumes?limit=0'), []);
  const page = await storage.ask({
    path: '/volumes/detail?limit=2&sort=name:asc&with_count=True',
    microversion: '3.45',
  });
  assert.equal(page.body['count'], 3);
  const href = textIn(listIn(page.body, 'volumes_links')[0] ?? {}, 'href');
  assert.ok(href.startsWith(`${publicUrl}/volume/v3/${alpha}/volumes/detail?`));
  assert.deepEqual(await names(href.slice(publicUrl.length)), ['c']);
  assert.equal((await storage.ask({ path: '/volumes?with_count=True' })).body['count'], undefined);
  assert.equal((await storage.ask({ path: '/volumes?sort=secret:asc' })).status, 400);
  assert.equal((await storage.ask({ path: '/volumes?marker=nothing' })).status, 404);
  assert.equal((await storage.ask({ path: '/volumes?all_tenants=1', who: 'bob' })).status, 200);
  const others = await storage.ask({ path: '/volumes?all_tenants=1', who: 'bob' });
  assert.deepEqual(listIn(others.body, 'volumes'), []);
});

test('a snapshot is backed up and restored', async (t) => {
  const storage = await openStorage(t);
  const volumeId = await makeVolume(storage);
  const asked = await storage.ask({
    method: 'POST',
    path: '/snapshots',
    body: { snapshot: { volume_id: volumeId, force: false, name: 's', metadata: {} } },
  });
  assert.equal(asked.status, 202);
  const snapshotId = textIn(objectIn(asked.body, 'snapshot'), 'id');
  assert.equal(objectIn(asked.body, 'snapshot')['status'], 'creating');
  await storage.scene.work();

  const backup = {
    volume_id: volumeId,
    snapshot_id: snapshotId,
    container: null,
    name: 'b',
    description: null,
    incremental: false,
    force: false,
  };
  const made = await storage.ask({ method: 'POST', path: '/backups', body: { backup } });
  assert.equal(made.status, 202, JSON.stringify(made.body));
  const backupId = textIn(objectIn(made.body, 'backup'), 'id');
  const reading = await storage.ask({ path: `/snapshots/${snapshotId}` });
  assert.equal(objectIn(reading.body, 'snapshot')['status'], 'backing-up');
  await storage.scene.work();
  const detail = await storage.ask({ path: '/backups/detail', microversion: '3.64' });
  const [row] = listIn(detail.body, 'backups');
  assert.deepEqual(
    [row?.['status'], row?.['container'], row?.['has_dependent_backups'], row?.['snapshot_id']],
    ['available', 'volumebackups', false, snapshotId],
  );
  const progress = await storage.ask({ path: `/firn/v1/backups/${backupId}` });
  assert.equal(objectIn(progress.body, 'backup')['percent'], 100);

  const rename = { backup: { name: 'renamed' } };
  const path = `/backups/${backupId}`;
  assert.equal((await storage.ask({ method: 'PUT', path, body: rename })).status, 404);
  const put = await storage.ask({ method: 'PUT', path, body: rename, microversion: '3.9' });
  assert.equal(objectIn(put.body, 'backup')['name'], 'renamed');

  const restore = { restore: { volume_id: null, name: null } };
  const begun = await storage.ask({ method: 'POST', path: `${path}/restore`, body: restore });
  assert.equal(begun.status, 202);
  const target = objectIn(begun.body, 'restore');
  assert.equal(target['volume_name'], `restore_backup_${backupId}`);
  await storage.scene.work();
  const restored = await storage.ask({ path: `/volumes/${textIn(target, 'volume_id')}` });
  assert.equal(objectIn(restored.body, 'volume')['name'], 'disk');
  assert.equal((await storage.ask({ method: 'DELETE', path })).status, 202);
  await storage.scene.work();
  assert.equal((await storage.ask({ path })).status, 404);
});

test('an attachment hands out a secret export', async (t) => {
  const storage = await openStorage(t);
  const volumeId = await makeVolume(storage);
  const body = { attachment: { volume_uuid: volumeId, connector: { host: 'me' } } };
  const post = { method: 'POST', path: '/attachments', body } as const;
  assert.equal((await storage.ask({ ...post, microversion: '3.26' })).status, 404);
  const made = await storage.ask({ ...post, microversion: '3.71' });
  assert.equal(made.status, 200, JSON.stringify(made.body));
  const attachment = objectIn(made.body, 'attachment');
  const info = objectIn(attachment, 'connection_info');
  assert.equal(info['driver_volume_type'], 'nbd');
  assert.equal(info['uri'], `nbd://127.0.0.1:10809/${textIn(info, 'export')}`);
  assert.match(
    textIn(info, 'unix_uri'),
    /^nbd\+unix:\/\/\/[\w-]{43}\?socket=\/run\/firn\/nbd.sock$/,
  );
  const path = `/attachments/${textIn(attachment, 'id')}`;
  const done = { method: 'POST', path: `${path}/action`, body: { 'os-complete': null } } as const;
  assert.equal((await storage.ask({ ...done, microversion: '3.44' })).status, 204);
  const shown = objectIn((await storage.ask({ path: `/volumes/${volumeId}` })).body, 'volume');
  assert.equal(shown['status'], 'in-use');
  assert.equal(listIn(shown, 'attachments')[0]?.['host_name'], 'me');
  const gone = await storage.ask({ method: 'DELETE', path, microversion: '3.27' });
  assert.deepEqual([gone.status, gone.body], [200, { attachments: [] }]);

  const connect = { 'os-initialize_connection': { connector: { host: 'me' } } };
  const connected = await act(storage, volumeId, connect);
  assert.equal(connected.status, 200);
  const older = objectIn(objectIn(connected.body, 'connection_info'), 'data');
  assert.match(textIn(older, 'uri'), /^nbd:\/\//);
  const end = { 'os-terminate_connection': { connector: { host: 'me' } } };
  assert.equal((await act(storage, volumeId, end)).status, 202);
});

test("a reader sees an attachment without the export's secret", async (t) => {
  const storage = await openStorage(t);
  const volume_uuid = await makeVolume(storage);
  const attachment = { volume_uuid, connector: { host: 'me' } };
  const microversion = '3.71';
  const post = { method: 'POST', path: '/attachments', body: { attachment } } as const;
  const made = objectIn((await storage.ask({ ...post, microversion })).body, 'attachment');
  const secret = textIn(objectIn(made, 'connection_info'), 'export');
  for (const path of [`/attachments/${textIn(made, 'id')}`, '/attachments/detail']) {
    const seen = await storage.ask({ who: 'rea', path, microversion });
    assert.equal(seen.status, 200);
    assert.ok(JSON.stringify(seen.body).includes('"connection_info":{}'));
    const own = await storage.ask({ path, microversion });
    assert.ok(JSON.stringify(own.body).includes(secret));
  }
});

test('types, quotas, limits, zones, services and extensions are there', async (t) => {
  const storage = await openStorage(t);
  const byDefault = await storage.ask({ path: '/types/default' });
  const type = objectIn(byDefault.body, 'volume_type');
  assert.equal(type['name'], '__DEFAULT__');
  assert.equal((await storage.ask({ path: '/types/__DEFAULT__' })).status, 404);
  const found = await storage.ask({ path: '/types?is_public=None' });
  assert.equal(listIn(found.body, 'volume_types').length, 1);
  const body = { volume_type: { name: 'gold', extra_specs: { k: 'v' } } };
  const post = { method: 'POST', path: '/types', body } as const;
  assert.equal((await storage.ask(post)).status, 403);
  const made = await storage.ask({ ...post, who: 'ann' });
  const gold = textIn(objectIn(made.body, 'volume_type'), 'id');
  assert.equal((await storage.ask({ ...post, who: 'ann' })).status, 409);
  await makeVolume(storage, { volume_type: 'gold' });
  const drop = { who: 'ann', method: 'DELETE', path: `/types/${gold}` } as const;
  assert.equal((await storage.ask(drop)).status, 400);

  const usage = await storage.ask({ path: `/os-quota-sets/${alpha}?usage=True` });
  assert.deepEqual(objectIn(objectIn(usage.body, 'quota_set'), 'volumes'), {
    limit: 1000,
    in_use: 1,
    reserved: 0,
    allocated: 0,
  });
  const limits = objectIn((await storage.ask({ path: '/limits' })).body, 'limits');
  assert.equal(objectIn(limits, 'absolute')['totalVolumesUsed'], 1);
  const zones = listIn(
    (await storage.ask({ path: '/os-availability-zone' })).body,
    'availabilityZoneInfo',
  );
  assert.deepEqual(zones, [{ zoneName: 'nova', zoneState: { available: true } }]);
  assert.equal((await storage.ask({ path: '/os-services' })).status, 403);
  const services = await storage.ask({ path: '/os-services', who: 'ann' });
  assert.deepEqual(
    listIn(services.body, 'services').map((one) => one['binary']),
    ['cinder-scheduler', 'cinder-volume', 'cinder-backup'],
  );
  const extensions = listIn((await storage.ask({ path: '/extensions' })).body, 'extensions');
  assert.ok(extensions.some((one) => one['name'] === 'AvailabilityZones'));
  const pools = await storage.ask({ path: '/scheduler-stats/get_pools?detail=True', who: 'ann' });
  assert.equal(listIn(pools.body, 'pools').length, 1);
});

test('what Compute tells of a snapshot that it makes is checked, and shown', async (t) => {
  const storage = await openStorage(t);
  const volume = await makeVolume(storage);
  const body = { snapshot: { volume_id: volume } };
  const made = await storage.ask({ method: 'POST', path: '/snapshots', body });
  const path = `/snapshots/${textIn(objectIn(made.body, 'snapshot'), 'id')}`;
  const tell = (told: object): Promise<{ status: number; body: object }> =>
    storage.ask({
      method: 'POST',
      path: `${path}/action`,
      body: { 'os-update_snapshot_status': told },
    });
  assert.equal((await tell({ status: 'creating', progress: '90%' })).status, 202);
  const shown = objectIn((await storage.ask({ path })).body, 'snapshot');
  assert.equal(shown['os-extended-snapshot-attributes:progress'], '90%');
  for (const progress of ['101%', '-1%', '50', 50, '1.5%']) {
    const refused = await tell({ status: 'creating', progress });
    assert.equal(refused.status, 400, String(progress));
    assert.match(JSON.stringify(refused.body), /progress/);
  }
  assert.equal((await tell({ progress: '10%' })).status, 400);
  assert.equal((await tell({ status: 'deleting' })).status, 400);
  await storage.scene.work();
  const done = objectIn((await storage.ask({ path })).body, 'snapshot');
  assert.deepEqual(
    [done['status'], done['os-extended-snapshot-attributes:progress']],
    ['available', '100%'],
  );
});

test('a key of metadata may be an address, as those of Kubernetes are', async (t) => {
  const storage = await openStorage(t);
  const key = 'cinder.csi.openstack.org/cluster';
  const id = await makeVolume(storage, { metadata: { [key]: 'kubernetes' } });
  const one = `/volumes/${id}/metadata/${encodeURIComponent(key)}`;
  assert.deepEqual((await storage.ask({ path: one })).body, { meta: { [key]: 'kubernetes' } });
  const body = { snapshot: { volume_id: id, metadata: { [key]: 'k' } } };
  assert.equal((await storage.ask({ method: 'POST', path: '/snapshots', body })).status, 202);
  assert.equal((await storage.ask({ method: 'DELETE', path: one })).status, 200);
});

test('what a new volume is made of is never passed over, whatever the version', async (t) => {
  const storage = await openStorage(t);
  for (const source of ['backup_id', 'group_id', 'snapshot_id', 'source_volid'] as const) {
    const body = { volume: { size: 1, [source]: newId() } };
    const answer = await storage.ask({ method: 'POST', path: '/volumes', body });
    assert.equal(answer.status, 404, source);
  }
});

test('hints for a scheduler have their form, and any more of them pass', async (t) => {
  const storage = await openStorage(t);
  const other = await makeVolume(storage);
  const create = async (hints: object | null): Promise<number> => {
    const body = { volume: { size: 1 }, 'OS-SCH-HNT:scheduler_hints': hints };
    return (await storage.ask({ method: 'POST', path: '/volumes', body })).status;
  };
  for (const hints of [null, {}, { same_host: other }, { different_host: [other] }, { a: 'b' }]) {
    assert.equal(await create(hints), 202, JSON.stringify(hints));
  }
  for (const hints of [
    { same_host: 'x' },
    { different_host: [other, other] },
    { local_to_instance: 'x' },
    { query: 5 },
  ]) {
    assert.equal(await create(hints), 400, JSON.stringify(hints));
  }
});
