import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { hasSwift, startSwift, type TemporaryServer } from '../../test/servers/swift.ts';
import type { ErrorCode } from '../base/errors.ts';
import { isOperatingError, messageOf } from '../base/errors.ts';
import { newHexId } from '../base/ids.ts';
import { storeContract } from './store-contract.ts';
import { openSwiftRoot } from './swift.ts';

const needed = process.env['CI'] === 'true';
const noSwift = !hasSwift && !needed && 'Swift is not installed: apt-get install swift-proxy …';

function says(code: ErrorCode, text: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.match(messageOf(error), text);
    return isOperatingError(error, code);
  };
}

describe('with a real Swift', { skip: noSwift }, () => {
  let swift: TemporaryServer;
  before(async () => {
    swift = await startSwift();
  });
  after(() => swift.stop());

  const as = (user: string, key: string): NodeJS.ProcessEnv => ({
    ST_AUTH: `${swift.url}/auth/v1.0`,
    ST_USER: user,
    ST_KEY: key,
  });

  storeContract(
    'Swift',
    async () => {
      const root = openSwiftRoot(`swift://?container-prefix=t${newHexId()}-`, {
        pageObjects: 40,
        environment: as('test:tester', 'testing'),
      });
      return { root, dispose: () => root.close() };
    },
    { racesUntold: true },
  );

  it('tells what is wrong with credentials, and never shows them', async () => {
    const wrong = openSwiftRoot('swift://', { environment: as('test:tester', 'hush') });
    await assert.rejects(
      wrong.open('c', { create: true }),
      says('denied', /^(?!.*hush).*refuses the login: look at ST_USER/),
    );
    const reader = openSwiftRoot('swift://', { environment: as('test:reader', 'reading') });
    await assert.rejects(
      reader.open('c', { create: true }),
      says('denied', /does not let Firn .*: the user needs a role/),
    );
    const nobody = openSwiftRoot('swift://', { environment: {} });
    await assert.rejects(nobody.containers(), says('denied', /no credentials.*OS_AUTH_URL/));
    const away = { ...as('test:tester', 'testing'), ST_AUTH: 'http://127.0.0.1:9/auth/v1.0' };
    const gone = openSwiftRoot('swift://', { environment: away });
    await assert.rejects(gone.containers(), says('unavailable', /ECONNREFUSED at 127.0.0.1:9/));
    // As in a shell that has read Firn's own openrc.
    const both = { ...as('test:tester', 'testing'), OS_AUTH_URL: 'http://127.0.0.1:9/identity/v3' };
    const own = openSwiftRoot('swift://', { environment: both });
    assert.ok(Array.isArray(await own.containers()));
    for (const root of [wrong, reader, nobody, gone, own]) await root.close();
  });

  it('logs in at a Keystone, and again when its token is not taken', async (t) => {
    const keystone = await startKeystone(swift.url);
    t.after(() => keystone.server.close());
    const folder = await mkdtemp(join(tmpdir(), 'firn-clouds-'));
    t.after(() => rm(folder, { recursive: true }));
    const clouds = join(folder, 'clouds.yaml');
    await writeFile(
      clouds,
      JSON.stringify({
        clouds: {
          here: {
            auth: { auth_url: keystone.url, username: 'u', password: 'p', project_name: 'backups' },
            region_name: 'nowhere',
          },
        },
      }),
    );
    const environment = { OS_CLIENT_CONFIG_FILE: clouds };
    const lost = openSwiftRoot('swift://?cloud=here', { environment });
    await assert.rejects(lost.containers(), says('denied', /no public object-store.*nowhere/));
    const root = openSwiftRoot('swift://?cloud=here&region=RegionOne', { environment });
    const store = await root.open(`k${newHexId()}`, { create: true });
    await store.put('a', [Buffer.from('1')]);
    keystone.tokens.unshift('not-a-token');
    const before = keystone.logins.length;
    assert.equal(Buffer.from(await store.get('a')).toString(), '1');
    assert.equal(keystone.logins.length, before, 'a good token is kept');
    assert.deepEqual(keystone.logins[0], {
      auth: {
        identity: {
          methods: ['password'],
          password: { user: { name: 'u', domain: { id: 'default' }, password: 'p' } },
        },
        scope: { project: { name: 'backups', domain: { id: 'default' } } },
      },
    });
    const other = openSwiftRoot('swift://?cloud=here&region=RegionOne', { environment });
    assert.ok((await other.containers()).length > 0, 'the second login brought a good token');
    for (const one of [lost, root, other]) await one.close();
  });

  it('tells of every way in which a container keeps what is removed', async () => {
    const headers = { 'x-auth-user': 'test:tester', 'x-auth-key': 'testing' };
    const login = await fetch(`${swift.url}/auth/v1.0`, { headers });
    const token = login.headers.get('x-auth-token') ?? '';
    const account = login.headers.get('x-storage-url') ?? '';
    const ask = async (path: string, method: string, more = {}): Promise<Response> => {
      const answer = await fetch(`${account}/${path}`, {
        method,
        headers: { 'x-auth-token': token, ...more },
      });
      assert.ok(answer.ok, `${method} ${path}: ${answer.status}`);
      return answer;
    };
    const root = openSwiftRoot('swift://', { environment: as('test:tester', 'testing') });
    /** What the store says, and what is left of an object that was replaced and removed. */
    const look = async (setting?: string, value?: string) => {
      const name = `v${newHexId()}`;
      await ask(`${name}-old`, 'PUT');
      await ask(name, 'PUT', setting === undefined ? {} : { [setting]: value ?? `${name}-old` });
      const store = await root.open(name, { create: false });
      await store.put('a', [Buffer.from('old')]);
      await store.put('a', [Buffer.from('new')], { replace: true });
      await store.remove('a');
      const isBack = (await store.sizeOf('a')) !== undefined;
      const archived = await (await ask(`${name}-old`, 'GET')).text();
      return { told: (await store.keepsRemoved?.()) ?? '', isBack, isArchived: archived !== '' };
    };
    const plain = await look();
    assert.deepEqual(plain, { told: '', isBack: false, isArchived: false });
    const enabled = await look('x-versions-enabled', 'true');
    assert.match(enabled.told, /^the container keeps versions of what is removed/);
    const history = await look('x-history-location');
    assert.match(history.told, /^the container moves what is removed to the container v\w+-old /);
    assert.ok(history.isArchived);
    const stack = await look('x-versions-location');
    assert.match(stack.told, /^what is healed stays in the container v\w+-old as it was/);
    assert.ok(stack.isBack);
    await root.close();
  });

  it('says that what it wants is not in clouds.yaml', async () => {
    const environment = { OS_CLIENT_CONFIG_FILE: '/nowhere/clouds.yaml' };
    const root = openSwiftRoot('swift://?cloud=mine', { environment });
    await assert.rejects(root.containers(), says('denied', /no \/nowhere\/clouds.yaml.*mine/));
  });
});

/** Answers logins as Keystone does; its tokens are Swift's own, after those in `tokens`. */
async function startKeystone(
  swiftUrl: string,
): Promise<{ server: Server; url: string; logins: unknown[]; tokens: string[] }> {
  const logins: unknown[] = [];
  const tokens: string[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const body = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>));
      logins.push(JSON.parse(body.toString()));
      const headers = { 'x-auth-user': 'test:tester', 'x-auth-key': 'testing' };
      const login = await fetch(`${swiftUrl}/auth/v1.0`, { headers });
      const token = tokens.shift() ?? login.headers.get('x-auth-token') ?? '';
      const url = login.headers.get('x-storage-url');
      const endpoint = { interface: 'public', region_id: 'RegionOne', url };
      const catalog = [{ type: 'object-store', endpoints: [endpoint] }];
      response.writeHead(201, { 'x-subject-token': token, 'content-type': 'application/json' });
      response.end(JSON.stringify({ token: { catalog } }));
    })();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return { server, url: `http://127.0.0.1:${address.port}`, logins, tokens };
}
