import assert from 'node:assert/strict';
import { request as httpsRequest } from 'node:https';
import test, { type TestContext } from 'node:test';
import { openFaces } from './face-fixture.ts';
import { password } from './identity-v3/directory-fixture.ts';
import { makeCertificates, makeCertificate } from '../nbd/certificate-fixture.ts';
import { buildApp } from './app.ts';
import { createLog } from './log.ts';
import { FailedLogins, failedLoginsMax, RateLimit } from './rate-limits.ts';
import { serverFactory } from './server-factory.ts';

class TestClock {
  ms = 1_790_000_000_000;
  now(): number {
    return this.ms;
  }
}

test('a limit lets so many in at once, and then so many a second', () => {
  const clock = new TestClock();
  const limit = new RateLimit(clock, 2);
  const takes = (key: string): boolean => {
    try {
      limit.take(key);
      return true;
    } catch (error) {
      assert.ok(error instanceof Error && 'code' in error && error.code === 'rate_limited');
      return false;
    }
  };
  for (let count = 0; count < 20; count += 1) assert.ok(takes('a'), `${count}`);
  assert.equal(takes('a'), false);
  assert.equal(takes('b'), true, 'each has its own');
  clock.ms += 500;
  assert.deepEqual([takes('a'), takes('a')], [true, false]);
  clock.ms += 60_000;
  for (let count = 0; count < 20; count += 1) assert.ok(takes('a'));
  assert.equal(takes('a'), false, 'no more gathers than at first');
  const none = new RateLimit(clock, 0);
  for (let count = 0; count < 1000; count += 1) none.take('a');
});

test('an address that guesses waits longer and longer', () => {
  const clock = new TestClock();
  const logins = new FailedLogins(clock);
  for (let count = 0; count < failedLoginsMax; count += 1) {
    logins.check('a');
    logins.failed('a');
  }
  assert.throws(() => logins.check('a'), { code: 'rate_limited', retryAfterSeconds: 1 });
  logins.check('b');
  clock.ms += 1000;
  logins.check('a');
  logins.failed('a');
  assert.throws(() => logins.check('a'), { retryAfterSeconds: 2 });
  clock.ms += 2000;
  logins.succeeded('a');
  logins.failed('a');
  logins.check('a');
});

function makeApp(t: TestContext, more: object = {}) {
  const app = buildApp({
    log: createLog({ level: 'silent' }),
    publicUrl: 'http://firn.test',
    audit: { record: async () => undefined },
    ready: async () => undefined,
    register: (app) => {
      app.post('/identity/v3/auth/tokens', async () => ({}));
      app.post('/volume/echo', async () => ({}));
    },
    ...more,
  });
  t.after(() => app.close());
  return app;
}

test('whoever is over a limit gets 429 with Retry-After in the shape of the face', async (t) => {
  const app = makeApp(t, { limits: { requestsPerSecond: 1, loginsPerSecond: 0.1 } });
  const login = (ip: string) =>
    app.inject({ method: 'POST', url: '/identity/v3/auth/tokens', remoteAddress: ip, payload: {} });
  assert.equal((await login('1.1.1.1')).statusCode, 200);
  const over = await login('1.1.1.1');
  assert.equal(over.statusCode, 429);
  assert.ok(Number(over.headers['retry-after']) >= 1);
  assert.equal(over.json().error.title, 'Too Many Requests');
  assert.equal((await login('2.2.2.2')).statusCode, 200);
  const payload = JSON.stringify({ a: 'x'.repeat(200_000) });
  const headers = { 'content-type': 'application/json' };
  const large = await app.inject({ method: 'POST', url: '/volume/echo', headers, payload });
  assert.equal(large.statusCode, 413);
  assert.equal(large.json().overLimit.code, 413);
  assert.ok('retry-after' in large.headers);
});

test('an address is that of the client only behind a proxy that is trusted', async (t) => {
  const seen: string[] = [];
  const app = makeApp(t, {
    trustedProxies: ['10.0.0.0/8'],
    audit: { record: async (line: { address: string }) => void seen.push(line.address) },
  });
  for (const remoteAddress of ['10.0.0.7', '9.9.9.9']) {
    await app.inject({
      method: 'POST',
      url: '/identity/v3/auth/tokens',
      remoteAddress,
      headers: { 'x-forwarded-for': '1.2.3.4' },
      payload: {},
    });
  }
  assert.deepEqual(seen, ['1.2.3.4', '9.9.9.9']);
});

test('no answer may be read by another site, framed, or guessed at', async (t) => {
  const app = makeApp(t);
  for (const url of ['/healthz', '/volume/nothing', '/identity/v3/nothing']) {
    const origin = 'https://evil.test';
    const answer = await app.inject({ url, headers: { origin } });
    const options = await app.inject({ method: 'OPTIONS', url, headers: { origin } });
    for (const { headers } of [answer, options]) {
      assert.ok(!Object.keys(headers).some((name) => name.startsWith('access-control-')));
      assert.equal(headers['x-content-type-options'], 'nosniff');
      assert.equal(headers['x-frame-options'], 'DENY');
    }
  }
});

test('nothing secret is in the log, whatever is asked', async () => {
  const faces = await openFaces();
  const { app } = faces;
  const token = await faces.tokenOf('max');
  const secrets = [password, token, 'wrong-guess-77', 's3cr3t-of-robot', 'new-password-9'];
  const user = (given: string): object => ({
    name: 'max',
    domain: { id: 'default' },
    password: given,
  });
  const login = (given: string): object => ({
    auth: { identity: { methods: ['password'], password: { user: user(given) } } },
  });
  const id = 'f2'.repeat(16);
  const headers = { 'x-auth-token': token, 'x-firn-request': '1' };
  const tokens = '/identity/v3/auth/tokens';
  const asked: [string, 'GET' | 'POST' | 'DELETE', unknown][] = [
    [tokens, 'POST', login(password)],
    [tokens, 'POST', login('wrong-guess-77')],
    [tokens, 'POST', { auth: { identity: { methods: 7, password: 'wrong-guess-77' } } }],
    ['/firn/v1/session', 'POST', login(password)],
    [
      `/identity/v3/users/${id}/application_credentials`,
      'POST',
      { application_credential: { name: 'robot', secret: 's3cr3t-of-robot' } },
    ],
    [
      `/identity/v3/users/${id}/password`,
      'POST',
      { user: { original_password: password, password: 'new-password-9' } },
    ],
    [`/identity/v3/users/${id}/password`, 'POST', { user: { password: 'new-password-9' } }],
    [
      `/volume/v3/volumes?sort_key=name&X-Auth-Token=${token}&password=${password}`,
      'GET',
      undefined,
    ],
    [tokens, 'DELETE', undefined],
  ];
  for (const [url, method, payload] of asked) {
    const body = payload === undefined ? {} : { payload: JSON.stringify(payload) };
    const type = { 'content-type': 'application/json' };
    const answer = await app.inject({
      url,
      method,
      headers: { ...headers, ...type, 'x-subject-token': token },
      ...body,
    });
    if (answer.statusCode < 400) continue;
    for (const secret of secrets)
      assert.ok(!answer.body.includes(secret), `${url}: ${answer.body}`);
  }
  app.log.error({ password, token, req: { headers: { 'x-auth-token': token } } }, 'careless');
  await faces.trail.close();
  const log = faces.log();
  assert.ok(log.includes('careless'));
  assert.ok(log.includes('sort_key=name&'), 'the rest of an address is kept');
  for (const secret of secrets) assert.ok(!log.includes(secret), secret);
  await faces.close();
});

test('HTTP is in TLS with the certificate given, and then with the next one', async (t) => {
  const { authority, server: first } = makeCertificates();
  const second = makeCertificate({ subject: 'second', by: authority, hosts: ['localhost'] });
  const server = serverFactory({ certificate: first.certificate, key: first.key });
  const app = makeApp(t, { server, publicUrl: 'https://localhost' });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const address = app.server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const subject = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const options = { host: 'localhost', port: address.port, path: '/healthz', agent: false };
      const ca = authority.certificate;
      httpsRequest({ ...options, ca, lookup: undefined, family: 4 }, (answer) => {
        const { socket, headers } = answer;
        assert.match(String(headers['strict-transport-security']), /^max-age=\d+$/);
        answer.resume();
        resolve('getPeerCertificate' in socket ? certificateOf(socket) : '');
      })
        .on('error', reject)
        .end();
    });
  const before = await subject();
  server.renew({ certificate: second.certificate, key: second.key });
  const after = await subject();
  assert.ok(before !== '' && after !== '' && before !== after);
});

function certificateOf(socket: object): string {
  const read: unknown = Reflect.get(socket, 'getPeerCertificate');
  assert.ok(typeof read === 'function');
  const { fingerprint256 } = read.call(socket) as { fingerprint256: string };
  return fingerprint256;
}
