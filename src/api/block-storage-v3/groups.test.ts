import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId } from '../../base/ids.ts';
import type { JsonObject } from '../../base/json.ts';
import {
  alpha,
  listIn,
  objectIn,
  openStorage,
  textIn,
  type Answer,
  type Storage,
} from './storage-fixture.ts';

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** Asks at one microversion. */
function at(storage: Storage, microversion: string) {
  return async (method: Method, path: string, body?: JsonObject, who = 'max'): Promise<Answer> =>
    storage.ask({ who, method, path, microversion, ...(body === undefined ? {} : { body }) });
}

function messageOf({ body }: Answer): string {
  const [fault = ''] = Object.keys(body);
  return textIn(objectIn(body, fault), 'message');
}

const newGroup = { group_type: 'default_cgsnapshot_type', volume_types: ['__DEFAULT__'] };

async function makeGroup(storage: Storage, fields: JsonObject = {}): Promise<string> {
  const made = await at(storage, '3.20')('POST', '/groups', { group: { ...newGroup, ...fields } });
  assert.equal(made.status, 202, JSON.stringify(made.body));
  return textIn(objectIn(made.body, 'group'), 'id');
}

async function makeMember(storage: Storage, groupId: string): Promise<string> {
  const volume = { size: 1, volume_type: '__DEFAULT__', group_id: groupId };
  const made = await at(storage, '3.13')('POST', '/volumes', { volume });
  assert.equal(made.status, 202, JSON.stringify(made.body));
  await storage.scene.work();
  return textIn(objectIn(made.body, 'volume'), 'id');
}

test('groups are not there before their microversions', async (t) => {
  const storage = await openStorage(t);
  const id = await makeGroup(storage);
  const cases: [string, Method, string, JsonObject?][] = [
    ['3.10', 'GET', '/group_types'],
    ['3.10', 'GET', '/group_types/default'],
    ['3.12', 'GET', '/groups'],
    ['3.12', 'GET', '/groups/detail'],
    ['3.12', 'GET', `/groups/${id}`],
    ['3.12', 'POST', '/groups', { group: newGroup }],
    ['3.12', 'POST', `/groups/${id}/action`, { delete: {} }],
    ['3.13', 'POST', '/groups/action', { 'create-from-src': { source_group_id: id } }],
    ['3.13', 'GET', '/group_snapshots'],
    ['3.13', 'POST', '/group_snapshots', { group_snapshot: { group_id: id } }],
    ['3.19', 'POST', `/groups/${id}/action`, { reset_status: { status: 'error' } }],
    ['3.37', 'POST', `/groups/${id}/action`, { enable_replication: {} }],
  ];
  for (const [microversion, method, path, body] of cases) {
    const answer = await at(storage, microversion)(method, path, body, 'ann');
    assert.equal(answer.status, 404, `${microversion} ${method} ${path}`);
    assert.equal(messageOf(answer), 'The resource could not be found.');
  }
  assert.equal(await storage.scene.catalog.count('groups', { projectId: alpha }), 1);
});

test('a group lives: create, show, list, update, delete', async (t) => {
  const storage = await openStorage(t);
  const id = await makeGroup(storage, { name: ' db ', description: 'why' });
  const volume = await makeMember(storage, id);
  const [typed] = listIn((await at(storage, '3.11')('GET', '/group_types')).body, 'group_types');
  const type = (await at(storage, '3.0')('GET', '/types/default')).body;
  const shown = await at(storage, '3.13')('GET', `/groups/${id}`);
  const { created_at: _when, ...rest } = objectIn(shown.body, 'group');
  assert.match(textIn(objectIn(shown.body, 'group'), 'created_at'), /^2026-01-01T/);
  assert.deepEqual(rest, {
    id,
    status: 'available',
    availability_zone: 'nova',
    name: 'db',
    description: 'why',
    group_type: typed?.['id'],
    volume_types: [objectIn(type, 'volume_type')['id']],
  });
  const newest = at(storage, '3.71');
  const full = objectIn((await newest('GET', `/groups/${id}?list_volume=true`)).body, 'group');
  assert.deepEqual(
    [full['volumes'], full['replication_status'], full['source_group_id'], full['project_id']],
    [[volume], 'disabled', null, undefined],
  );
  const asAdmin = await newest('GET', `/groups/${id}`, undefined, 'ann');
  assert.equal(objectIn(asAdmin.body, 'group')['project_id'], alpha);
  const member = await newest('GET', `/volumes/${volume}`);
  assert.equal(objectIn(member.body, 'volume')['group_id'], id);
  assert.equal(listIn((await newest('GET', `/volumes?group_id=${id}`)).body, 'volumes').length, 1);

  const update = { group: { name: 'new', add_volumes: '', remove_volumes: `${volume},` } };
  const updated = await newest('PUT', `/groups/${id}`, update);
  assert.deepEqual([updated.status, updated.body], [202, {}]);
  const now = objectIn((await newest('GET', `/groups/${id}?list_volume=1`)).body, 'group');
  assert.deepEqual([now['name'], now['description'], now['volumes']], ['new', 'why', []]);

  const path = `/groups/${id}/action`;
  const reset = { reset_status: { status: 'ERROR' } };
  assert.equal((await newest('POST', path, reset)).status, 403);
  assert.equal((await newest('POST', path, reset, 'ann')).status, 202);
  const replicate = await newest('POST', path, { failover_replication: {} });
  assert.deepEqual(
    [replicate.status, messageOf(replicate)],
    [400, `Invalid group type: Group ${id} is not a replication group type.`],
  );
  assert.equal((await newest('POST', path, { delete: { 'delete-volumes': false } })).status, 202);
  await storage.scene.work();
  const gone = await newest('GET', `/groups/${id}`);
  assert.deepEqual(gone.body, {
    itemNotFound: { code: 404, message: `Group ${id} could not be found.` },
  });
});

test('groups are listed, filtered, sorted and paged', async (t) => {
  const storage = await openStorage(t);
  const ids: Record<string, string> = {};
  for (const name of ['b', 'a', 'c']) ids[name] = await makeGroup(storage, { name });
  const ask = at(storage, '3.60');
  const names = async (query: string, who = 'max'): Promise<unknown[]> =>
    listIn((await ask('GET', `/groups/detail?${query}`, undefined, who)).body, 'groups').map(
      ({ name }) => name,
    );
  assert.deepEqual(await names(''), ['c', 'a', 'b']);
  assert.deepEqual(await names('sort=name:asc'), ['a', 'b', 'c']);
  assert.deepEqual(await names('sort_key=name&sort_dir=desc&limit=2'), ['c', 'b']);
  assert.deepEqual(await names(`sort=name:asc&marker=${ids['a']}`), ['b', 'c']);
  assert.deepEqual(await names('name=a'), ['a']);
  assert.deepEqual(await names('status=error'), []);
  assert.deepEqual(await names('all_tenants=True', 'bob'), []);
  assert.deepEqual(await names('all_tenants=1&sort=name', 'ann'), ['c', 'b', 'a']);
  const page = (await ask('GET', '/groups?limit=1')).body;
  assert.deepEqual(Object.keys(listIn(page, 'groups')[0] ?? {}), ['id', 'name']);
  assert.match(textIn(listIn(page, 'group_links')[0] ?? {}, 'href'), /\/groups\?limit=1&marker=/);
  assert.equal((await ask('GET', '/groups?sort=colour')).status, 400);
  assert.equal((await ask('GET', `/groups?marker=${newId()}`)).status, 404);
});

test('group snapshots live, and groups are made from them', async (t) => {
  const storage = await openStorage(t);
  const groupId = await makeGroup(storage);
  await makeMember(storage, groupId);
  await makeMember(storage, groupId);
  const ask = at(storage, '3.20');
  const made = await ask('POST', '/group_snapshots', {
    group_snapshot: { group_id: groupId, name: 'monday', description: null },
  });
  const id = textIn(objectIn(made.body, 'group_snapshot'), 'id');
  const typeId = textIn(objectIn(made.body, 'group_snapshot'), 'group_type_id');
  assert.equal(made.status, 202);
  await storage.scene.work();
  const shown = await ask('GET', `/group_snapshots/${id}`);
  const { created_at: _when, ...rest } = objectIn(shown.body, 'group_snapshot');
  const facts = { id, group_id: groupId, group_type_id: typeId, status: 'available' };
  assert.deepEqual(rest, { ...facts, name: 'monday', description: null });
  const listed = listIn((await ask('GET', '/snapshots/detail')).body, 'snapshots');
  assert.deepEqual(
    listed.map(({ group_snapshot_id: of, name }) => [of, name]),
    [
      [id, 'monday'],
      [id, 'monday'],
    ],
  );
  const single = await ask('DELETE', `/snapshots/${textIn(listed[0] ?? {}, 'id')}`);
  assert.deepEqual(
    [single.status, messageOf(single)],
    [
      400,
      'Invalid snapshot: Snapshot status must be available or error and must not be part of a ' +
        'group.',
    ],
  );
  const rename = { group_snapshot: { name: 'tuesday' } };
  assert.equal((await ask('PUT', `/group_snapshots/${id}`, rename)).status, 200);
  const path = '/group_snapshots/detail?name=tuesday';
  assert.equal(listIn((await ask('GET', path)).body, 'group_snapshots').length, 1);

  for (const source of [{ group_snapshot_id: id }, { source_group_id: groupId }]) {
    const body = { 'create-from-src': { name: 'copy', ...source } };
    const copy = await ask('POST', '/groups/action', body);
    assert.equal(copy.status, 202);
    await storage.scene.work();
    const copyId = textIn(objectIn(copy.body, 'group'), 'id');
    const group = objectIn((await ask('GET', `/groups/${copyId}`)).body, 'group');
    assert.equal(group['status'], 'available');
    const volumes = await ask('GET', `/volumes/detail?group_id=${copyId}`);
    assert.equal(listIn(volumes.body, 'volumes').length, 2);
  }

  const action = `/group_snapshots/${id}/action`;
  const reset = { reset_status: { status: 'error' } };
  assert.equal((await at(storage, '3.18')('POST', action, reset, 'ann')).status, 404);
  assert.equal((await ask('POST', action, reset)).status, 403);
  assert.equal((await ask('POST', action, reset, 'ann')).status, 202);
  assert.equal((await ask('DELETE', `/group_snapshots/${id}`)).status, 202);
  await storage.scene.work();
  assert.equal((await ask('GET', `/group_snapshots/${id}`)).status, 404);
});

test('group types and their specs are administered', async (t) => {
  const storage = await openStorage(t);
  const ask = at(storage, '3.11');
  const body = { group_type: { name: 'gold', is_public: false, group_specs: { a: 'b' } } };
  assert.equal((await ask('POST', '/group_types', body)).status, 403);
  const made = await ask('POST', '/group_types', body, 'ann');
  assert.equal(made.status, 202);
  const id = textIn(objectIn(made.body, 'group_type'), 'id');
  const facts = { id, name: 'gold', description: null, is_public: false };
  assert.deepEqual(made.body, { group_type: { ...facts, group_specs: { a: 'b' } } });
  const twice = await ask('POST', '/group_types', body, 'ann');
  assert.deepEqual([twice.status, messageOf(twice)], [409, 'Group Type gold already exists.']);
  const path = `/group_types/${id}`;
  assert.equal((await ask('GET', path)).status, 404);
  const count = async (query: string, who: string): Promise<number> => {
    const { body: answer } = await ask('GET', `/group_types${query}`, undefined, who);
    return listIn(answer, 'group_types').length;
  };
  assert.deepEqual(
    [await count('?is_public=None', 'max'), await count('?is_public=None', 'ann')],
    [1, 2],
  );
  assert.deepEqual([await count('', 'ann'), await count('?is_public=False', 'ann')], [1, 1]);
  assert.equal((await ask('GET', '/group_types?is_public=x', undefined, 'ann')).status, 400);
  const opened = await ask('PUT', path, { group_type: { is_public: true, name: null } }, 'ann');
  assert.equal(objectIn(opened.body, 'group_type')['is_public'], true);
  const seen = objectIn((await ask('GET', path)).body, 'group_type');
  assert.deepEqual([seen['name'], Object.hasOwn(seen, 'group_specs')], ['gold', false]);

  const more = { group_specs: { 'c:d': '<is> True' } };
  assert.equal((await ask('POST', `${path}/group_specs`, more, 'ann')).status, 202);
  assert.equal((await ask('PUT', `${path}/group_specs/a`, { a: 'z' }, 'ann')).status, 200);
  assert.equal((await ask('PUT', `${path}/group_specs/a`, { b: 'z' }, 'ann')).status, 400);
  assert.equal((await ask('PUT', `${path}/group_specs/a`, { a: '1', b: '2' }, 'ann')).status, 400);
  const one = await ask('GET', `${path}/group_specs/a`, undefined, 'ann');
  assert.deepEqual(one.body, { a: 'z' });
  assert.equal((await ask('DELETE', `${path}/group_specs/a`, undefined, 'ann')).status, 202);
  assert.equal((await ask('DELETE', `${path}/group_specs/a`, undefined, 'ann')).status, 404);
  const all = await ask('GET', `${path}/group_specs`, undefined, 'ann');
  assert.deepEqual(all.body, more);
  assert.equal((await ask('GET', `${path}/group_specs`)).status, 403);
  assert.equal((await ask('DELETE', path, undefined, 'ann')).status, 202);
  assert.equal((await ask('GET', path, undefined, 'ann')).status, 404);
  const standard = objectIn((await ask('GET', '/group_types/default')).body, 'group_type');
  assert.equal(standard['name'], 'default_cgsnapshot_type');
});

test('requests about groups that are not right are refused, and name the field', async (t) => {
  const storage = await openStorage(t);
  const id = await makeGroup(storage);
  const long = 'x'.repeat(256);
  const source = newId();
  const cases: [Method, string, JsonObject, RegExp][] = [
    ['POST', '/groups', {}, /'group' is a required property/],
    ['POST', '/groups', { group: { volume_types: ['a'] } }, /'group_type' is a required/],
    ['POST', '/groups', { group: { ...newGroup, volume_types: [] } }, /volume_types.*too short/],
    ['POST', '/groups', { group: { ...newGroup, volume_types: 'a' } }, /volume_types.*type 'array/],
    ['POST', '/groups', { group: { ...newGroup, volume_types: ['a', 'a'] } }, /non-unique/],
    ['POST', '/groups', { group: { ...newGroup, name: long } }, /attribute name.*is too long/],
    ['POST', '/groups', { group: { ...newGroup, colour: 1 } }, /'colour' was unexpected/],
    ['PUT', `/groups/${id}`, { group: {} }, /does not have enough properties/],
    ['PUT', `/groups/${id}`, { group: { add_volumes: [] } }, /attribute add_volumes/],
    ['PUT', `/groups/${id}`, { group: { add_volumes: 'no such' } }, /volume cannot be found/],
    ['POST', `/groups/${id}/action`, { delete: { 'delete-volumes': 'maybe' } }, /delete-volumes/],
    ['POST', `/groups/${id}/action`, { delete: {}, reset_status: {} }, /or several/],
    ['POST', `/groups/${id}/action`, { dance: {} }, /no such action: dance/],
    ['POST', `/groups/${id}/action`, { reset_status: {} }, /'status' is a required property/],
    [
      'POST',
      `/groups/${id}/action`,
      { reset_status: { status: 'odd' } },
      /^Invalid Group Status: Group status: odd is invalid, valid status are: \('error', /,
    ],
    ['POST', '/groups/action', { 'create-from-src': { name: 'x' } }, /create-from-src/],
    [
      'POST',
      '/groups/action',
      { 'create-from-src': { source_group_id: source, group_snapshot_id: source } },
      /'group_snapshot_id' and 'source_group_id'/,
    ],
    ['POST', '/groups/action', { 'create-from-src': { source_group_id: 'x' } }, /is not a 'uuid'/],
    ['POST', '/groups/action', { delete: {} }, /no such action/],
    ['POST', '/group_snapshots', { group_snapshot: { group_id: 7 } }, /attribute group_id/],
    ['POST', '/group_snapshots', { group_snapshot: { group_id: id, force: 1 } }, /'force' was/],
    ['POST', '/group_types', { group_type: { name: ' ' } }, /attribute name/],
    ['POST', '/group_types', { group_type: { name: 'a', group_specs: { 'a b': '' } } }, /a b/],
    ['PUT', '/group_types/x', { group_type: {} }, /does not have enough properties/],
    ['POST', '/volumes', { volume: { size: 1, group_id: 'x' } }, /attribute group_id/],
  ];
  for (const [method, path, body, message] of cases) {
    const answer = await at(storage, '3.20')(method, path, body, 'ann');
    assert.equal(answer.status, 400, `${method} ${path} ${JSON.stringify(body)}`);
    assert.match(messageOf(answer), message);
  }
  for (const path of [
    `/groups/${source}`,
    '/groups/no-such',
    '/group_snapshots/x',
    '/group_types/x',
  ]) {
    assert.equal((await at(storage, '3.71')('GET', path, undefined, 'ann')).status, 404);
  }
  assert.equal(await storage.scene.catalog.count('groups', { projectId: alpha }), 1);
});

test('the number of groups has a quota', async (t) => {
  const storage = await openStorage(t);
  const quota = `/os-quota-sets/${alpha}`;
  const set = { quota_set: { groups: 1 } };
  assert.equal((await at(storage, '3.0')('PUT', quota, set, 'ann')).status, 200);
  await makeGroup(storage);
  const answer = await at(storage, '3.20')('POST', '/groups', { group: newGroup });
  assert.deepEqual(
    [answer.status, messageOf(answer)],
    [413, 'GroupLimitExceeded: Maximum number of groups allowed (1) exceeded.'],
  );
  const used = await at(storage, '3.0')('GET', `${quota}?usage=true`);
  const groups = { limit: 1, in_use: 1, reserved: 0, allocated: 0 };
  assert.deepEqual(objectIn(used.body, 'quota_set')['groups'], groups);
});
