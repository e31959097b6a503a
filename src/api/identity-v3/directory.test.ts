import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import type { InjectOptions } from 'fastify';
import { openFaces, type Faces } from '../face-fixture.ts';

let faces: Faces;
before(async () => {
  faces = await openFaces();
});
after(() => faces.close());

type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

async function call(who: string, method: Method, path: string, payload?: InjectOptions['payload']) {
  const answer = await faces.app.inject({
    method,
    url: `/identity/v3${path}`,
    headers: { 'x-auth-token': await faces.tokenOf(who) },
    ...(payload === undefined ? {} : { payload }),
  });
  const body: Record<string, unknown> = answer.body === '' ? {} : answer.json();
  return { status: answer.statusCode, body };
}

const ok = async (
  who: string,
  method: Method,
  path: string,
  payload?: InjectOptions['payload'],
) => {
  const answer = await call(who, method, path, payload);
  assert.ok(answer.status < 300, `${method} ${path}: ${JSON.stringify(answer.body)}`);
  return answer;
};

const domain = { id: 'default' };

async function login(identity: object, scope?: unknown) {
  const auth = scope === undefined ? { identity } : { identity, scope };
  const answer = await faces.app.inject({
    method: 'POST',
    url: '/identity/v3/auth/tokens',
    payload: { auth },
  });
  return {
    status: answer.statusCode,
    token: String(answer.headers['x-subject-token']),
    said: answer.json().token,
  };
}

const by = (name: string, password: string): object => ({
  methods: ['password'],
  password: { user: { name, domain, password } },
});

async function make(kind: string, fields: object): Promise<string> {
  const { status, body } = await call('ann', 'POST', `/${kind}s`, { [kind]: fields });
  assert.equal(status, 201, JSON.stringify(body));
  const { id } = body[kind] as { id: string };
  return id;
}

async function roleId(name: string): Promise<string> {
  const { body } = await ok('ann', 'GET', `/roles?name=${name}`);
  return (body['roles'] as { id: string }[])[0]?.id ?? '';
}

const fieldsIn = (body: Record<string, unknown>, kind: string): object => body[kind] as object;

const isValid = async (token: string): Promise<boolean> => {
  const headers = { 'x-auth-token': token };
  return (
    (await faces.app.inject({ url: '/identity/v3/auth/projects', headers })).statusCode === 200
  );
};

test('everything of the directory is made, shown, listed, changed and deleted', async () => {
  const service = await make('service', { type: 'compute', name: 'nova' });
  const kinds: [string, object, object][] = [
    ['domain', { name: 'acme', enabled: false }, { description: 'x' }],
    ['project', { name: 'gamma', tags: ['a'] }, { description: 'x' }],
    ['user', { name: 'zoe', email: 'z@x' }, { description: 'x' }],
    ['group', { name: 'crew' }, { description: 'x' }],
    ['role', { name: 'operator' }, { description: 'x' }],
    ['service', { type: 'network' }, { description: 'x' }],
    ['region', { id: 'north' }, { description: 'x' }],
    [
      'endpoint',
      { service_id: service, interface: 'public', url: 'http://nova/%(project_id)s' },
      { url: 'https://nova' },
    ],
  ];
  for (const [kind, fields, change] of kinds) {
    const id = await make(kind, fields);
    const { body } = await ok('ann', 'GET', `/${kind}s/${id}`);
    assert.deepEqual({ ...fieldsIn(body, kind), ...fields }, body[kind], kind);
    const list = (await ok('ann', 'GET', `/${kind}s`)).body[`${kind}s`] as { id: string }[];
    assert.ok(list.some((each) => each.id === id));
    const changed = (await ok('ann', 'PATCH', `/${kind}s/${id}`, { [kind]: change })).body;
    assert.deepEqual({ ...fieldsIn(changed, kind), ...change }, changed[kind], kind);
    for (const who of ['max', 'rea']) {
      assert.equal((await call(who, 'POST', `/${kind}s`, { [kind]: fields })).status, 403, kind);
      assert.equal((await call(who, 'PATCH', `/${kind}s/${id}`, {})).status, 403, kind);
      assert.equal((await call(who, 'DELETE', `/${kind}s/${id}`)).status, 403, kind);
    }
    const again = kind === 'service' || kind === 'endpoint' ? 201 : 409;
    assert.equal((await call('ann', 'POST', `/${kind}s`, { [kind]: fields })).status, again, kind);
    assert.equal((await call('ann', 'POST', `/${kind}s`, {})).status, 400, kind);
    assert.equal((await ok('ann', 'DELETE', `/${kind}s/${id}`)).status, 204);
    for (const method of ['GET', 'DELETE'] as const) {
      assert.equal((await call('ann', method, `/${kind}s/${id}`)).status, 404, kind);
    }
  }
});

test("Firn's own services, and the roles of the policy, stay", async () => {
  const { services } = (await ok('ann', 'GET', '/services?type=volumev3')).body;
  const [own] = services as { id: string }[];
  assert.equal((await call('ann', 'DELETE', `/services/${own?.id}`)).status, 403);
  assert.equal((await call('ann', 'DELETE', `/roles/${await roleId('admin')}`)).status, 403);
  assert.equal((await call('ann', 'DELETE', '/regions/RegionOne')).status, 403);
  assert.equal(
    (await call('ann', 'PATCH', '/domains/default', { domain: { enabled: false } })).status,
    403,
  );
});

test('a token is for a project, a domain or the system, or for nothing', async () => {
  const user = await make('user', { name: 'kim', password: 'pw' });
  assert.equal((await login(by('kim', 'pw'))).said.project, undefined);
  const wanted: [unknown, string][] = [
    [{ project: { id: 'a'.repeat(32) } }, `/projects/${'a'.repeat(32)}`],
    [{ domain: { name: 'Default' } }, '/domains/default'],
    [{ system: { all: true } }, '/system'],
  ];
  for (const [scope, path] of wanted) {
    assert.equal((await login(by('kim', 'pw'), scope)).status, 401, 'no role yet');
    const grant = `${path}/users/${user}/roles/${await roleId('member')}`;
    assert.equal((await call('ann', 'HEAD', grant)).status, 404);
    assert.equal((await ok('ann', 'PUT', grant)).status, 204);
    assert.equal((await ok('ann', 'PUT', grant)).status, 204, 'once more');
    assert.equal((await ok('ann', 'HEAD', grant)).status, 204);
    const { said, token } = await login(by('kim', 'pw'), scope);
    assert.deepEqual(
      said.roles.map(({ name }: { name: string }) => name),
      ['member', 'reader'],
    );
    assert.ok(said.catalog.length > 0);
    assert.equal((await ok('ann', 'DELETE', grant)).status, 204);
    assert.equal(await isValid(token), false, 'a role that is taken ends its tokens at once');
  }
  assert.equal((await login(by('kim', 'pw'), 'unscoped')).status, 201);
  assert.equal((await login(by('kim', 'pw'), {})).status, 400);
});

test('groups, and what is inherited from above, give roles', async () => {
  const user = await make('user', { name: 'gil', password: 'pw' });
  const group = await make('group', { name: 'staff' });
  const parent = await make('project', { name: 'parent' });
  const child = await make('project', { name: 'child', parent_id: parent });
  const member = await roleId('member');
  const scope = { project: { id: child } };
  const joins = `/groups/${group}/users/${user}`;
  await ok('ann', 'PUT', `/projects/${child}/groups/${group}/roles/${member}`);
  assert.equal((await login(by('gil', 'pw'), scope)).status, 401);
  await ok('ann', 'PUT', joins);
  assert.equal((await login(by('gil', 'pw'), scope)).status, 201);
  const list = async (query: string) =>
    (await ok('ann', 'GET', `/role_assignments?${query}`)).body['role_assignments'] as object[];
  assert.equal((await list(`user.id=${user}`)).length, 0);
  assert.equal((await list(`group.id=${group}&include_names`)).length, 1);
  assert.equal((await list(`user.id=${user}&effective`)).length, 2, 'member and reader');
  await ok('ann', 'DELETE', joins);
  assert.equal((await login(by('gil', 'pw'), scope)).status, 401);

  const inherited = `users/${user}/roles/${member}/inherited_to_projects`;
  await ok('ann', 'PUT', `/OS-INHERIT/projects/${parent}/${inherited}`);
  assert.equal((await login(by('gil', 'pw'), scope)).status, 201, 'from the project above');
  assert.equal((await login(by('gil', 'pw'), { project: { id: parent } })).status, 401);
  await ok('ann', 'DELETE', `/OS-INHERIT/projects/${parent}/${inherited}`);
  await ok('ann', 'PUT', `/OS-INHERIT/domains/default/${inherited}`);
  assert.equal((await login(by('gil', 'pw'), scope)).status, 201, 'from the domain');
  const found = await list(`user.id=${user}&effective&scope.project.id=${child}`);
  assert.equal(found.length, 2);
  assert.equal((await call('ann', 'DELETE', `/projects/${parent}`)).status, 403, 'not empty');
});

test('who is disabled or deleted, or in what is, has no valid token at once', async () => {
  const user = await make('user', { name: 'tom', password: 'pw' });
  const home = await make('domain', { name: 'home' });
  const project = await make('project', { name: 'shed', domain_id: home });
  await ok('ann', 'PUT', `/projects/${project}/users/${user}/roles/${await roleId('reader')}`);
  const scope = { project: { id: project } };
  const fresh = async (): Promise<string> => {
    const { token } = await login(by('tom', 'pw'), scope);
    assert.equal(await isValid(token), true);
    return token;
  };
  const ends: [string, object, object][] = [
    [`/users/${user}`, { user: { enabled: false } }, { user: { enabled: true } }],
    [`/users/${user}`, { user: { password: 'other' } }, { user: { password: 'pw' } }],
    [`/projects/${project}`, { project: { enabled: false } }, { project: { enabled: true } }],
    [`/domains/${home}`, { domain: { enabled: false } }, { domain: { enabled: true } }],
  ];
  for (const [path, off, on] of ends) {
    const token = await fresh();
    await ok('ann', 'PATCH', path, off);
    assert.equal(await isValid(token), false, JSON.stringify(off));
    await ok('ann', 'PATCH', path, on);
  }
  const token = await fresh();
  assert.equal((await call('ann', 'DELETE', `/domains/${home}`)).status, 403, 'it is enabled');
  await ok('ann', 'PATCH', `/domains/${home}`, { domain: { enabled: false } });
  await ok('ann', 'DELETE', `/domains/${home}`);
  assert.equal(await isValid(token), false);
  assert.equal((await call('ann', 'GET', `/projects/${project}`)).status, 404);
  const unscoped = (await login(by('tom', 'pw'), 'unscoped')).token;
  await ok('ann', 'DELETE', `/users/${user}`);
  assert.equal(await isValid(unscoped), false);
});

test('people change their own password, and nobody else does', async () => {
  const id = await make('user', { name: 'ida', password: 'first' });
  const { token } = await login(by('ida', 'first'));
  const change = async (original: string, password: string) =>
    (
      await faces.app.inject({
        method: 'POST',
        url: `/identity/v3/users/${id}/password`,
        payload: { user: { original_password: original, password } },
      })
    ).statusCode;
  assert.equal(await change('wrong', 'second'), 401);
  assert.equal(await change('first', 'first'), 400);
  assert.equal(await change('first', 'second'), 204);
  assert.equal(await isValid(token), false);
  assert.equal((await login(by('ida', 'first'))).status, 401);
  assert.equal((await login(by('ida', 'second'))).status, 201);
});
