import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alpha, listIn, objectIn, openStorage, textIn, type Storage } from './storage-fixture.ts';

const asAdmin = (
  storage: Storage,
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  path: string,
  body?: object,
  microversion = '3.71',
) =>
  storage.ask({ who: 'ann', method, path, microversion, ...(body === undefined ? {} : { body }) });

async function makeVolume(storage: Storage, fields: object = {}): Promise<string> {
  const body = { volume: { size: 1, ...fields } };
  const made = await storage.ask({ method: 'POST', path: '/volumes', body });
  assert.equal(made.status, 202, JSON.stringify(made.body));
  await storage.scene.work();
  return textIn(objectIn(made.body, 'volume'), 'id');
}

async function makeType(storage: Storage, fields: object): Promise<string> {
  const { body } = await asAdmin(storage, 'POST', '/types', { volume_type: fields });
  return textIn(objectIn(body, 'volume_type'), 'id');
}

test('a disabled volume service makes no volumes, and says so in a message', async (t) => {
  const storage = await openStorage(t);
  const host = 'firn@layers';
  const off = { host, binary: 'cinder-volume', disabled_reason: 'new disks' };
  const disabled = await asAdmin(storage, 'PUT', '/os-services/disable-log-reason', off);
  assert.deepEqual(
    [disabled.status, disabled.body['status'], disabled.body['disabled_reason']],
    [200, 'disabled', 'new disks'],
  );
  const listed = await asAdmin(storage, 'GET', '/os-services?binary=cinder-volume');
  const [service] = listIn(listed.body, 'services');
  assert.deepEqual([service?.['status'], service?.['disabled_reason']], ['disabled', 'new disks']);
  const id = await makeVolume(storage);
  const shown = await storage.ask({ path: `/volumes/${id}` });
  assert.equal(objectIn(shown.body, 'volume')['status'], 'error');
  const path = `/messages?resource_uuid=${id}`;
  const told = await storage.ask({ path, microversion: '3.5' });
  assert.match(JSON.stringify(told.body), /No valid backend/);
  await asAdmin(storage, 'PUT', '/os-services/enable', { host, binary: 'cinder-volume' });
  const next = await storage.ask({ path: `/volumes/${await makeVolume(storage)}` });
  assert.equal(objectIn(next.body, 'volume')['status'], 'available');

  const frozen = await asAdmin(storage, 'PUT', '/os-services/freeze', { host });
  assert.equal(frozen.status, 200);
  await asAdmin(storage, 'PUT', '/os-services/thaw', { host });
  const unknown = { host: 'elsewhere', binary: 'cinder-volume' };
  assert.equal((await asAdmin(storage, 'PUT', '/os-services/disable', unknown)).status, 404);
  const dance = await asAdmin(storage, 'PUT', '/os-services/dance', unknown);
  assert.equal(dance.status, 404);
  assert.equal((await storage.ask({ path: '/os-services' })).status, 403);
});

test('while the volume service is disabled no volume is made of a backup', async (t) => {
  const storage = await openStorage(t);
  const body = { backup: { volume_id: await makeVolume(storage) } };
  const made = await storage.ask({ method: 'POST', path: '/backups', body });
  const backup_id = textIn(objectIn(made.body, 'backup'), 'id');
  await storage.scene.work();
  const service = { host: 'firn@layers', binary: 'cinder-volume' };
  await asAdmin(storage, 'PUT', '/os-services/disable', service);
  const statuses = async (): Promise<string[]> =>
    listIn((await storage.ask({ path: '/volumes/detail' })).body, 'volumes')
      .map((volume) => textIn(volume, 'status'))
      .toSorted();
  const path = `/backups/${backup_id}/restore`;
  const restore = { restore: { volume_id: null, name: null } };
  const refused = await storage.ask({ method: 'POST', path, body: restore });
  assert.equal(refused.status, 400);
  assert.match(JSON.stringify(refused.body), /Error while creating volume for restoring backup/);
  assert.deepEqual(await statuses(), ['available']);
  const volume = { volume: { backup_id } };
  await storage.ask({ method: 'POST', path: '/volumes', body: volume, microversion: '3.47' });
  await asAdmin(storage, 'PUT', '/os-services/enable', service);
  await storage.scene.work();
  assert.deepEqual(await statuses(), ['available', 'error']);
  assert.equal((await storage.ask({ method: 'POST', path, body: restore })).status, 202);
  await storage.scene.work();
  assert.deepEqual(await statuses(), ['available', 'available', 'error']);
});

test('a disabled backup service makes, restores, exports and deletes no backups', async (t) => {
  const storage = await openStorage(t);
  const id = await makeVolume(storage);
  const made = { method: 'POST', path: '/backups', body: { backup: { volume_id: id } } } as const;
  const backup = textIn(objectIn((await storage.ask(made)).body, 'backup'), 'id');
  await storage.scene.work();
  const service = { host: 'firn', binary: 'cinder-backup' };
  await asAdmin(storage, 'PUT', '/os-services/disable', service);
  const of = `/backups/${backup}`;
  const volume = { backup_id: backup };
  const refused = [
    await storage.ask(made),
    await storage.ask({ method: 'POST', path: `${of}/restore`, body: { restore: {} } }),
    await storage.ask({ method: 'DELETE', path: of }),
    await storage.ask({
      method: 'POST',
      path: '/volumes',
      body: { volume },
      microversion: '3.47',
    }),
    await asAdmin(storage, 'POST', `${of}/action`, { 'os-force_delete': null }),
    await asAdmin(storage, 'GET', `${of}/export_record`),
  ];
  for (const { status, body } of refused) {
    assert.equal(status, 503);
    assert.match(JSON.stringify(body), /Service cinder-backup could not be found/);
  }
  await asAdmin(storage, 'PUT', '/os-services/enable', service);
  assert.equal((await storage.ask({ method: 'DELETE', path: of })).status, 202);
  await storage.scene.work();
});

test('pools, capabilities and hosts tell of the host as it is', async (t) => {
  const storage = await openStorage(t);
  await makeVolume(storage, { size: 3 });
  const pools = await asAdmin(storage, 'GET', '/scheduler-stats/get_pools?detail=true');
  const capabilities = objectIn(listIn(pools.body, 'pools')[0] ?? {}, 'capabilities');
  assert.ok(Number(capabilities['free_capacity_gb']) > 0);
  assert.ok(Number(capabilities['total_capacity_gb']) >= Number(capabilities['free_capacity_gb']));
  assert.equal(capabilities['provisioned_capacity_gb'], 3);
  const none = await asAdmin(storage, 'GET', '/scheduler-stats/get_pools?name=x');
  assert.deepEqual(none.body['pools'], []);
  const shown = await asAdmin(storage, 'GET', '/capabilities/firn@layers');
  assert.equal(shown.body['volume_backend_name'], 'layers');
  assert.equal((await asAdmin(storage, 'GET', '/capabilities/other')).status, 404);
  assert.equal(listIn((await asAdmin(storage, 'GET', '/os-hosts')).body, 'hosts').length, 3);
  const usage = await asAdmin(storage, 'GET', '/os-hosts/firn@layers');
  const resource = { host: 'firn@layers', volume_count: '1', total_volume_gb: '3' };
  const snapshots = { snapshot_count: '0', total_snapshot_gb: '0' };
  assert.deepEqual(usage.body['host'], [
    { resource: { ...resource, ...snapshots, project: '(total)' } },
    { resource: { ...resource, ...snapshots, project: alpha } },
  ]);
  assert.equal((await asAdmin(storage, 'GET', '/os-hosts/other')).status, 404);
  assert.deepEqual((await asAdmin(storage, 'GET', '/clusters')).body['clusters'], []);
});

test('a summary counts, and since 3.36 gathers metadata', async (t) => {
  const storage = await openStorage(t);
  await makeVolume(storage, { size: 2, metadata: { tier: 'gold', zone: 'a' } });
  await makeVolume(storage, { metadata: { tier: 'silver' } });
  const summary = async (microversion: string) =>
    (await storage.ask({ path: '/volumes/summary', microversion })).body['volume-summary'];
  assert.deepEqual(await summary('3.12'), { total_size: 3, total_count: 2 });
  const { metadata } = (await summary('3.36')) as { metadata: Record<string, string[]> };
  assert.deepEqual([metadata['tier']?.toSorted(), metadata['zone']], [['gold', 'silver'], ['a']]);
});

test('filters of a resource are told since 3.33', async (t) => {
  const storage = await openStorage(t);
  const path = '/resource_filters?resource=volume';
  const told = await storage.ask({ path, microversion: '3.33' });
  const [volume] = listIn(told.body, 'resource_filters');
  assert.ok(Array.isArray(volume?.['filters']) && volume['filters'].includes('name'));
  assert.equal((await storage.ask({ path, microversion: '3.32' })).status, 404);
});

test('image metadata is set, shown in the volume, unset', async (t) => {
  const storage = await openStorage(t);
  const id = await makeVolume(storage);
  const act = (body: object) =>
    storage.ask({ method: 'POST', path: `/volumes/${id}/action`, body });
  const set = await act({ 'os-set_image_metadata': { metadata: { os: 'debian', a: 'b' } } });
  assert.deepEqual([set.status, set.body['metadata']], [200, { os: 'debian', a: 'b' }]);
  assert.equal((await act({ 'os-unset_image_metadata': { key: 'a' } })).status, 200);
  assert.equal((await act({ 'os-unset_image_metadata': { key: 'a' } })).status, 404);
  assert.deepEqual((await act({ 'os-show_image_metadata': null })).body['metadata'], {
    os: 'debian',
  });
  const shown = await storage.ask({ path: `/volumes/${id}` });
  const volume = objectIn(shown.body, 'volume');
  assert.deepEqual(volume['volume_image_metadata'], { os: 'debian' });
});

test('retype changes type, snapshots and quota; migration has nowhere to go', async (t) => {
  const storage = await openStorage(t);
  const gold = await makeType(storage, { name: 'gold' });
  const id = await makeVolume(storage);
  const body = { snapshot: { volume_id: id } };
  await storage.ask({ method: 'POST', path: '/snapshots', body });
  await storage.scene.work();
  const act = (who: string, given: object) =>
    storage.ask({ who, method: 'POST', path: `/volumes/${id}/action`, body: given });
  const limits = { quota_set: { gigabytes_gold: 1, volumes_gold: '5' } };
  const set = await asAdmin(storage, 'PUT', `/os-quota-sets/${alpha}`, limits);
  assert.equal(objectIn(set.body, 'quota_set')['volumes_gold'], 5);
  const retype = { 'os-retype': { new_type: 'gold', migration_policy: 'never' } };
  const refused = await act('max', retype);
  assert.equal(refused.status, 413);
  assert.match(JSON.stringify(refused.body), /allowed gigabytes_gold quota/);
  await asAdmin(storage, 'PUT', `/os-quota-sets/${alpha}`, { quota_set: { gigabytes_gold: 2 } });
  assert.equal((await act('max', retype)).status, 202);
  assert.match(JSON.stringify((await act('max', retype)).body), /same as original/);
  assert.equal((await act('max', { 'os-retype': { new_type: 'none' } })).status, 404);
  const shown = await storage.ask({ path: `/volumes/${id}`, microversion: '3.63' });
  assert.equal(objectIn(shown.body, 'volume')['volume_type_id'], gold);
  const used = await storage.ask({ path: `/os-quota-sets/${alpha}?usage=true` });
  const quota = objectIn(used.body, 'quota_set');
  assert.equal(objectIn(quota, 'snapshots_gold')['in_use'], 1);
  assert.equal(objectIn(quota, 'gigabytes_gold')['in_use'], 2);
  assert.equal(objectIn(quota, 'gigabytes___DEFAULT__')['in_use'], 0);

  await asAdmin(storage, 'PUT', `/types/${gold}`, { volume_type: { name: 'silver' } });
  const renamed = await storage.ask({ path: `/os-quota-sets/${alpha}` });
  assert.equal(objectIn(renamed.body, 'quota_set')['gigabytes_silver'], 2);
  const migrate = (host: string) => act('ann', { 'os-migrate_volume': { host } });
  assert.match(JSON.stringify((await migrate('firn@layers')).body), /must be different/);
  assert.match(JSON.stringify((await migrate('x@y#z')).body), /No available service named x@y#z/);
});

test('quota classes are the limits of projects that have none of their own', async (t) => {
  const storage = await openStorage(t);
  const path = '/os-quota-class-sets/default';
  const set = await asAdmin(storage, 'PUT', path, { quota_class_set: { volumes: 7 } });
  assert.equal(objectIn(set.body, 'quota_class_set')['volumes'], 7);
  assert.equal(
    objectIn((await asAdmin(storage, 'GET', path)).body, 'quota_class_set')['volumes'],
    7,
  );
  const bad = await asAdmin(storage, 'PUT', path, { quota_class_set: { bananas: 7 } });
  assert.match(JSON.stringify(bad.body), /Bad key\(s\) in quota set: bananas/);
  const own = await storage.ask({ path: `/os-quota-sets/${alpha}` });
  assert.equal(objectIn(own.body, 'quota_set')['volumes'], 7);
  await asAdmin(storage, 'PUT', `/os-quota-sets/${alpha}`, { quota_set: { volumes: 9 } });
  const limits = await storage.ask({ path: '/limits' });
  const absolute = objectIn(objectIn(limits.body, 'limits'), 'absolute');
  assert.equal(absolute['maxTotalVolumes'], 9);
  assert.equal((await storage.ask({ path })).status, 403);
});
