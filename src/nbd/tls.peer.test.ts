/** NBD in TLS with the programs that people use, which bring another TLS library (GnuTLS). */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { needs } from '../../test/peer.ts';
import { openMemoryDevice } from '../volume/memory-device.ts';
import { makeCertificates } from './certificate-fixture.ts';
import { startTestServer, type TestServer } from './test-server.ts';

const MiB = 1024 * 1024;
const run = promisify(execFile);
const { authority, server, client } = makeCertificates();

interface Scene {
  readonly rig: TestServer;
  readonly port: number;
  /** Writes a folder of certificates as QEMU and libnbd want it. */
  readonly folder: (name: string, files: Record<string, string>) => Promise<string>;
  /** The address for libnbd. */
  readonly uri: (certificates: string) => string;
  /** The arguments for QEMU's tools up to the image itself. */
  readonly qemu: (certificates: string) => string[];
}

async function startScene(t: TestContext): Promise<Scene> {
  const rig = await startTestServer(openMemoryDevice({ lengthBytes: 64 * MiB }), {
    tls: {
      certificate: server.certificate,
      key: server.key,
      clientAuthority: authority.certificate,
    },
  });
  t.after(() => rig[Symbol.asyncDispose]());
  const { port } = await rig.server.listenTcp('127.0.0.1', 0);
  return {
    rig,
    port,
    folder: async (name, files) => {
      const folder = join(rig.folder, name);
      await mkdir(folder);
      for (const [file, text] of Object.entries(files)) await writeFile(join(folder, file), text);
      return folder;
    },
    uri: (certificates) => `nbds://localhost:${port}/${rig.name}?tls-certificates=${certificates}`,
    qemu: (certificates) => [
      '--object',
      `tls-creds-x509,id=tls,endpoint=client,dir=${certificates}`,
      '--image-opts',
      `driver=nbd,host=localhost,port=${port},export=${rig.name},tls-creds=tls`,
    ],
  };
}

const known = {
  'ca-cert.pem': authority.certificate,
  'client-cert.pem': client.certificate,
  'client-key.pem': client.key,
};

/** Folders that must not get in, and why. */
function strangers(): Record<string, Record<string, string>> {
  const other = makeCertificates();
  return {
    'no client certificate': { 'ca-cert.pem': authority.certificate },
    'another authority': { ...known, 'ca-cert.pem': other.authority.certificate },
    'a client of another authority': {
      'ca-cert.pem': authority.certificate,
      'client-cert.pem': other.client.certificate,
      'client-key.pem': other.client.key,
    },
  };
}

const timeout = 300_000;

test('libnbd copies in TLS, both ways', { ...needs('nbdinfo', 'nbdcopy'), timeout }, async (t) => {
  const { rig, folder, uri } = await startScene(t);
  const address = uri(await folder('known', known));
  const { stdout } = await run('nbdinfo', ['--json', address]);
  const about = JSON.parse(stdout);
  assert.equal(about.TLS, true);
  assert.equal(about.exports[0]['export-size'], 64 * MiB);
  const image = Buffer.concat([Buffer.alloc(5 * MiB), randomBytes(59 * MiB)]);
  const [source, target] = [join(rig.folder, 'source.raw'), join(rig.folder, 'target.raw')];
  await writeFile(source, image);
  await run('nbdcopy', ['--flush', source, address]);
  await run('nbdcopy', [address, target]);
  assert.ok((await readFile(target)).equals(image));
});

test('libnbd is refused without TLS or trust', { ...needs('nbdinfo'), timeout }, async (t) => {
  const { rig, port, folder, uri } = await startScene(t);
  await assert.rejects(run('nbdinfo', ['--size', `nbd://127.0.0.1:${port}/${rig.name}`]), {
    message: /requires TLS/,
  });
  for (const [why, files] of Object.entries(strangers())) {
    const address = uri(await folder(why.replaceAll(' ', '-'), files));
    await assert.rejects(run('nbdinfo', ['--size', address]), why);
  }
  assert.equal(rig.watched.opened, 0);
});

test('QEMU reads and writes in TLS', { ...needs('qemu-io', 'qemu-img'), timeout }, async (t) => {
  const { folder, qemu } = await startScene(t);
  const image = qemu(await folder('known', known));
  const words = ['write -P 9 5000 3M', 'aio_write -P 7 8M 32M', 'aio_flush', 'flush'];
  const checks = ['read -P 9 5000 3M', 'read -P 7 8M 32M', 'read -P 0 0 5000'];
  const commands = [...words, ...checks].flatMap((word) => ['-c', word]);
  const { stdout } = await run('qemu-io', [...image, ...commands]);
  assert.doesNotMatch(stdout, /fail|error/i);
  const map = JSON.parse((await run('qemu-img', ['map', '--output=json', ...image])).stdout);
  assert.deepEqual(
    map.map((extent: { data: boolean }) => extent.data),
    [false, true, false, true, false],
  );
});

test('QEMU is refused without TLS or trust', { ...needs('qemu-img'), timeout }, async (t) => {
  const { rig, port, folder, qemu } = await startScene(t);
  const clear = ['info', '-f', 'raw', `nbd://127.0.0.1:${port}/${rig.name}`];
  await assert.rejects(run('qemu-img', clear), { message: /TLS/ });
  for (const [why, files] of Object.entries(strangers())) {
    const image = qemu(await folder(why.replaceAll(' ', '-'), files));
    await assert.rejects(run('qemu-img', ['info', ...image]), why);
  }
  assert.equal(rig.watched.opened, 0);
});
