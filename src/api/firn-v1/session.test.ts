import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { openFaces, publicUrl, type Faces } from '../face-fixture.ts';
import { password } from '../identity-v3/directory-fixture.ts';

let faces: Faces;
let app: FastifyInstance;
before(async () => {
  faces = await openFaces();
  app = faces.app;
});
after(() => faces.close());

const path = '/firn/v1/session';
const intent = { 'x-firn-request': '1' };

function loginBody(name: string, given = password): object {
  const user = { name, domain: { name: 'Default' }, password: given };
  return { auth: { identity: { methods: ['password'], password: { user } } } };
}

async function begin(name: string) {
  const answer = await app.inject({
    method: 'POST',
    url: path,
    headers: intent,
    payload: loginBody(name),
  });
  assert.equal(answer.statusCode, 201);
  const [cookie] = answer.cookies;
  assert.ok(cookie !== undefined);
  return { answer, cookie, headers: { cookie: `${cookie.name}=${cookie.value}` } };
}

test('a login gives a cookie that no script and no other site can use, and no token', async () => {
  const { answer, cookie } = await begin('max');
  assert.equal(cookie.name, 'firn-session');
  const { httpOnly, sameSite, path: below, maxAge } = cookie;
  assert.deepEqual([httpOnly, sameSite, below], [true, 'Strict', '/']);
  assert.ok(maxAge !== undefined && maxAge > 11 * 3600 && maxAge <= 12 * 3600);
  assert.equal(answer.headers['cache-control'], 'no-store');
  assert.equal(answer.headers['x-subject-token'], undefined);
  assert.ok(!answer.body.includes(cookie.value));
  const { session } = answer.json();
  assert.deepEqual([session.user.name, session.project.name], ['max', 'alpha']);
  assert.deepEqual(
    session.roles.map((role: { name: string }) => role.name),
    ['member', 'reader'],
  );
});

test('all faces take the cookie for the token', async () => {
  const { headers } = await begin('max');
  for (const url of [path, '/image/v2/images', '/identity/v3/auth/projects']) {
    assert.equal((await app.inject({ url, headers })).statusCode, 200, url);
  }
  assert.equal((await app.inject({ url: path })).statusCode, 401);
  const strange = { cookie: 'other=1; firn-session=nonsense' };
  assert.equal((await app.inject({ url: path, headers: strange })).statusCode, 401);
});

test('a change by the cookie must be meant, and come from here', async () => {
  const { headers } = await begin('max');
  const post = (more: Record<string, string>) =>
    app.inject({
      method: 'POST',
      url: '/image/v2/images',
      headers: { ...headers, ...more },
      payload: {},
    });
  assert.equal((await post({})).statusCode, 403);
  assert.equal((await post({ origin: publicUrl })).statusCode, 403);
  assert.equal((await post({ ...intent, origin: 'https://evil.test' })).statusCode, 403);
  assert.equal((await post({ ...intent, origin: 'null' })).statusCode, 403);
  assert.equal((await post(intent)).statusCode, 201);
  assert.equal((await post({ ...intent, origin: publicUrl })).statusCode, 201);
  const proxied = { ...intent, host: 'storage.example', origin: 'https://storage.example' };
  assert.equal((await post(proxied)).statusCode, 201);
  const forged = await app.inject({ method: 'POST', url: path, payload: loginBody('max') });
  assert.equal(forged.statusCode, 403, 'nobody is logged in as somebody else by another site');
});

test('a session changes its project, and logging out ends all of it', async () => {
  const { headers, cookie } = await begin('max');
  const put = (scope: unknown) =>
    app.inject({
      method: 'PUT',
      url: path,
      headers: { ...headers, ...intent },
      payload: { scope },
    });
  assert.equal((await put({ project: { id: 'b'.repeat(32) } })).statusCode, 401);
  assert.equal((await put({ project: 7 })).statusCode, 400);
  assert.equal((await put(undefined)).statusCode, 400);
  const unscoped = await put('unscoped');
  assert.equal(unscoped.statusCode, 200);
  const [next] = unscoped.cookies;
  assert.ok(next !== undefined && next.value !== cookie.value);
  assert.equal(unscoped.json().session.project, undefined);
  const nextHeaders = { cookie: `${next.name}=${next.value}` };
  const images = '/image/v2/images';
  assert.equal((await app.inject({ url: images, headers: nextHeaders })).statusCode, 403);
  assert.equal((await app.inject({ url: images, headers })).statusCode, 200, 'requests under way');

  const out = await app.inject({
    method: 'DELETE',
    url: path,
    headers: { ...nextHeaders, ...intent },
  });
  assert.equal(out.statusCode, 204);
  assert.deepEqual([out.cookies[0]?.value, out.cookies[0]?.maxAge], ['', 0]);
  for (const each of [headers, nextHeaders]) {
    assert.equal((await app.inject({ url: path, headers: each })).statusCode, 401);
  }
});

test('a wrong password begins nothing', async () => {
  const answer = await app.inject({
    method: 'POST',
    url: path,
    headers: intent,
    payload: loginBody('max', 'wrong'),
  });
  assert.equal(answer.statusCode, 401);
  assert.equal(answer.headers['set-cookie'], undefined);
});
