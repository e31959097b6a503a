/**
 * What gophercloud sends, and with it Terraform's provider and the CSI driver, replayed from its
 * sources: discovery, an application credential, the microversion header as its first release names
 * the service, the life of a volume of `openstack_blockstorage_volume_v3` and `…_attach_v3`.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { must } from '../base/assert.ts';
import { isJsonObject, type JsonObject } from '../base/json.ts';
import { people } from './identity-v3/directory-fixture.ts';
import { openWalk, type Walk } from './walk-fixture.ts';

const origin = 'http://firn.test';

interface Answer {
  readonly status: number;
  readonly body: JsonObject;
  readonly headers: Readonly<Record<string, unknown>>;
}

async function send(
  { app }: Walk,
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  url: string,
  headers: Record<string, string>,
  body?: JsonObject,
): Promise<Answer> {
  const answer = await app.inject({
    method,
    url: url.replace(origin, ''),
    headers: { accept: 'application/json', 'user-agent': 'gophercloud/v1.14.1', ...headers },
    ...(body === undefined ? {} : { payload: body }),
  });
  const parsed: unknown = answer.body === '' ? {} : answer.json();
  return {
    status: answer.statusCode,
    body: isJsonObject(parsed) ? parsed : {},
    headers: answer.headers,
  };
}

/** A text that must be there. */
function text(value: unknown): string {
  assert.ok(typeof value === 'string', `a text: ${JSON.stringify(value)}`);
  return value;
}

function objects(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

function object(value: unknown): JsonObject {
  assert.ok(isJsonObject(value));
  return value;
}

/** Finds Identity v3 as the client does, from the address that it was given. */
async function discover(walk: Walk): Promise<string> {
  const { status, body } = await send(walk, 'GET', `${origin}/identity/`, {});
  assert.equal(status, 300);
  const known = objects(object(body['versions'])['values']);
  const version = known.find(
    ({ id, status: kept }) => text(id).startsWith('v3') && /stable|current/i.test(text(kept)),
  );
  const link = objects(version?.['links']).find(({ rel }) => rel === 'self');
  return text(link?.['href']).replace(/\/$/, '');
}

/** A secret of max, who may change what is his project's. */
async function credential(walk: Walk, identity: string): Promise<JsonObject> {
  const user = must(
    people.find(({ name }) => name === 'max'),
    'max',
  ).id;
  const url = `${identity}/users/${user}/application_credentials`;
  const wanted = { application_credential: { name: 'terraform' } };
  const made = await send(walk, 'POST', url, { 'x-auth-token': await walk.login('max') }, wanted);
  return object(made.body['application_credential']);
}

test('a client of gophercloud goes through the life of a volume', async (t) => {
  const walk = await openWalk(t);
  const identity = await discover(walk);
  const { id, secret } = await credential(walk, identity);
  const auth = {
    identity: {
      methods: ['application_credential'],
      application_credential: { id: text(id), secret: text(secret) },
    },
  };
  const login = await send(walk, 'POST', `${identity}/auth/tokens`, {}, { auth });
  assert.equal(login.status, 201);
  const catalog = objects(object(login.body['token'])['catalog']);
  const service = must(
    catalog.find(({ type }) => type === 'volumev3'),
    'the service',
  );
  const endpoint = objects(service['endpoints']).find(({ interface: kind }) => kind === 'public');
  const base = text(endpoint?.['url']).replace(/\/$/, '');
  const headers = { 'x-auth-token': text(login.headers['x-subject-token']) };
  const at = (microversion: string) => ({
    ...headers,
    'openstack-api-version': `volumev3 ${microversion}`,
  });

  const wanted = { size: 1, name: 'disk', description: '', metadata: { by: 'terraform' } };
  const made = await send(walk, 'POST', `${base}/volumes`, at('3.47'), { volume: wanted });
  assert.equal(made.status, 202, JSON.stringify(made.body));
  assert.equal(made.headers['openstack-api-version'], 'volume 3.47');
  const volume = `${base}/volumes/${text(object(made.body['volume'])['id'])}`;
  const show = async (): Promise<Answer> => await send(walk, 'GET', volume, headers);
  const status = async (): Promise<unknown> => object((await show()).body['volume'])['status'];
  await walk.scene.work();
  assert.equal(await status(), 'available');

  const act = async (name: string, fields: JsonObject, version = '3.42'): Promise<Answer> => {
    const answer = await send(walk, 'POST', `${volume}/action`, at(version), { [name]: fields });
    assert.ok(answer.status < 300, `${name}: ${answer.status} ${JSON.stringify(answer.body)}`);
    await walk.scene.work();
    return answer;
  };
  await act('os-attach', { host_name: 'host', mountpoint: '/dev/vdb', mode: 'rw' });
  assert.equal(await status(), 'in-use');
  const connector = { host: 'host', ip: '10.0.0.1', initiator: '', multipath: false };
  const told = await act('os-initialize_connection', { connector });
  assert.equal(object(told.body['connection_info'])['driver_volume_type'], 'nbd');
  await act('os-extend', { new_size: 2 });
  assert.equal(object((await show()).body['volume'])['size'], 2);
  await act('os-terminate_connection', { connector });
  const attachments = objects(object((await show()).body['volume'])['attachments']);
  await act('os-detach', { attachment_id: text(attachments[0]?.['attachment_id']) });
  assert.equal(await status(), 'available');
  const changes = { volume: { name: 'renamed', metadata: { by: 'hand' } } };
  assert.equal((await send(walk, 'PUT', volume, headers, changes)).status, 200);

  assert.equal((await send(walk, 'DELETE', `${volume}?cascade=false`, headers)).status, 202);
  await walk.scene.work();
  assert.equal((await show()).status, 404);
  assert.equal((await send(walk, 'DELETE', volume, headers)).status, 404);
});

test('quotas over the limit are 413, as the CSI driver looks for', async (t) => {
  const walk = await openWalk(t);
  const [ann, max] = [await walk.login('ann'), await walk.login('max')];
  const of = 'a'.repeat(32);
  const set = `${origin}/volume/v3/os-quota-sets/${of}`;
  const quota_set = { volumes: 0 };
  await send(walk, 'PUT', set, { 'x-auth-token': ann }, { quota_set });
  const url = `${origin}/volume/v3/${of}/volumes`;
  const refused = await send(walk, 'POST', url, { 'x-auth-token': max }, { volume: { size: 1 } });
  assert.equal(refused.status, 413);
  assert.ok(isJsonObject(refused.body['overLimit']));
});
