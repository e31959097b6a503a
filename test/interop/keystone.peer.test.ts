/** Firn as the volumev3 service of a cloud that has a Keystone. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type FirnProcess, startFirn } from '../../demo/firn-process.ts';
import { Openstack } from '../openstack.ts';
import { needs } from '../peer.ts';
import {
  hasKeystone,
  keystonePassword,
  startKeystone,
  type Keystone,
} from '../servers/keystone.ts';
import { until } from './until.ts';

const options = hasKeystone ? needs('openstack') : needs('keystone-manage');

describe('with a real Keystone', options, () => {
  let folder: string;
  let keystone: Keystone;
  let firn: FirnProcess;
  let firnUrl: string;
  let openstack: Openstack;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'firn-cloud-'));
    keystone = await startKeystone();
    const passwordFile = join(folder, 'password');
    await writeFile(passwordFile, `${keystonePassword}\n`);
    const data = join(folder, 'data');
    firn = await startFirn(data, [
      '--identity-mode',
      'keystone',
      '--identity-keystone-url',
      `${keystone.url}/v3`,
      '--identity-keystone-user',
      'admin',
      '--identity-keystone-project',
      'admin',
      '--identity-keystone-password-file',
      passwordFile,
      '--identity-keystone-cache-seconds',
      '1',
    ]);
    const urlIn = () => /HTTP\s+(\S+)/.exec(firn.output())?.[1];
    await until('the greeting', () => urlIn() !== undefined);
    firnUrl = urlIn() ?? '';
    openstack = new Openstack(folder, {
      OS_CLOUD: '',
      OS_CLIENT_CONFIG_FILE: '/dev/null',
      OS_AUTH_URL: `${keystone.url}/v3`,
      OS_USERNAME: 'admin',
      OS_PASSWORD: keystonePassword,
      OS_PROJECT_NAME: 'admin',
      OS_USER_DOMAIN_NAME: 'Default',
      OS_PROJECT_DOMAIN_NAME: 'Default',
      OS_REGION_NAME: 'RegionOne',
      OS_IDENTITY_API_VERSION: '3',
      OS_VOLUME_API_VERSION: '3',
    });
  });
  after(async () => {
    await firn.stop();
    await keystone.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** A new token of a user in the project admin, from the Keystone itself. */
  const login = async (name: string): Promise<string> => {
    const user = { name, domain: { id: 'default' }, password: keystonePassword };
    const identity = { methods: ['password'], password: { user } };
    const scope = { project: { name: 'admin', domain: { id: 'default' } } };
    const answer = await fetch(`${keystone.url}/v3/auth/tokens`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ auth: { identity, scope } }),
    });
    return answer.headers.get('x-subject-token') ?? '';
  };

  /** What Firn answers to a request with these tokens. */
  const ask = async (token: string, serviceToken?: string): Promise<number> => {
    const headers = {
      'x-auth-token': token,
      ...(serviceToken === undefined ? {} : { 'x-service-token': serviceToken }),
    };
    let { status } = await fetch(`${firnUrl}/volume/v3/volumes`, { headers });
    // A Keystone on a busy machine may not answer Firn in time.
    while (status === 503) ({ status } = await fetch(`${firnUrl}/volume/v3/volumes`, { headers }));
    return status;
  };

  it('the client gets its token there and its volumes here', async () => {
    const { stderr } = await openstack.typed(
      'service create --name cinderv3 volumev3',
      'service create --name glance image',
      `endpoint create --region RegionOne volumev3 public ${firnUrl}/volume/v3/%(project_id)s`,
      `endpoint create --region RegionOne image public ${firnUrl}/image`,
    );
    assert.equal(stderr.trim(), '');
    const said = await openstack.typed(
      'volume create --size 1 cloudy',
      'volume list',
      'volume snapshot create --volume cloudy shot',
      'volume type list',
      'image list',
    );
    assert.equal(said.stderr.trim(), '');
    assert.match(said.stdout, /cloudy/);
  });

  it('names the Keystone to whoever has no token, and issues none itself', async () => {
    const refused = await fetch(`${firnUrl}/volume/v3/volumes`);
    assert.equal(refused.status, 401);
    assert.equal(refused.headers.get('www-authenticate'), `Keystone uri="${keystone.url}/v3"`);
    const own = await fetch(`${firnUrl}/identity/v3/auth/tokens`, { method: 'POST' });
    assert.equal(own.status, 404);
  });

  it('a revoked token is refused within the time for which it is believed', async () => {
    const token = await login('admin');
    assert.equal(await ask(token), 200);
    const headers = { 'x-auth-token': await login('admin'), 'x-subject-token': token };
    const revoked = await fetch(`${keystone.url}/v3/auth/tokens`, { method: 'DELETE', headers });
    assert.equal(revoked.status, 204);
    await until('the revocation to hold', async () => (await ask(token)) === 401);
  });

  it('a default type is set for a project that Keystone knows', async () => {
    const token = await login('admin');
    const told = await fetch(`${keystone.url}/v3/auth/tokens`, {
      headers: { 'x-auth-token': token, 'x-subject-token': token },
    });
    const said = (await told.json()) as { token: { project: { id: string } } };
    const set = async (project: string): Promise<number> => {
      const answer = await fetch(`${firnUrl}/volume/v3/default-types/${project}`, {
        method: 'PUT',
        headers: {
          'x-auth-token': token,
          'content-type': 'application/json',
          'openstack-api-version': 'volume 3.62',
        },
        body: JSON.stringify({ default_type: { volume_type: '__DEFAULT__' } }),
      });
      return answer.status;
    };
    assert.equal(await set(said.token.project.id), 200);
    assert.equal(await set('nobody'), 404);
  });

  it('a browser logs in here with its name and password there', async () => {
    const user = { name: 'admin', domain: { id: 'default' }, password: keystonePassword };
    const scope = { project: { name: 'admin', domain: { id: 'default' } } };
    const identity = { methods: ['password'], password: { user } };
    const answer = await fetch(`${firnUrl}/firn/v1/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-firn-request': '1' },
      body: JSON.stringify({ auth: { identity, scope } }),
    });
    assert.equal(answer.status, 201);
    const cookie = (answer.headers.get('set-cookie') ?? '').split(';', 1)[0] ?? '';
    const volumes = await fetch(`${firnUrl}/volume/v3/volumes`, { headers: { cookie } });
    assert.equal(volumes.status, 200);
  });

  it("a service goes on with a user's token that has expired, by its own", async () => {
    const { stderr } = await openstack.typed(
      'role create service',
      `user create --password ${keystonePassword} nova`,
      'role add --user nova --project admin service',
    );
    assert.equal(stderr.trim(), '');
    const [nova, admin] = [await login('nova'), await login('admin')];
    assert.equal(await ask(admin, nova), 200);
    assert.equal(await ask(admin, 'none'), 401, 'a token of a service must be valid');
    keystone.shortenTokens();
    let token = '';
    await until('a token that expires', async () => {
      token = await login('admin');
      return await isShort(token);
    });
    await until('it has expired', async () => (await ask(token)) === 401);
    assert.equal(await ask(token, nova), 200);
    assert.equal(await ask(token, admin), 401, 'an administrator is no service');
    assert.equal(await ask('none', nova), 401);
  });

  /** Whether a token lives for seconds only. */
  const isShort = async (token: string): Promise<boolean> => {
    const headers = { 'x-auth-token': token, 'x-subject-token': token };
    const answer = await fetch(`${keystone.url}/v3/auth/tokens`, { headers });
    const said = (await answer.json()) as { token?: { issued_at: string; expires_at: string } };
    const { issued_at: from = '', expires_at: to = '' } = said.token ?? {};
    return Date.parse(to) - Date.parse(from) < 10_000;
  };
});
