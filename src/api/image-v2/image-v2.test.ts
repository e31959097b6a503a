import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import type { InjectOptions } from 'fastify';
import { openFaces } from '../face-fixture.ts';
import type { Faces } from '../face-fixture.ts';

let faces: Faces;
before(async () => {
  faces = await openFaces();
});
after(() => faces.close());

const jsonPatch = { 'content-type': 'application/openstack-images-v2.1-json-patch' };

async function call(
  name: string,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  more?: InjectOptions,
) {
  const headers = { 'x-auth-token': await faces.tokenOf(name), ...more?.headers };
  return await faces.app.inject({ ...more, method, url: `/image${path}`, headers });
}

async function create(name: string, image: object) {
  return await call(name, 'POST', '/v2/images', { payload: image });
}

async function patch(name: string, id: string, changes: unknown) {
  const headers = { 'x-auth-token': await faces.tokenOf(name), ...jsonPatch };
  return await faces.app.inject({
    method: 'PATCH',
    url: `/image/v2/images/${id}`,
    headers,
    payload: JSON.stringify(changes),
  });
}

test('versions are told without a token, all else wants one', async () => {
  const versions = await faces.app.inject({ url: '/image' });
  assert.equal(versions.statusCode, 300);
  assert.equal(versions.json().versions[0].status, 'CURRENT');
  assert.equal((await faces.app.inject({ url: '/image/v2/images' })).statusCode, 401);
});

test('a record is made, shown, changed and deleted', async () => {
  const made = await create('max', {
    name: 'debian',
    disk_format: 'qcow2',
    min_disk: 2,
    os_distro: 'debian',
  });
  assert.equal(made.statusCode, 201);
  const { id, status, os_distro, size, owner, self } = made.json();
  assert.deepEqual([status, os_distro, size], ['queued', 'debian', null]);
  assert.match(owner, /^a{32}$/);
  assert.equal(self, `/v2/images/${id}`);
  assert.deepEqual((await call('rea', 'GET', `/v2/images/${id}`)).json(), made.json());
  const changed = await patch('max', id, [
    { op: 'replace', path: '/name', value: 'debian 12' },
    { op: 'add', path: '/tags', value: ['x'] },
    { op: 'remove', path: '/os_distro' },
    { op: 'add', path: '/hw~1model', value: 'virtio' },
  ]);
  assert.equal(changed.statusCode, 200);
  assert.equal(changed.json().name, 'debian 12');
  assert.equal(changed.json()['hw/model'], 'virtio');
  assert.equal('os_distro' in changed.json(), false);
  assert.deepEqual((await call('max', 'GET', `/v2/images/${id}`)).json(), changed.json());
  assert.equal((await call('max', 'DELETE', `/v2/images/${id}`)).statusCode, 204);
  assert.equal((await call('max', 'GET', `/v2/images/${id}`)).statusCode, 404);
});

test('bad records are refused and change nothing', async () => {
  const count = async () => (await call('max', 'GET', '/v2/images')).json().images.length;
  const earlier = await count();
  const bad: [unknown, number][] = [
    [{ id: 'no-uuid' }, 400],
    [{ min_disk: -1 }, 400],
    [{ name: 'x'.repeat(256) }, 400],
    [{ disk_format: 'floppy' }, 400],
    [{ visibility: 'everybody' }, 400],
    [{ colour: 5 }, 400],
    [{ tags: 'x' }, 400],
    [[], 400],
    ['image', 400],
    [Object.fromEntries(Array.from({ length: 129 }, (_, n) => [`p${n}`, 'x'])), 400],
    [{ status: 'active' }, 403],
    [{ owner: 'b'.repeat(32) }, 403],
    [{ visibility: 'public' }, 403],
  ];
  for (const [payload, status] of bad) {
    const answer = await call('max', 'POST', '/v2/images', {
      headers: { 'content-type': 'application/json' },
      payload: JSON.stringify(payload),
    });
    assert.equal(answer.statusCode, status, JSON.stringify(payload).slice(0, 60));
    assert.equal(answer.json().error.code, status);
  }
  assert.equal((await call('rea', 'POST', '/v2/images', { payload: {} })).statusCode, 403);
  assert.equal(await count(), earlier);
});

test('an id that is taken is 409', async () => {
  const id = '11111111-2222-4333-8444-555555555555';
  assert.equal((await create('max', { id, name: 'one' })).statusCode, 201);
  assert.equal((await create('max', { id, name: 'two' })).statusCode, 409);
  assert.equal((await call('max', 'GET', `/v2/images/${id}`)).json().name, 'one');
});

test('a patch is kept whole or not at all', async () => {
  const { id } = (await create('max', { name: 'whole' })).json();
  const bad: [unknown, number][] = [
    [{}, 400],
    [[{ op: 'move', path: '/name' }], 400],
    [[{ op: 'replace', path: 'name', value: 'x' }], 400],
    [[{ op: 'replace', path: '/name', value: 5 }], 400],
    [[{ op: 'replace', path: '/nothing', value: 'x' }], 409],
    [[{ op: 'remove', path: '/name' }], 403],
    [[{ op: 'replace', path: '/id', value: 'x' }], 403],
    [[{ op: 'replace', path: '/size', value: 1 }], 403],
    [[{ op: 'replace', path: '/visibility', value: 'public' }], 403],
  ];
  for (const [changes, status] of bad) {
    const all = Array.isArray(changes)
      ? [{ op: 'replace', path: '/name', value: 'half' }, ...changes]
      : changes;
    const answer = await patch('max', id, all);
    assert.equal(answer.statusCode, status, JSON.stringify(changes));
    assert.equal((await call('max', 'GET', `/v2/images/${id}`)).json().name, 'whole');
  }
});

test('other projects see public images only, and change none', async () => {
  const mine = (await create('max', { name: 'mine' })).json();
  const open = (await create('ann', { name: 'open', visibility: 'public' })).json();
  assert.equal((await call('bob', 'GET', `/v2/images/${mine.id}`)).statusCode, 404);
  assert.equal((await call('bob', 'DELETE', `/v2/images/${mine.id}`)).statusCode, 404);
  assert.equal((await call('bob', 'GET', `/v2/images/${open.id}`)).statusCode, 200);
  assert.equal((await call('bob', 'DELETE', `/v2/images/${open.id}`)).statusCode, 403);
  const names = (await call('bob', 'GET', '/v2/images')).json().images;
  assert.deepEqual(
    names.map((image: { name: string }) => image.name),
    ['open'],
  );
  for (const id of ['nothing', 'x'.repeat(300), "' or 1=1", '..%2f..']) {
    const answer = await call('max', 'GET', `/v2/images/${encodeURIComponent(id)}`);
    assert.equal(answer.statusCode, 404, id);
  }
});

test('a protected image stays', async () => {
  const { id } = (await create('max', { name: 'keep', protected: true })).json();
  assert.equal((await call('max', 'DELETE', `/v2/images/${id}`)).statusCode, 403);
  assert.equal((await call('max', 'GET', `/v2/images/${id}`)).statusCode, 200);
});

test('pages join to the whole list, in any order', async () => {
  for (const name of ['b', 'a', 'c']) {
    await create('bob', { name, visibility: 'private' });
    await create('ann', { name: `${name}2`, visibility: 'public' });
  }
  for (const sort of [
    '',
    '&sort=name:asc',
    '&sort_key=name&sort_dir=desc',
    '&sort=updated_at:asc',
  ]) {
    const whole = (await call('bob', 'GET', `/v2/images?limit=100${sort}`)).json().images;
    const joined: unknown[] = [];
    let path: string | undefined = `/v2/images?limit=2${sort}`;
    while (path !== undefined) {
      const page = await call('bob', 'GET', path);
      assert.equal(page.statusCode, 200, path);
      joined.push(...page.json().images);
      path = page.json().next;
    }
    assert.deepEqual(joined, whole, sort);
    assert.ok(whole.length >= 7);
  }
});

test('filters, and what is none', async () => {
  const list = async (query: string) => await call('bob', 'GET', `/v2/images?${query}`);
  assert.equal((await list('name=a')).json().images.length, 1);
  assert.equal((await list('name=a&os_hidden=True')).json().images.length, 0);
  assert.equal((await list('status=deleted')).json().images.length, 0);
  assert.equal((await list('limit=0')).json().images.length, 0);
  const visible = (await list('visibility=private')).json().images;
  assert.deepEqual(new Set(visible.map((image: { name: string }) => image.name)), new Set('abc'));
  const bad = [
    'limit=x',
    'limit=-1',
    'sort=size',
    'sort=constructor',
    'sort=name:up',
    'visibility=x',
    'a=b',
    'name=%00',
  ];
  for (const query of bad) assert.equal((await list(query)).statusCode, 400, query);
  assert.equal((await list('marker=nothing')).statusCode, 404);
});

test('tags are put on and taken off', async () => {
  const { id } = (await create('max', { name: 'tagged', tags: ['a'] })).json();
  const tag = async (method: 'PUT' | 'DELETE', word: string) =>
    await faces.app.inject({
      method,
      url: `/image/v2/images/${id}/tags/${word}`,
      headers: { 'x-auth-token': await faces.tokenOf('max') },
    });
  const tags = async () => (await call('max', 'GET', `/v2/images/${id}`)).json().tags;
  assert.equal((await tag('PUT', 'b')).statusCode, 204);
  assert.equal((await tag('PUT', 'b')).statusCode, 204);
  assert.deepEqual(await tags(), ['a', 'b']);
  assert.equal((await tag('PUT', 'x'.repeat(256))).statusCode, 400);
  assert.equal((await tag('DELETE', 'a')).statusCode, 204);
  assert.equal((await tag('DELETE', 'a')).statusCode, 404);
  assert.deepEqual(await tags(), ['b']);
});

test('schemas name the fields', async () => {
  const image = (await call('max', 'GET', '/v2/schemas/image')).json();
  assert.equal(image.name, 'image');
  assert.ok('min_disk' in image.properties);
  assert.equal((await call('max', 'GET', '/v2/schemas/images')).json().name, 'images');
});
