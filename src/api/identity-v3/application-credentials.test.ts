import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import type { InjectOptions } from 'fastify';
import { openFaces, type Faces } from '../face-fixture.ts';

let faces: Faces;
before(async () => {
  faces = await openFaces();
});
after(() => faces.close());

type Method = 'GET' | 'POST' | 'DELETE';

async function ask(token: string, method: Method, url: string, payload?: InjectOptions['payload']) {
  return await faces.app.inject({
    method,
    url,
    headers: { 'x-auth-token': token },
    ...(payload === undefined ? {} : { payload }),
  });
}

const maxId = 'f2'.repeat(16);
const own = `/identity/v3/users/${maxId}/application_credentials`;

interface Credential {
  readonly id: string;
  readonly secret: string;
}

async function create(fields: object, token?: string) {
  const answer = await ask(token ?? (await faces.tokenOf('max')), 'POST', own, {
    application_credential: fields,
  });
  const { application_credential: made } = answer.json();
  return { status: answer.statusCode, made: made as Credential & Record<string, unknown> };
}

async function login(credential: object, scope?: unknown) {
  const identity = {
    methods: ['application_credential'],
    application_credential: credential,
  };
  const answer = await faces.app.inject({
    method: 'POST',
    url: '/identity/v3/auth/tokens',
    payload: { auth: scope === undefined ? { identity } : { identity, scope } },
  });
  return {
    status: answer.statusCode,
    token: String(answer.headers['x-subject-token']),
    said: answer.json().token,
  };
}

test('a credential logs a program in, by id or by name, in its project alone', async () => {
  const { status, made } = await create({ name: 'ci' });
  assert.equal(status, 201);
  assert.match(made.secret, /^[\w-]{64}$/);
  const shown = (await ask(await faces.tokenOf('max'), 'GET', `${own}/${made.id}`)).json();
  assert.equal(shown.application_credential.secret, undefined);
  const { id, secret } = made;
  const named = { name: 'ci', user: { name: 'max', domain: { id: 'default' } }, secret };
  for (const credential of [{ id, secret }, named]) {
    const { said } = await login(credential);
    assert.deepEqual([said.project.name, said.user.name], ['alpha', 'max']);
    assert.deepEqual(said.application_credential, { id, name: 'ci', restricted: true });
  }
  assert.equal((await login({ id, secret }, { project: { id: 'a'.repeat(32) } })).status, 201);
  const refused = [
    await login({ id, secret: 'wrong' }),
    await login({ id: 'nothing', secret }),
    await login({ ...named, name: 'cd' }),
    await login({ id, secret }, { project: { id: 'b'.repeat(32) } }),
    await login({ id, secret }, 'unscoped'),
  ];
  assert.ok(refused.every((answer) => answer.status === 401));
  assert.equal((await create({ name: 'ci' })).status, 409);
});

test('a restricted one makes no others, an unrestricted one does', async () => {
  for (const unrestricted of [false, true]) {
    const { made } = await create({ name: `u-${unrestricted}`, unrestricted });
    const { token } = await login({ id: made.id, secret: made.secret });
    const { status } = await create({ name: `child-${unrestricted}` }, token);
    assert.equal(status, unrestricted ? 201 : 403);
    const gone = await ask(token, 'DELETE', `${own}/${made.id}`);
    assert.equal(gone.statusCode, unrestricted ? 204 : 403);
  }
});

test('roles are some of those that the user has, and go when the user loses them', async () => {
  const { made } = await create({ name: 'reader', roles: [{ name: 'reader' }] });
  const { said, token } = await login({ id: made.id, secret: made.secret });
  assert.deepEqual(
    said.roles.map(({ name }: { name: string }) => name),
    ['reader'],
  );
  assert.equal((await ask(token, 'POST', '/image/v2/images', {})).statusCode, 403);
  assert.equal((await create({ name: 'x', roles: [{ name: 'admin' }] })).status, 400);
});

test('it expires, and its tokens with it; deleted it ends them at once', async () => {
  assert.equal((await create({ name: 'past', expires_at: '2020-01-01T00:00:00' })).status, 400);
  assert.equal((await create({ name: 'odd', expires_at: 'tomorrow' })).status, 400);
  const expires_at = new Date(Date.now() + 600_000).toISOString();
  const { made } = await create({ name: 'short', expires_at });
  const { said, token } = await login({ id: made.id, secret: made.secret });
  assert.ok(Date.parse(said.expires_at) <= Date.parse(expires_at));
  assert.equal((await ask(token, 'GET', '/image/v2/images')).statusCode, 200);
  const mine = await faces.tokenOf('max');
  assert.equal((await ask(mine, 'DELETE', `${own}/${made.id}`)).statusCode, 204);
  assert.equal((await ask(token, 'GET', '/image/v2/images')).statusCode, 401);
});

test('access rules narrow what its tokens are good for', async () => {
  const rule = { service: 'image', method: 'GET', path: '/v2/images/*' };
  const { made } = await create({ name: 'narrow', access_rules: [rule] });
  const { token } = await login({ id: made.id, secret: made.secret });
  const status = async (method: Method, url: string) => (await ask(token, method, url)).statusCode;
  assert.equal(await status('GET', '/image/v2/images/nothing'), 404);
  assert.equal(await status('GET', '/image/v2/images'), 401);
  assert.equal(await status('DELETE', '/image/v2/images/nothing'), 401);
  assert.equal(await status('GET', '/identity/v3/auth/projects'), 401);
  const mine = await faces.tokenOf('max');
  const rules = `/identity/v3/users/${maxId}/access_rules`;
  const [listed] = (await ask(mine, 'GET', rules)).json().access_rules;
  assert.deepEqual({ ...listed, ...rule }, listed);
  const one = `${rules}/${listed.id}`;
  assert.equal((await ask(mine, 'DELETE', one)).statusCode, 403, 'in use');
  await ask(mine, 'DELETE', `${own}/${made.id}`);
  assert.equal((await ask(mine, 'DELETE', one)).statusCode, 204);
});

test('a part of a path that JavaScript knows by itself is a name like any other', async () => {
  const rule = { service: 'image', method: 'GET', path: '/v2/images/constructor' };
  const { made } = await create({ name: 'reserved', access_rules: [rule] });
  const { token } = await login({ id: made.id, secret: made.secret });
  const status = async (url: string) => (await ask(token, 'GET', url)).statusCode;
  assert.equal(await status('/image/v2/images/constructor'), 404);
  assert.equal(await status('/image/v2/images/other'), 401);
  await ask(await faces.tokenOf('max'), 'DELETE', `${own}/${made.id}`);
});

test("somebody else's are not made, and not seen", async () => {
  const bob = await faces.tokenOf('bob');
  assert.equal((await ask(bob, 'GET', own)).statusCode, 403);
  const made = await ask(bob, 'POST', own, { application_credential: { name: 'x' } });
  assert.equal(made.statusCode, 403);
  assert.equal((await ask(await faces.tokenOf('ann'), 'GET', own)).statusCode, 200);
});
