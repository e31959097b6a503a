import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { connectNbd } from '../client/nbd.ts';
import type { BlockDevice } from '../volume/block-device.ts';
import { openMemoryDevice } from '../volume/memory-device.ts';
import { ExportRegistry } from './exports.ts';
import { NbdServer } from './server.ts';
import { startTestServer, uriOf } from './test-server.ts';

const memory = (): BlockDevice => openMemoryDevice({ lengthBytes: 64 * 1024 * 1024 });

test('a unix socket is for its user alone and goes with the server', async () => {
  await using rig = await startTestServer(memory());
  assert.equal((await stat(rig.path)).mode & 0o777, 0o600);
  await rig.server.close();
  await assert.rejects(stat(rig.path), { code: 'ENOENT' });
});

test('a live socket is refused and stays alive', async () => {
  await using rig = await startTestServer(memory());
  const other = new NbdServer({ exports: new ExportRegistry() });
  await assert.rejects(other.listenUnix(rig.path), { code: 'exists' });
  await other.close();
  const client = await connectNbd({ uri: rig.uri });
  await client.disconnect();
});

test('the socket of a process that was killed is replaced', async () => {
  await using rig = await startTestServer(memory());
  const path = join(rig.folder, 'stale.sock');
  const script = join(rig.folder, 'listen.mjs');
  await writeFile(
    script,
    `import net from 'node:net';
     net.createServer().listen(process.argv[2], () => process.send('listening'));`,
  );
  const child = fork(script, [path]);
  await once(child, 'message');
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.ok((await stat(path)).isSocket());
  await rig.server.listenUnix(path);
  const client = await connectNbd({ uri: uriOf(path, rig.name) });
  await client.disconnect();
});

test('a file that is no socket is not touched', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'firn-nbd-'));
  const path = join(folder, 'precious');
  await writeFile(path, 'data');
  const server = new NbdServer({ exports: new ExportRegistry() });
  await assert.rejects(server.listenUnix(path), { code: 'exists' });
  assert.equal((await stat(path)).size, 4);
  await server.close();
  await rm(folder, { recursive: true });
});

test('a taken port and a missing folder reach the caller', async () => {
  await using rig = await startTestServer(memory());
  const { port } = await rig.server.listenTcp('127.0.0.1', 0);
  const other = new NbdServer({ exports: new ExportRegistry() });
  await assert.rejects(other.listenTcp('127.0.0.1', port), { code: 'EADDRINUSE' });
  await assert.rejects(other.listenUnix(join(rig.folder, 'no', 'nbd.sock')), { code: 'EACCES' });
  await other.close();
});

test('a path that does not fit into a socket address is refused, not cut short', async () => {
  await using rig = await startTestServer(memory());
  await assert.rejects(rig.server.listenUnix(join(rig.folder, 'x'.repeat(120))));
});
