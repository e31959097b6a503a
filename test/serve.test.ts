/** Starting and ending the service, as an operator does. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startFirn } from '../demo/firn-process.ts';
import { connect, startScene, volumeReady } from './firn.ts';

test('a first start says what to type next, and keeps its secrets to itself', async (t) => {
  const { firn, dataFolder } = await startScene(t);
  const output = firn.output();
  for (const expected of [/is ready/, /openstack volume create --size 1/, /openrc/, /Ctrl-C/]) {
    assert.match(output, expected);
  }
  for (const name of ['clouds.yaml', 'openrc', 'firn.key', 'catalog.sqlite']) {
    assert.equal((await stat(join(dataFolder, name))).mode & 0o777, 0o600, name);
  }
  const openrc = await readFile(join(dataFolder, 'openrc'), 'utf8');
  const password = /OS_PASSWORD='([^']+)'/.exec(openrc)?.[1] ?? '';
  assert.ok(password.length >= 20 && !output.includes(password));
});

test('a first start that failed on the store is a first start again', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'firn-test-'));
  await assert.rejects(startFirn(folder, ['--store', 'ftp://nowhere']), /expected a store/);
  const firn = await startFirn(folder);
  t.after(async () => {
    await firn.stop();
    await rm(folder, { recursive: true });
  });
  assert.ok((await stat(join(folder, 'backups'))).isDirectory());
});

test('Ctrl-C ends it in order, and a second start finds everything again', async (t) => {
  const scene = await startScene(t);
  const id = await volumeReady(scene.client, await scene.client.volumes.create({ size: 1 }));
  const password = await readFile(join(scene.dataFolder, 'clouds.yaml'), 'utf8');
  assert.equal(await scene.firn.stop(), 0);
  await scene.restart();
  assert.equal((await scene.client.volumes.show(id)).status, 'available');
  const again = await readFile(join(scene.dataFolder, 'clouds.yaml'), 'utf8');
  const secret = /password: (\S+)/;
  assert.equal(secret.exec(again)?.[1], secret.exec(password)?.[1]);
});

test('the administrator gets in again when the catalogue is lost', async (t) => {
  const scene = await startScene(t);
  await scene.firn.stop();
  for (const suffix of ['', '-wal', '-shm']) {
    await rm(join(scene.dataFolder, `catalog.sqlite${suffix}`), { force: true });
  }
  await scene.restart();
  await volumeReady(scene.client, await scene.client.volumes.create({ size: 1 }));
});

test('a second process on the same data folder is refused, and disturbs nobody', async (t) => {
  const { dataFolder, firn, client } = await startScene(t);
  await assert.rejects(startFirn(dataFolder), new RegExp(`process ${firn.pid}.*--data`, 's'));
  await volumeReady(client, await client.volumes.create({ size: 1 }));
});

test('a port that is taken is named, and nothing is left running', async (t) => {
  const scene = await startScene(t);
  const taken = createServer().listen(0, '127.0.0.1');
  t.after(async () => void taken.close());
  await once(taken, 'listening');
  const address = taken.address();
  assert.ok(typeof address === 'object' && address !== null);
  const place = `127.0.0.1:${address.port}`;
  const folder = join(scene.folder, 'other');
  await assert.rejects(startFirn(folder, ['--listen', place]), new RegExp(`${place} is taken`));
  await assert.rejects(startFirn(folder, ['--nbd', place]), new RegExp(`${place} is taken`));
  const other = await startFirn(folder);
  await connect(folder).volumes.create({ size: 1 });
  assert.equal(await other.stop(), 0);
});
