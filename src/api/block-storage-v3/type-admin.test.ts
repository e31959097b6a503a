import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alpha, listIn, objectIn, openStorage, textIn, type Storage } from './storage-fixture.ts';

async function makeType(storage: Storage, fields: object): Promise<string> {
  const body = { volume_type: fields };
  const answer = await storage.ask({ who: 'ann', method: 'POST', path: '/types', body });
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  return textIn(objectIn(answer.body, 'volume_type'), 'id');
}

const typeNames = async (storage: Storage, who: string, query = ''): Promise<unknown[]> => {
  const { body } = await storage.ask({ who, path: `/types${query}` });
  return listIn(body, 'volume_types').map(({ name }) => name);
};

test('a private type is seen and used by whom it was given to', async (t) => {
  const storage = await openStorage(t);
  const id = await makeType(storage, { name: 'gold', 'os-volume-type-access:is_public': false });
  const act = (body: object) =>
    storage.ask({ who: 'ann', method: 'POST', path: `/types/${id}/action`, body });
  assert.deepEqual(await typeNames(storage, 'max'), ['__DEFAULT__']);
  assert.deepEqual(await typeNames(storage, 'ann'), ['__DEFAULT__']);
  assert.deepEqual(await typeNames(storage, 'ann', '?is_public=None'), ['gold', '__DEFAULT__']);
  assert.deepEqual(await typeNames(storage, 'ann', '?is_public=False'), ['gold']);
  assert.equal((await storage.ask({ path: `/types/${id}` })).status, 404);
  const volume = { volume: { size: 1, volume_type: 'gold' } };
  const create = () => storage.ask({ method: 'POST', path: '/volumes', body: volume });
  assert.equal((await create()).status, 404);

  assert.equal((await act({ addProjectAccess: { project: alpha } })).status, 202);
  assert.equal((await act({ addProjectAccess: { project: alpha } })).status, 409);
  assert.deepEqual(await typeNames(storage, 'max'), ['gold', '__DEFAULT__']);
  assert.equal((await create()).status, 202);
  const access = await storage.ask({ who: 'ann', path: `/types/${id}/os-volume-type-access` });
  assert.deepEqual(access.body['volume_type_access'], [{ volume_type_id: id, project_id: alpha }]);
  assert.equal((await act({ removeProjectAccess: { project: alpha } })).status, 202);
  assert.equal((await act({ removeProjectAccess: { project: alpha } })).status, 404);
  assert.equal((await create()).status, 404);
  assert.equal((await act({ addProjectAccess: { project: '' } })).status, 400);
  assert.equal((await act({ grantAll: {} })).status, 400);
});

test('a public type has no access list', async (t) => {
  const storage = await openStorage(t);
  const id = await makeType(storage, { name: 'open' });
  const path = `/types/${id}/os-volume-type-access`;
  assert.equal((await storage.ask({ who: 'ann', path })).status, 404);
  assert.equal((await storage.ask({ path })).status, 403);
  const body = { addProjectAccess: { project: alpha } };
  const added = await storage.ask({
    who: 'ann',
    method: 'POST',
    path: `/types/${id}/action`,
    body,
  });
  assert.equal(added.status, 400);
  assert.match(JSON.stringify(added.body), /not applicable to public volume type/);
});

test('extra specs that tell of the back end are for administrators', async (t) => {
  const storage = await openStorage(t);
  const specs = { multiattach: '<is> True', secret: 'x' };
  const id = await makeType(storage, { name: 'specs', extra_specs: specs });
  const seen = async (who: string): Promise<unknown> =>
    (await storage.ask({ who, path: `/types/${id}/extra_specs` })).body['extra_specs'];
  assert.deepEqual(await seen('max'), { multiattach: '<is> True' });
  assert.deepEqual(await seen('ann'), specs);
  const query = `?extra_specs=${encodeURIComponent(`{'multiattach':'<is> True'}`)}`;
  const found = await storage.ask({ path: `/types${query}`, microversion: '3.52' });
  assert.deepEqual(
    listIn(found.body, 'volume_types').map((type) => type['id']),
    [id],
  );
});

test("a type's encryption is kept, and no volume passes for encrypted", async (t) => {
  const storage = await openStorage(t);
  const id = await makeType(storage, { name: 'luks' });
  const path = `/types/${id}/encryption`;
  const ask = (method: 'GET' | 'POST' | 'PUT' | 'DELETE', at: string, body?: object) =>
    storage.ask({ who: 'ann', method, path: at, ...(body === undefined ? {} : { body }) });
  assert.deepEqual((await ask('GET', path)).body, {});
  const encryption = { provider: 'luks', control_location: 'front-end', key_size: 256 };
  const made = await ask('POST', path, { encryption });
  assert.equal(made.status, 200);
  const encryptionId = textIn(objectIn(made.body, 'encryption'), 'encryption_id');
  assert.equal((await ask('POST', path, { encryption })).status, 400);
  assert.deepEqual((await ask('GET', `${path}/key_size`)).body, { key_size: 256 });
  assert.equal((await ask('GET', `${path}/colour`)).status, 404);
  const changed = { encryption: { cipher: 'aes-xts-plain64' } };
  assert.equal((await ask('PUT', `${path}/provider`, changed)).status, 200);
  const shown = (await ask('GET', path)).body;
  assert.deepEqual([shown['cipher'], shown['provider']], ['aes-xts-plain64', 'luks']);
  const refused = await storage.ask({
    method: 'POST',
    path: '/volumes',
    body: { volume: { size: 1, volume_type: 'luks' } },
  });
  assert.equal(refused.status, 400);
  assert.match(JSON.stringify(refused.body), /asks for encryption/);
  assert.equal((await ask('DELETE', `${path}/${encryptionId}`)).status, 202);
  assert.equal((await ask('DELETE', `${path}/${encryptionId}`)).status, 404);
  const usable = { volume: { size: 1, volume_type: 'luks' } };
  assert.equal((await storage.ask({ method: 'POST', path: '/volumes', body: usable })).status, 202);
  assert.match(JSON.stringify((await ask('POST', path, { encryption })).body), /type in use/);
});

test('a project has its own default type, since 3.62', async (t) => {
  const storage = await openStorage(t);
  const id = await makeType(storage, { name: 'silver' });
  const path = `/default-types/${alpha}`;
  const body = { default_type: { volume_type: 'silver' } };
  const ask = (method: 'GET' | 'PUT' | 'DELETE', at: string, microversion = '3.62') =>
    storage.ask({
      who: 'ann',
      method,
      path: at,
      microversion,
      ...(method === 'PUT' ? { body } : {}),
    });
  assert.equal((await ask('PUT', path, '3.61')).status, 404);
  assert.equal((await ask('GET', path)).status, 404);
  const astray = { default_type: { volume_type: 'nowhere' } };
  const unknown = { who: 'ann', method: 'PUT', path, microversion: '3.62', body: astray } as const;
  assert.equal((await storage.ask(unknown)).status, 400);
  for (const method of ['PUT', 'GET'] as const) {
    const gone = await ask(method, '/default-types/nobody');
    assert.equal(gone.status, 404);
    assert.match(JSON.stringify(gone.body), /Project with id nobody not found\./);
  }
  const stranger = { path, method: 'PUT', microversion: '3.62', body } as const;
  assert.equal((await storage.ask({ ...stranger, path: '/default-types/nobody' })).status, 403);
  const set = await ask('PUT', path);
  assert.deepEqual(set.body['default_type'], { project_id: alpha, volume_type_id: id });
  assert.deepEqual((await ask('GET', '/default-types')).body['default_types'], [
    { project_id: alpha, volume_type_id: id },
  ]);
  const shown = await storage.ask({ path: '/types/default' });
  assert.equal(objectIn(shown.body, 'volume_type')['name'], 'silver');
  const made = await storage.ask({
    method: 'POST',
    path: '/volumes',
    body: { volume: { size: 1 } },
  });
  assert.equal(objectIn(made.body, 'volume')['volume_type'], 'silver');
  assert.equal((await ask('DELETE', path)).status, 204);
  assert.equal((await ask('GET', path)).status, 404);
  assert.equal(
    (await ask('DELETE', '/default-types/nobody')).status,
    204,
    'a project that is gone',
  );
});

test('QoS specs are set, associated and removed', async (t) => {
  const storage = await openStorage(t);
  const type = await makeType(storage, { name: 'limited' });
  const ask = (method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: object) =>
    storage.ask({ who: 'ann', method, path, ...(body === undefined ? {} : { body }) });
  const given = { name: 'slow', consumer: 'both', total_iops_sec: 100 };
  const made = await ask('POST', '/qos-specs', { qos_specs: given });
  assert.equal(made.status, 200);
  const specs = objectIn(made.body, 'qos_specs');
  assert.deepEqual(specs['specs'], { total_iops_sec: '100' });
  const at = `/qos-specs/${textIn(specs, 'id')}`;
  assert.equal((await ask('POST', '/qos-specs', { qos_specs: given })).status, 409);
  const bad = { qos_specs: { name: 'bad', read_bytes_sec: 'fast' } };
  assert.match(JSON.stringify((await ask('POST', '/qos-specs', bad)).body), /read_bytes_sec/);
  const put = await ask('PUT', at, { qos_specs: { read_iops_sec_per_gb: '5', note: 'x' } });
  assert.deepEqual(put.body['qos_specs'], { read_iops_sec_per_gb: '5', note: 'x' });
  assert.equal((await ask('PUT', `${at}/delete_keys`, { keys: ['note'] })).status, 202);
  assert.equal((await ask('PUT', `${at}/delete_keys`, { keys: ['note'] })).status, 404);
  assert.equal((await ask('GET', `${at}/associate`)).status, 400);
  assert.equal((await ask('GET', `${at}/associate?vol_type_id=${type}`)).status, 202);
  const shown = await ask('GET', `/types/${type}`);
  assert.equal(objectIn(shown.body, 'volume_type')['qos_specs_id'], specs['id']);
  const associations = await ask('GET', `${at}/associations`);
  assert.deepEqual(associations.body['qos_associations'], [
    { id: type, name: 'limited', association_type: 'volume_type' },
  ]);
  assert.equal((await ask('DELETE', at)).status, 400);
  assert.equal((await ask('GET', `${at}/disassociate_all`)).status, 202);
  assert.equal((await ask('DELETE', at)).status, 202);
  assert.equal((await ask('GET', at)).status, 404);
  assert.equal((await storage.ask({ path: '/qos-specs' })).status, 403);
});
