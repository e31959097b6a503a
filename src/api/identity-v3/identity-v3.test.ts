import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { openFaces, publicUrl } from '../face-fixture.ts';
import type { Faces } from '../face-fixture.ts';
import { password, people } from './directory-fixture.ts';

let faces: Faces;
before(async () => {
  faces = await openFaces();
});
after(() => faces.close());

const domain = { name: 'Default' };

function passwordOf(name: string, word = password): object {
  return { methods: ['password'], password: { user: { name, domain, password: word } } };
}

function login(auth: object, query = '') {
  return faces.app.inject({
    method: 'POST',
    url: `/identity/v3/auth/tokens${query}`,
    payload: { auth },
  });
}

async function get(name: string, url: string, headers: Record<string, string> = {}) {
  const token = await faces.tokenOf(name);
  return await faces.app.inject({ url, headers: { 'x-auth-token': token, ...headers } });
}

function personId(name: string): string {
  return people.find((person) => person.name === name)?.id ?? '';
}

test('versions are told without a token', async () => {
  const list = await faces.app.inject({ url: '/identity' });
  assert.equal(list.statusCode, 300);
  assert.equal(list.json().versions.values[0].links[0].href, `${publicUrl}/identity/v3/`);
  for (const url of ['/identity/v3', '/identity/v3/']) {
    const one = await faces.app.inject({ url });
    assert.equal(one.statusCode, 200);
    assert.equal(one.json().version.id, 'v3.14');
  }
});

test('a password gives a token with a catalogue that names the project', async () => {
  const answer = await login({
    identity: passwordOf('max'),
    scope: { project: { name: 'alpha', domain } },
  });
  assert.equal(answer.statusCode, 201);
  assert.match(String(answer.headers['x-subject-token']), /^\S{20,}$/);
  const { token } = answer.json();
  assert.equal(token.project.name, 'alpha');
  assert.equal(token.user.name, 'max');
  assert.equal(token.user.domain.name, 'Default');
  assert.deepEqual(
    token.roles.map((role: { name: string }) => role.name),
    ['member', 'reader'],
  );
  assert.match(token.expires_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  const types = token.catalog.map((service: { type: string }) => service.type);
  assert.deepEqual(types, ['identity', 'volumev3', 'block-storage', 'image']);
  const volumes = token.catalog.find((service: { type: string }) => service.type === 'volumev3');
  assert.deepEqual(
    volumes.endpoints.map((endpoint: { interface: string }) => endpoint.interface),
    ['public', 'internal', 'admin'],
  );
  assert.equal(volumes.endpoints[0].url, `${publicUrl}/volume/v3/${token.project.id}`);
  assert.equal(volumes.endpoints[0].region_id, 'RegionOne');
});

test('scopes: by id, default, unscoped as text and as object, from a token', async () => {
  const identity = passwordOf('max');
  const project = people.find((person) => person.name === 'max')?.project.id;
  const byId = await login({ identity, scope: { project: { id: project } } }, '?nocatalog');
  assert.equal(byId.json().token.project.id, project);
  assert.equal(byId.json().token.catalog, undefined);
  assert.equal((await login({ identity })).json().token.project.id, project);
  for (const scope of ['unscoped', { unscoped: {} }]) {
    const unscoped = await login({ identity, scope });
    assert.equal(unscoped.statusCode, 201);
    assert.equal(unscoped.json().token.project, undefined);
    assert.equal(unscoped.json().token.catalog, undefined);
    const id = String(unscoped.headers['x-subject-token']);
    const again = await login({
      identity: { methods: ['token'], token: { id } },
      scope: { project: { id: project } },
    });
    assert.equal(again.statusCode, 201);
    assert.equal(again.json().token.project.id, project);
  }
});

test('whatever is wrong with credentials, the answer is the same', async () => {
  const scope = { project: { name: 'beta', domain } };
  const bodies: object[] = [
    { identity: passwordOf('max', 'wrong') },
    { identity: passwordOf('nobody') },
    { identity: passwordOf('max'), scope },
    { identity: passwordOf('max'), scope: { domain } },
    { identity: passwordOf('max'), scope: { system: { all: true } } },
    { identity: { methods: ['token'], token: { id: 'nothing' } } },
    { identity: { methods: ['totp'] } },
    { identity: { methods: [] } },
    { identity: { methods: ['password', 'totp'] } },
  ];
  for (const body of bodies) {
    const answer = await login(body);
    assert.equal(answer.statusCode, 401, JSON.stringify(body));
    assert.deepEqual(answer.json(), {
      error: {
        code: 401,
        message: 'The request you have made requires authentication.',
        title: 'Unauthorized',
      },
    });
    assert.equal(answer.headers['www-authenticate'], `Keystone uri="${publicUrl}/identity"`);
  }
});

test('a malformed login is 400, and repeats no password', async () => {
  const secret = 'hunter2-hunter2';
  const bodies: unknown[] = [
    undefined,
    {},
    [],
    { auth: null },
    { auth: { identity: {} } },
    { auth: { identity: { methods: 'password' } } },
    { auth: { identity: { methods: ['password'] } } },
    { auth: { identity: { methods: ['token'] } } },
    { auth: { identity: { methods: ['password'], password: { user: { password: secret } } } } },
    { auth: { identity: passwordOf('max', secret), scope: 'everything' } },
    { auth: { identity: passwordOf('max', secret), scope: {} } },
    { auth: { identity: passwordOf('max', secret), scope: { project: { name: 'alpha' } } } },
    {
      auth: {
        identity: {
          methods: ['password'],
          password: { user: { name: 'max', password: [secret] } },
        },
      },
    },
  ];
  for (const payload of bodies) {
    const answer = await faces.app.inject({
      method: 'POST',
      url: '/identity/v3/auth/tokens',
      ...(payload === undefined ? {} : { payload: payload as object }),
    });
    assert.equal(answer.statusCode, 400, JSON.stringify(payload));
    assert.equal(answer.json().error.title, 'Bad Request');
    assert.ok(!answer.body.includes(secret));
  }
  assert.ok(!faces.log().includes(secret));
});

test('tokens are looked at and revoked by their user and by an admin', async () => {
  const made = await login({ identity: passwordOf('max') });
  const token = String(made.headers['x-subject-token']);
  const about = { 'x-subject-token': token };
  const seen = await get('max', '/identity/v3/auth/tokens', about);
  assert.equal(seen.statusCode, 200);
  assert.deepEqual(seen.json(), made.json());
  const head = await faces.app.inject({
    method: 'HEAD',
    url: '/identity/v3/auth/tokens',
    headers: { 'x-auth-token': token, ...about },
  });
  assert.equal(head.statusCode, 200);
  assert.equal(head.body, '');
  assert.equal((await get('bob', '/identity/v3/auth/tokens', about)).statusCode, 404);
  assert.equal((await get('ann', '/identity/v3/auth/tokens', about)).statusCode, 200);
  assert.equal((await get('max', '/identity/v3/auth/tokens')).statusCode, 404);
  const revoked = await faces.app.inject({
    method: 'DELETE',
    url: '/identity/v3/auth/tokens',
    headers: { 'x-auth-token': token, 'content-type': 'application/json', ...about },
  });
  assert.equal(revoked.statusCode, 204);
  assert.equal((await get('ann', '/identity/v3/auth/tokens', about)).statusCode, 404);
  const afterwards = await faces.app.inject({
    url: '/identity/v3/auth/catalog',
    headers: { 'x-auth-token': token },
  });
  assert.equal(afterwards.statusCode, 401);
  assert.ok(!faces.log().includes(token), 'the token is not in the log');
});

test('an admin lists and shows; others see themselves', async () => {
  for (const thing of [
    'users',
    'projects',
    'roles',
    'domains',
    'services',
    'endpoints',
    'role_assignments',
  ]) {
    const list = await get('ann', `/identity/v3/${thing}`);
    assert.equal(list.statusCode, 200, thing);
    assert.ok(list.json()[thing].length > 0, thing);
    assert.equal((await get('max', `/identity/v3/${thing}`)).statusCode, 403, thing);
    const first = list.json()[thing][0];
    if (first.id === undefined) continue;
    const one = await get('ann', `/identity/v3/${thing}/${first.id}`);
    assert.deepEqual(one.json(), { [thing.slice(0, -1)]: first });
    assert.equal((await get('ann', `/identity/v3/${thing}/nothing%00`)).statusCode, 404);
    const missing = await get('ann', `/identity/v3/${thing}/nothing`);
    assert.equal(missing.statusCode, 404);
    assert.equal(missing.json().error.message, `Could not find ${thing.slice(0, -1)}: nothing.`);
  }
  assert.equal((await get('max', `/identity/v3/users/${personId('max')}`)).statusCode, 200);
  assert.equal((await get('max', `/identity/v3/users/${personId('ann')}`)).statusCode, 403);
  assert.equal((await get('max', '/identity/v3/users/nothing')).statusCode, 403);
  assert.equal((await get('max', '/identity/v3/regions')).json().regions[0].id, 'RegionOne');
  assert.equal((await get('max', '/identity/v3/domains/default')).statusCode, 200);
});

test('lists are filtered', async () => {
  const names = async (url: string, key: string) => {
    const body = (await get('ann', `/identity/v3/${url}`)).json();
    return body[key].map((item: { name: string }) => item.name);
  };
  assert.deepEqual(await names('users?name=max', 'users'), ['max']);
  assert.deepEqual(await names('users?name=MAX%27', 'users'), []);
  assert.deepEqual(await names('projects?domain_id=default', 'projects'), ['alpha', 'beta']);
  assert.deepEqual(await names('projects?domain_id=other', 'projects'), []);
  assert.deepEqual(await names('projects?enabled=false', 'projects'), []);
  assert.deepEqual(await names('services?type=image', 'services'), ['glance']);
  const endpoints = (await get('ann', '/identity/v3/endpoints?interface=public')).json();
  assert.equal(endpoints.endpoints.length, 4);
  const url = `/identity/v3/role_assignments?user.id=${personId('max')}&include_names=True`;
  const [assignment] = (await get('ann', url)).json().role_assignments;
  assert.equal(assignment.role.name, 'member');
  assert.equal(assignment.user.domain.name, 'Default');
  assert.equal(assignment.scope.project.name, 'alpha');
});

test('own projects are there with an unscoped token too', async () => {
  const unscoped = await login({ identity: passwordOf('bob'), scope: 'unscoped' });
  const headers = { 'x-auth-token': String(unscoped.headers['x-subject-token']) };
  for (const url of ['/auth/projects', `/users/${personId('bob')}/projects`]) {
    const answer = await faces.app.inject({ url: `/identity/v3${url}`, headers });
    assert.deepEqual(
      answer.json().projects.map((project: { name: string }) => project.name),
      ['beta'],
    );
  }
  const others = `/identity/v3/users/${personId('ann')}/projects`;
  assert.equal((await faces.app.inject({ url: others, headers })).statusCode, 403);
  const domains = await faces.app.inject({ url: '/identity/v3/auth/domains', headers });
  assert.deepEqual(domains.json().domains, []);
  const catalog = await faces.app.inject({ url: '/identity/v3/auth/catalog', headers });
  assert.deepEqual(catalog.json().catalog, []);
});
