import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { makeCertificates } from '../nbd/certificate-fixture.ts';
import { startTestServer } from '../nbd/test-server.ts';
import type { NbdTls } from '../nbd/tls.ts';
import { openMemoryDevice } from '../volume/memory-device.ts';
import { connectNbd } from './nbd.ts';

const MiB = 1024 * 1024;
const { authority, server, client } = makeCertificates();
const oneSided: NbdTls = { certificate: server.certificate, key: server.key };
const mutual: NbdTls = { ...oneSided, clientAuthority: authority.certificate };
const trusting = { 'ca-cert.pem': authority.certificate };
const known = { 'client-cert.pem': client.certificate, 'client-key.pem': client.key };

async function folderOf(t: TestContext, files: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'firn-certificates-'));
  t.after(() => rm(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
}

/** Starts a server; `uri` gives the address of its export below a host. */
async function serve(t: TestContext, tls?: NbdTls): Promise<(host: string) => string> {
  const rig = await startTestServer(openMemoryDevice({ lengthBytes: 64 * MiB }), { tls });
  t.after(() => rig[Symbol.asyncDispose]());
  const { port } = await rig.server.listenTcp('127.0.0.1', 0);
  return (host) => `nbds://${host}:${port}/${rig.name}`;
}

test('all goes through TLS as it does in clear', async (t) => {
  const uri = await serve(t, mutual);
  const certificates = await folderOf(t, { ...trusting, ...known });
  for (const address of [uri('localhost'), uri('127.0.0.1')]) {
    const device = await connectNbd({ uri: address, certificates });
    const data = randomBytes(40 * MiB + 5);
    await device.write(MiB, data);
    const target = Buffer.alloc(data.length);
    await device.read(MiB, target);
    assert.ok(target.equals(data));
    const extents = await device.extents(0, device.lengthBytes);
    assert.deepEqual(
      extents.map(({ kind }) => kind),
      ['absent', 'data', 'absent'],
    );
    await device.trim(0, device.lengthBytes);
    await device.flush();
    await device.disconnect();
  }
  const named = `${uri('localhost')}?tls-certificates=${certificates}`;
  await (await connectNbd({ uri: named })).disconnect();
});

test('nobody is trusted but who the authority signed for, and only for that host', async (t) => {
  const uri = await serve(t, oneSided);
  const unavailable = { code: 'unavailable' };
  const stranger = await folderOf(t, { 'ca-cert.pem': makeCertificates().authority.certificate });
  await assert.rejects(connectNbd({ uri: uri('localhost'), certificates: stranger }), unavailable);
  await assert.rejects(connectNbd({ uri: uri('localhost') }), unavailable);
  const elsewhere = await serve(t, {
    certificate: client.certificate,
    key: client.key,
  });
  const certificates = await folderOf(t, trusting);
  await assert.rejects(connectNbd({ uri: elsewhere('localhost'), certificates }), unavailable);
  await (await connectNbd({ uri: uri('localhost'), certificates })).disconnect();
});

test('a server that asks for a certificate refuses who has none', async (t) => {
  const uri = await serve(t, mutual);
  const certificates = await folderOf(t, trusting);
  await assert.rejects(connectNbd({ uri: uri('localhost'), certificates }), {
    code: 'unavailable',
  });
});

test('neither side goes on in clear where the other wants TLS', async (t) => {
  const secured = await serve(t, oneSided);
  const clear = secured('localhost').replace('nbds:', 'nbd:');
  await assert.rejects(connectNbd({ uri: clear }), { message: /TLS is required/ });
  const open = await serve(t);
  await assert.rejects(connectNbd({ uri: open('localhost') }), { message: /does not begin TLS/ });
});

test('bytes sent in clear before TLS began are not taken for the server', async (t) => {
  const accept = Buffer.from('0003e889045565a9000000050000000100000000', 'hex');
  const listener = createServer((socket) => {
    socket.write(Buffer.from('NBDMAGICIHAVEOPT\0\x03', 'latin1'));
    socket.write(Buffer.concat([accept, accept]));
    socket.on('error', () => socket.destroy());
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  t.after(() => listener.close());
  const place = listener.address();
  assert.ok(typeof place === 'object' && place !== null);
  const uri = `nbds://127.0.0.1:${place.port}/x`;
  await assert.rejects(connectNbd({ uri }), { message: /in clear came behind STARTTLS/ });
});

test('a folder without what it should hold is refused', async (t) => {
  const uri = await serve(t, oneSided);
  const half = { 'client-cert.pem': client.certificate };
  for (const files of [{}, half, { ...trusting, ...half }, { 'client-key.pem': client.key }]) {
    const certificates = await folderOf(t, files);
    await assert.rejects(connectNbd({ uri: uri('localhost'), certificates }), {
      code: 'invalid_input',
    });
  }
});
