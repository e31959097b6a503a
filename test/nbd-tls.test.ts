/** NBD in TLS, from the flags of `firn serve` to a client that was handed the address. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { startFirn } from '../demo/firn-process.ts';
import { connectNbd } from '../src/client/nbd.ts';
import { makeCertificates } from '../src/nbd/certificate-fixture.ts';
import { startScene, volumeReady } from './firn.ts';

const { authority, server, client } = makeCertificates();

async function writeCertificates(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'firn-certificates-'));
  t.after(() => rm(folder, { recursive: true }));
  const files = {
    'server-cert.pem': server.certificate,
    'server-key.pem': server.key,
    'ca-cert.pem': authority.certificate,
    'client-cert.pem': client.certificate,
    'client-key.pem': client.key,
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
}

test('with certificates clients are handed an address in TLS, and clear is refused', async (t) => {
  const certificates = await writeCertificates(t);
  const scene = await startScene(t, [
    `--nbd-tls-cert=${join(certificates, 'server-cert.pem')}`,
    `--nbd-tls-key=${join(certificates, 'server-key.pem')}`,
    `--nbd-tls-client-ca=${join(certificates, 'ca-cert.pem')}`,
  ]);
  const id = await volumeReady(scene.client, await scene.client.volumes.create({ size: 1 }));
  const attachment = await scene.client.attach(id, { host: 'here', mode: 'rw' });
  const { uri = '', unix_uri: unixUri = '' } = attachment.connection_info;
  assert.match(uri, /^nbds:\/\/127\.0\.0\.1:/);
  await assert.rejects(connectNbd({ uri: uri.replace('nbds:', 'nbd:') }), { code: 'unavailable' });
  await assert.rejects(connectNbd({ uri }), { code: 'unavailable' });
  const device = await connectNbd({ uri, certificates });
  await device.write(4096, Buffer.alloc(100_000, 7), { fua: true });
  await device.disconnect();
  const local = await connectNbd({ uri: unixUri });
  const target = Buffer.alloc(100_000);
  await local.read(4096, target);
  assert.deepEqual(target, Buffer.alloc(100_000, 7));
  await local.disconnect();
  const exportName = new URL(uri).pathname.slice(1);
  assert.ok(!scene.firn.output().includes(exportName), 'the name is in no log');
  await scene.client.detach(attachment.id);
});

test('what cannot work ends the start with the name of the flag', async (t) => {
  const certificates = await writeCertificates(t);
  const start = (args: readonly string[]) => startFirn(join(certificates, 'data'), args);
  await assert.rejects(start(['--nbd', '0.0.0.0:0']), {
    message: /firn: --nbd 0\.0\.0\.0:0: expected TLS .* --nbd-tls-cert and --nbd-tls-key/,
  });
  const wrongKey = ['--nbd-tls-cert', join(certificates, 'server-cert.pem')];
  wrongKey.push('--nbd-tls-key', join(certificates, 'client-key.pem'));
  await assert.rejects(start(wrongKey), { message: /firn: --nbd-tls-key .* is not the key of/ });
});
