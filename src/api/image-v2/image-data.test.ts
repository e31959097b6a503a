import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { request } from 'node:http';
import test, { after, before } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { InjectOptions } from 'fastify';
import { openFaces, type Faces } from '../face-fixture.ts';

let faces: Faces;
before(async () => {
  faces = await openFaces();
});
after(() => faces.close());

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

async function call(name: string, method: Method, path: string, more: InjectOptions = {}) {
  const headers = { 'x-auth-token': await faces.tokenOf(name), ...more.headers };
  return await faces.app.inject({ ...more, method, url: `/image/v2/images${path}`, headers });
}

async function create(name: string, image: object = {}): Promise<string> {
  const made = await call(name, 'POST', '', { payload: image });
  assert.equal(made.statusCode, 201);
  return made.json().id;
}

const octets = { 'content-type': 'application/octet-stream' };

const put = (name: string, id: string, payload: Buffer, verb = 'file') =>
  call(name, 'PUT', `/${id}/${verb}`, { headers: octets, payload });

const shown = async (id: string) => (await call('max', 'GET', `/${id}`)).json();

const hash = (kind: string, data: Buffer): string => createHash(kind).update(data).digest('hex');

test('data goes in and comes out the same, with its size and hashes', async () => {
  const data = randomBytes(3 * 1024 * 1024 + 7);
  const id = await create('max', { disk_format: 'raw', container_format: 'bare' });
  assert.equal((await call('max', 'GET', `/${id}/file`)).statusCode, 204, 'none yet');
  assert.equal((await put('max', id, data)).statusCode, 204);
  const { status, size, virtual_size, checksum, os_hash_algo, os_hash_value } = await shown(id);
  assert.deepEqual([status, size, virtual_size], ['active', data.length, data.length]);
  assert.deepEqual([checksum, os_hash_algo], [hash('md5', data), 'sha512']);
  assert.equal(os_hash_value, hash('sha512', data));
  const got = await call('rea', 'GET', `/${id}/file`);
  assert.ok(got.rawPayload.equals(data));
  assert.deepEqual(
    [got.headers['content-length'], got.headers['content-md5']],
    [String(data.length), checksum],
  );
  assert.equal((await put('max', id, data)).statusCode, 409, 'data never changes');
  assert.equal((await call('max', 'DELETE', `/${id}`)).statusCode, 204);
  assert.deepEqual(await faces.images.list(), []);
});

test('a range is sent alone', async () => {
  const data = randomBytes(2 * 1024 * 1024);
  const id = await create('max');
  await put('max', id, data);
  const range = (text: string) =>
    call('max', 'GET', `/${id}/file`, { headers: { range: `bytes=${text}` } });
  const middle = await range('1000-1048999');
  assert.equal(middle.statusCode, 206);
  assert.equal(middle.headers['content-range'], `bytes 1000-1048999/${data.length}`);
  assert.ok(middle.rawPayload.equals(data.subarray(1000, 1_049_000)));
  assert.ok((await range('2097000-')).rawPayload.equals(data.subarray(2_097_000)));
  assert.equal((await range('9999999-')).statusCode, 416);
  assert.equal((await range('x-')).statusCode, 200);
});

test('an upload of nothing leaves the image as it is', async () => {
  const id = await create('max');
  assert.equal((await put('max', id, Buffer.alloc(0))).statusCode, 204);
  assert.equal((await shown(id)).status, 'queued');
});

test('only who may puts data in, and only who sees an image gets it out', async () => {
  const id = await create('max');
  assert.equal((await put('rea', id, Buffer.from('x'))).statusCode, 403);
  assert.equal((await put('bob', id, Buffer.from('x'))).statusCode, 404);
  await put('max', id, Buffer.from('mine'));
  assert.equal((await call('bob', 'GET', `/${id}/file`)).statusCode, 404);
  assert.equal((await call('ann', 'GET', `/${id}/file`)).body, 'mine');
});

function qcow2(fields: { backingFileAt?: bigint; size?: bigint; magic?: number }): Buffer {
  const header = Buffer.alloc(512);
  header.writeUInt32BE(fields.magic ?? 0x514649fb, 0);
  header.writeUInt32BE(3, 4);
  header.writeBigUInt64BE(fields.backingFileAt ?? 0n, 8);
  header.writeBigUInt64BE(fields.size ?? 5n * 1024n ** 3n, 24);
  return header;
}

test('a qcow2 image tells its size; what is none, or names another file, is refused', async () => {
  const id = await create('max', { disk_format: 'qcow2', container_format: 'bare' });
  const bad = [
    Buffer.from('short'),
    qcow2({ magic: 7 }),
    qcow2({ backingFileAt: 104n }),
    qcow2({ size: 2n ** 63n }),
  ];
  for (const data of bad) {
    const refused = await put('max', id, data);
    assert.equal(refused.statusCode, 400);
    assert.match(refused.json().error.message, /qcow2/);
    assert.deepEqual([(await shown(id)).status, (await shown(id)).size], ['queued', null]);
  }
  assert.equal((await put('max', id, qcow2({}))).statusCode, 204);
  assert.equal((await shown(id)).virtual_size, 5 * 1024 ** 3);
});

test('an upload whose client goes away leaves no data', { timeout: 60_000 }, async () => {
  const id = await create('max', { disk_format: 'raw' });
  const address = await faces.app.listen({ port: 0, host: '127.0.0.1' });
  const headers = { ...octets, 'x-auth-token': await faces.tokenOf('max'), 'content-length': 9999 };
  const url = `${address}/image/v2/images/${id}/file`;
  const upload = request(url, { method: 'PUT', headers }).on('error', () => undefined);
  upload.write(Buffer.alloc(1000));
  while ((await shown(id)).status !== 'saving') await sleep(10);
  upload.destroy();
  while ((await shown(id)).status !== 'queued') await sleep(10);
  await sleep(50);
  assert.equal(/.*"level":"error".*/.exec(faces.log())?.[0], undefined);
  assert.ok(!(await faces.images.list()).includes(id));
});

test('an image is imported in two steps', async () => {
  const id = await create('max');
  const importIt = (name: string) =>
    call('max', 'POST', `/${id}/import`, { payload: { method: { name } } });
  assert.equal((await importIt('glance-direct')).statusCode, 409, 'nothing is staged');
  assert.equal((await put('max', id, Buffer.from('staged'), 'stage')).statusCode, 204);
  assert.equal((await shown(id)).status, 'uploading');
  assert.equal((await importIt('web-download')).statusCode, 400);
  assert.equal((await importIt('glance-direct')).statusCode, 202);
  assert.equal((await call('max', 'GET', `/${id}/file`)).body, 'staged');
});

test('an administrator keeps an image from being read, and gives it back', async () => {
  const id = await create('max');
  await put('max', id, Buffer.from('data'));
  const act = (who: string, verb: string) => call(who, 'POST', `/${id}/actions/${verb}`);
  assert.equal((await act('max', 'deactivate')).statusCode, 403);
  assert.equal((await act('ann', 'deactivate')).statusCode, 204);
  assert.equal((await act('ann', 'deactivate')).statusCode, 204);
  assert.equal((await call('max', 'GET', `/${id}/file`)).statusCode, 403);
  assert.equal((await act('ann', 'reactivate')).statusCode, 204);
  assert.equal((await call('max', 'GET', `/${id}/file`)).body, 'data');
});
