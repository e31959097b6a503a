/**
 * Firn on real stores over the network: Ceph's RGW and OpenStack Swift. Everything but the store
 * and the key is lost on the way; backups that Cinder wrote there come along.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { withDisk } from '../../demo/disk.ts';
import { startFirn } from '../../demo/firn-process.ts';
import { randomBytes, seeded } from '../../demo/random.ts';
import { MiB } from '../../src/base/bytes.ts';
import { runCli } from '../../src/cli/program.ts';
import type { Client } from '../../src/client/client.ts';
import { openStoreRoot } from '../../src/store/open-root.ts';
import { backupReady, connect, startScene, volumeReady } from '../firn.ts';
import { hasCeph, startCeph } from '../servers/ceph.ts';
import { hasSwift, startSwift } from '../servers/swift.ts';

const run = promisify(execFile);
const script = fileURLToPath(new URL('../servers/cinder_backup.py', import.meta.url));
const hasCinder = existsSync('/usr/lib/python3/dist-packages/cinder/backup/chunkeddriver.py');
const isNeeded = process.env['CI'] === 'true';

/** Where the containers of a store are, and a bucket in which Cinder keeps its backups. */
interface Place {
  readonly storeUrl: string;
  readonly cinderUrl: string;
  readonly stop: () => Promise<void>;
}

async function onCeph(): Promise<Place> {
  const ceph = await startCeph();
  await ceph.makeUser({ name: 'owner', accessKey: 'owner-key', secretKey: 'owner-secret' });
  process.env['AWS_ACCESS_KEY_ID'] = 'owner-key';
  process.env['AWS_SECRET_ACCESS_KEY'] = 'owner-secret';
  const query = `?endpoint=${encodeURIComponent(ceph.url)}`;
  const stop = () => ceph.stop();
  return { storeUrl: `s3://${query}`, cinderUrl: `s3://cinder-bucket${query}`, stop };
}

async function onSwift(): Promise<Place> {
  const swift = await startSwift();
  process.env['ST_AUTH'] = `${swift.url}/auth/v1.0`;
  process.env['ST_USER'] = 'test:tester';
  process.env['ST_KEY'] = 'testing';
  return { storeUrl: 'swift://', cinderUrl: 'swift://cinder-bucket', stop: () => swift.stop() };
}

const content = randomBytes(seeded(11), 24 * MiB);

async function assertRestores(client: Client, backupId: string, expected: Buffer): Promise<void> {
  const { volumeId } = await client.restore(backupId, { name: `of ${backupId}` });
  await volumeReady(client, volumeId);
  await withDisk(client, volumeId, async (disk) => {
    const read = Buffer.alloc(expected.length);
    await disk.read(0, read);
    assert.ok(read.equals(expected), `backup ${backupId} is equal`);
  });
}

async function loseAllButTheStore(t: TestContext, { storeUrl }: Place): Promise<void> {
  const scene = await startScene(t, ['--store', storeUrl]);
  const { client } = scene;
  const volumeId = await volumeReady(client, await client.volumes.create({ name: 'd', size: 1 }));
  const write = (at: number, bytes: Buffer): Promise<void> =>
    withDisk(client, volumeId, async (disk) => {
      await disk.write(at, bytes);
      await disk.flush();
    });
  await write(0, content);
  const full = await client.backups.create({ volume_id: volumeId, name: 'full' });
  await backupReady(client, full);
  await write(5 * MiB, Buffer.alloc(3 * MiB));
  const later = Buffer.from(content).fill(0, 5 * MiB, 8 * MiB);
  const next = { volume_id: volumeId, name: 'next', incremental: true };
  await backupReady(client, await client.backups.create(next));
  await scene.firn.kill();
  const key = join(scene.folder, 'firn.key');
  await copyFile(join(scene.dataFolder, 'firn.key'), key);
  await rm(scene.dataFolder, { recursive: true });

  const folder = join(scene.folder, 'new-data');
  const firn = await startFirn(folder, ['--store', storeUrl, '--key-file', key]);
  try {
    const again = connect(folder);
    await again.adopt();
    await assertRestores(again, (await again.backups.find('full')).id, content);
    const { id } = await again.backups.find('next');
    await assertRestores(again, id, later);
    await again.backups.delete((await again.backups.find('full')).id);
    const verified = await cli(['verify', id, '--store', storeUrl, '--key-file', key]);
    assert.match(verified, /^checked 1 backups/);
  } finally {
    await firn.stop();
  }
}

async function cli(args: readonly string[]): Promise<string> {
  let out = '';
  let err = '';
  const code = await runCli(['repository', ...args], {
    environment: process.env,
    stdout: { write: (text) => (out += text.toString()) },
    stderr: { write: (text) => (err += text.toString()) },
    serve: () => assert.fail('nothing is served'),
  });
  assert.equal(code, 0, err);
  return out;
}

/** A full and an incremental backup by Cinder's own driver, uploaded under the same names. */
async function uploadOfCinder(storeUrl: string, held: readonly Buffer[]): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'firn-cinder-'));
  try {
    await mkdir(join(folder, 'backups'));
    const ids = held.map(() => randomUUID());
    const volumeId = randomUUID();
    const plan = await Promise.all(
      held.map(async (bytes, index) => {
        const file = join(folder, `volume-${index}`);
        await writeFile(file, bytes);
        const of = { id: ids[index], parent_id: ids[index - 1] ?? null, volume_id: volumeId };
        return { ...of, file, compression: 'zlib', name: `cinder ${index}` };
      }),
    );
    const words = ['-B', script, join(folder, 'backups'), JSON.stringify(plan)];
    await run('/usr/bin/python3', words, { cwd: folder });
    const root = openStoreRoot(storeUrl);
    const bucket = await root.open('cinder-bucket', { create: true });
    const entries = await readdir(join(folder, 'backups'), {
      recursive: true,
      withFileTypes: true,
    });
    for (const entry of entries.filter((each) => each.isFile())) {
      const path = join(entry.parentPath, entry.name);
      const name = path.slice(join(folder, 'backups').length + 1);
      await bucket.put(name, [await readFile(path)]);
    }
    await bucket.close();
    await root.close();
    return ids;
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function leaveCinder(t: TestContext, { storeUrl, cinderUrl }: Place): Promise<void> {
  const first = content.subarray(0, 6 * MiB);
  const second = Buffer.from(first).fill(0, MiB, 2 * MiB);
  const held = [first, second];
  const ids = await uploadOfCinder(storeUrl, held);
  const scene = await startScene(t, ['--store', storeUrl]);
  const key = join(scene.dataFolder, 'firn.key');
  await cli(['import-cinder', cinderUrl, '--store', storeUrl, '--key-file', key]);
  await scene.client.adopt({ container: 'cinder' });
  for (const [index, id] of ids.entries()) {
    await assertRestores(scene.client, id, held[index] ?? Buffer.alloc(0));
  }
}

for (const { name, isThere, start } of [
  { name: 'Ceph RGW', isThere: hasCeph, start: onCeph },
  { name: 'Swift', isThere: hasSwift, start: onSwift },
]) {
  const skip = !isThere && !isNeeded && `not installed: ${name}`;
  test(`the store is ${name}`, { skip }, async (t) => {
    const place = await start();
    t.after(() => place.stop());
    await t.test('all but the store and the key is lost, and comes back', (each) =>
      loseAllButTheStore(each, place),
    );
    const noCinder = !hasCinder && !isNeeded && 'not installed: python3-cinder';
    await t.test('what Cinder wrote there is taken over', { skip: noCinder }, (each) =>
      leaveCinder(each, place),
    );
  });
}
