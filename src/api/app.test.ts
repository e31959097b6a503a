import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { Writable } from 'node:stream';
import test from 'node:test';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { OperatingError, fromSystemError } from '../base/errors.ts';
import { buildApp } from './app.ts';
import { parseBody } from './body.ts';
import { createLog } from './log.ts';
import { negotiateMicroversion } from './microversion.ts';

function makeApp(register: (app: FastifyInstance) => void = () => undefined): {
  app: FastifyInstance;
  lines: string[];
} {
  const lines: string[] = [];
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString());
      done();
    },
  });
  const app = buildApp({
    log: createLog({ level: 'info', destination }),
    publicUrl: 'http://firn.test',
    audit: { record: async () => undefined },
    ready: async () => undefined,
    register: (app) => {
      app.post('/volume/echo', async (request) => ({ got: request.body ?? null }));
      register(app);
    },
  });
  return { app, lines };
}

const json = { 'content-type': 'application/json' };

test('every answer carries a request id, and it is in the log', async () => {
  const { app, lines } = makeApp();
  for (const url of ['/', '/healthz', '/nothing', '/volume/%zz', '/volume/v3/x']) {
    const answer = await app.inject({ url });
    const id = String(answer.headers['x-openstack-request-id']);
    assert.match(id, /^req-[0-9a-f-]{36}$/, url);
    if (!url.includes('%zz'))
      assert.ok(
        lines.some((line) => line.includes(id)),
        url,
      );
  }
  await app.close();
});

test('an unknown route is 404 in the shape of its face', async () => {
  const { app } = makeApp();
  const message = 'The resource could not be found.';
  const volume = await app.inject({ url: '/volume/v3/nothing' });
  assert.equal(volume.statusCode, 404);
  assert.deepEqual(volume.json(), { itemNotFound: { code: 404, message } });
  for (const url of ['/identity/nothing', '/image/v2/x', '/firn/nothing', '/volumes']) {
    const answer = await app.inject({ url });
    assert.equal(answer.statusCode, 404, url);
    assert.deepEqual(answer.json(), { error: { code: 404, message, title: 'Not Found' } }, url);
  }
  await app.close();
});

test('bodies that are no JSON, or harmful JSON, are 400', async () => {
  const { app } = makeApp();
  const bad = [
    '{',
    'nul',
    '{"a":}',
    '[1,]',
    '{"a":1}{',
    '\ufeff{}x',
    '{"name":"a\\u0000b"}',
    '{"a\\u0000":1}',
    '{"__proto__":{"admin":true}}',
    `${'['.repeat(50_000)}${']'.repeat(50_000)}`,
    '{"a":'.repeat(10_000) + '1' + '}'.repeat(10_000),
    Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
  ];
  for (const payload of bad) {
    const answer = await app.inject({
      method: 'POST',
      url: '/volume/echo',
      headers: json,
      payload,
    });
    assert.equal(answer.statusCode, 400, String(payload).slice(0, 40));
    assert.match(answer.json().badRequest.message, /^Malformed request body/);
    assert.equal(answer.json().badRequest.code, 400);
  }
  await app.close();
});

test('a body of another type is refused, an empty one is none', async () => {
  const { app } = makeApp();
  const post = (headers: Record<string, string>, payload?: string) =>
    app.inject({
      method: 'POST',
      url: '/volume/echo',
      headers,
      ...(payload === undefined ? {} : { payload }),
    });
  for (const type of [
    'text/plain',
    'application/xml',
    'multipart/form-data',
    'jsonapplication/x',
  ]) {
    const answer = await post({ 'content-type': type }, '{}');
    assert.equal(answer.statusCode, 400, type);
    assert.equal(answer.json().badRequest.message, 'Unsupported Content-Type');
  }
  assert.deepEqual((await post(json)).json(), { got: null });
  assert.deepEqual(
    (await post({ 'content-type': 'application/json; charset=utf-8' }, '{}')).json(),
    {
      got: {},
    },
  );
  await app.close();
});

test('a huge body is 413 in shape', async () => {
  const { app } = makeApp();
  const payload = JSON.stringify({ name: 'x'.repeat(200_000) });
  for (const url of ['/volume/echo']) {
    const answer = await app.inject({ method: 'POST', url, headers: json, payload });
    assert.equal(answer.statusCode, 413);
    assert.deepEqual(answer.json(), {
      overLimit: { code: 413, message: 'Request is too large.' },
    });
  }
  await app.close();
});

test('unknown errors and errors of the system leak nothing, and are logged whole', async () => {
  const secretPath = '/srv/firn/catalogue.db';
  const system = Object.assign(new Error(`ENOENT: no such file, open '${secretPath}'`), {
    code: 'ENOENT',
  });
  const full = Object.assign(new Error(`ENOSPC: no space, write '${secretPath}'`), {
    code: 'ENOSPC',
  });
  const thrown: Record<string, unknown> = {
    plain: new Error(`boom in ${secretPath}`),
    string: secretPath,
    missing: fromSystemError(system, `reading ${secretPath}`),
    full: fromSystemError(full, `writing ${secretPath}`),
    wrapped: new OperatingError('not_found', `no ${secretPath}`, {
      cause: new OperatingError('io', 'x', { cause: system }),
    }),
  };
  const { app, lines } = makeApp((app) => {
    for (const [name, error] of Object.entries(thrown)) {
      app.get(`/volume/${name}`, async () => {
        throw error;
      });
    }
  });
  for (const name of Object.keys(thrown)) {
    const answer = await app.inject({ url: `/volume/${name}` });
    assert.equal(answer.statusCode, name === 'full' ? 507 : 500, name);
    assert.equal(answer.json().computeFault.code, answer.statusCode, name);
    assert.ok(!answer.body.includes(secretPath), name);
    assert.ok(!/ at |\.ts:|node:/.test(answer.body), name);
    const id = String(answer.headers['x-openstack-request-id']);
    assert.ok(
      lines.some((line) => line.includes(id) && line.includes(secretPath)),
      `${name} is in the log`,
    );
  }
  await app.close();
});

test('operating errors have the status and the fault name of Block Storage', async () => {
  const expected = {
    invalid_input: [400, 'badRequest'],
    invalid_state: [400, 'badRequest'],
    forbidden: [403, 'forbidden'],
    not_found: [404, 'itemNotFound'],
    version_unsupported: [406, 'computeFault'],
    exists: [409, 'conflictingRequest'],
    conflict: [409, 'conflictingRequest'],
    quota_exceeded: [413, 'overLimit'],
    unavailable: [503, 'serviceUnavailable'],
  } as const;
  const { app } = makeApp((app) => {
    for (const code of Object.keys(expected) as (keyof typeof expected)[]) {
      app.get(`/volume/${code}`, async () => {
        throw new OperatingError(code, `says ${code}`);
      });
    }
    app.get('/volume/unauthenticated', async () => {
      throw new OperatingError('unauthenticated', 'Who?');
    });
  });
  for (const [code, [status, fault]] of Object.entries(expected)) {
    const answer = await app.inject({ url: `/volume/${code}` });
    assert.equal(answer.statusCode, status);
    assert.deepEqual(answer.json(), { [fault]: { code: status, message: `says ${code}` } });
  }
  const answer = await app.inject({ url: '/volume/unauthenticated' });
  assert.equal(answer.statusCode, 401);
  assert.equal(answer.headers['www-authenticate'], 'Keystone uri="http://firn.test/identity"');
  assert.deepEqual(answer.json(), { error: { code: 401, message: 'Who?', title: 'Unauthorized' } });
  await app.close();
});

test('a microversion is negotiated and named in the answer', async () => {
  const { app } = makeApp((app) => {
    app.get('/volume/v', { onRequest: negotiateMicroversion }, async (request) => ({
      minor: request.microversion,
    }));
  });
  const ask = (header?: string) =>
    app.inject({
      url: '/volume/v',
      headers: header === undefined ? {} : { 'openstack-api-version': header },
    });
  const good: [string | undefined, number][] = [
    [undefined, 0],
    ['volume 3.0', 0],
    ['volume 3.47', 47],
    ['volume latest', 71],
    ['compute 2.60, volume 3.71', 71],
    ['compute 2.60', 0],
  ];
  for (const [header, minor] of good) {
    const answer = await ask(header);
    assert.deepEqual(answer.json(), { minor }, header);
    assert.equal(answer.headers['openstack-api-version'], `volume 3.${minor}`);
    assert.equal(answer.headers['vary'], 'OpenStack-API-Version');
  }
  for (const header of ['volume 3.72', 'volume 2.0', 'volume 4.1', 'volume 3.9999']) {
    const answer = await ask(header);
    assert.equal(answer.statusCode, 406, header);
    assert.match(answer.json().computeFault.message, /Minimum is 3\.0 and maximum is 3\.71\.$/);
  }
  for (const header of [
    'volume',
    'volume 3',
    'volume three',
    'volume 3.-1',
    'volume 3.01',
    'volume 3.1 x',
  ]) {
    const answer = await ask(header);
    assert.equal(answer.statusCode, 400, header);
    assert.match(answer.json().badRequest.message, /is of invalid format/);
  }
  await app.close();
});

test('tokens and passwords never reach the log', async () => {
  const Body = Type.Object({ password: Type.String({ maxLength: 3 }) });
  const { app, lines } = makeApp((app) => {
    app.post('/identity/login', async (request) => {
      request.log.info({ password: 'secret-1', auth: { password: 'secret-2' } }, 'careless');
      request.log.info({ headers: { 'x-auth-token': 'secret-3' }, token: 'secret-4' }, 'careless');
      return parseBody(Body, request.body);
    });
  });
  await app.inject({
    method: 'POST',
    url: '/identity/login',
    headers: { ...json, 'x-auth-token': 'secret-5', 'x-subject-token': 'secret-6' },
    payload: { password: 'secret-7' },
  });
  const log = lines.join('');
  assert.equal(lines.length, 3);
  assert.ok(log.includes('careless') && log.includes('[secret]'));
  assert.doesNotMatch(log, /secret-\d/);
  await app.close();
});

test('readiness asks the service', async () => {
  let ready = false;
  const app = buildApp({
    log: createLog({ level: 'silent' }),
    publicUrl: 'http://firn.test',
    audit: { record: async () => undefined },
    ready: async () => {
      if (!ready) throw new OperatingError('unavailable', 'The catalogue is not open yet.');
    },
    register: () => undefined,
  });
  assert.equal((await app.inject({ url: '/readyz' })).statusCode, 503);
  ready = true;
  assert.equal((await app.inject({ url: '/readyz' })).statusCode, 200);
  await app.close();
});

test('bytes that are no HTTP are answered and the connection is closed', async () => {
  const { app } = makeApp();
  await app.listen({ port: 0, host: '127.0.0.1' });
  const address = app.server.address();
  assert.ok(address !== null && typeof address === 'object');
  for (const bytes of ['\0\0\0\0\r\n\r\n', `GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`]) {
    const text = await new Promise<string>((resolve) => {
      const socket = connect(address.port, '127.0.0.1', () => socket.write(bytes));
      let received = '';
      socket.on('data', (data: Buffer) => (received += data.toString()));
      socket.on('close', () => resolve(received));
      // The end may come as a reset: of what the server has not read.
      socket.on('error', () => undefined);
    });
    assert.match(text, /^HTTP\/1\.1 4\d\d /);
  }
  assert.ok(app.server.headersTimeout <= 20_000);
  await app.close();
});
