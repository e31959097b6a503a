/**
 * Firn where native functions are missing or fail: what it writes is the same, and whatever was
 * written with them is read without them, and the other way round.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { withDisk } from '../demo/disk.ts';
import { randomBytes, seeded } from '../demo/random.ts';
import { MiB } from '../src/base/bytes.ts';
import { backupReady, startScene, volumeReady } from './firn.ts';
import { until } from './interop/until.ts';

const run = promisify(execFile);
const actor = fileURLToPath(new URL('./native-actor.ts', import.meta.url));
const preload = `--import=${new URL('./native-calls.ts', import.meta.url).href}`;

/** Which of ciphers, zstd and hashes the process had. */
async function act(mode: string, verb: string, folder: string): Promise<unknown> {
  const flags = mode === 'whole' ? [] : [preload];
  const env = { ...process.env, FIRN_TEST_NATIVE: mode };
  const { stdout } = await run(process.execPath, [...flags, actor, verb, folder], { env });
  return JSON.parse(stdout);
}

const none = [false, false, false];

for (const mode of ['missing', 'lacking', 'wrong']) {
  test(`a repository is written and read where native functions are ${mode}`, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'firn-native-'));
    t.after(() => rm(folder, { recursive: true }));
    assert.deepEqual(await act(mode, 'write', folder), none);
    assert.deepEqual(await act(mode, 'read', folder), none);
    await act('whole', 'read', folder);
    const other = await mkdtemp(join(tmpdir(), 'firn-native-'));
    t.after(() => rm(other, { recursive: true }));
    await act('whole', 'write', other);
    assert.deepEqual(await act(mode, 'read', other), none);
  });
}

test('the whole service works without native functions', async (t) => {
  const before = process.env['NODE_OPTIONS'];
  process.env['NODE_OPTIONS'] = `${before ?? ''} ${preload}`;
  process.env['FIRN_TEST_NATIVE'] = 'missing';
  t.after(() => {
    delete process.env['FIRN_TEST_NATIVE'];
    if (before === undefined) delete process.env['NODE_OPTIONS'];
    else process.env['NODE_OPTIONS'] = before;
  });
  const scene = await startScene(t);
  const { client } = scene;
  const content = randomBytes(seeded(8), 20 * MiB);
  const volumeId = await volumeReady(client, await client.volumes.create({ size: 1 }));
  await withDisk(client, volumeId, async (disk) => {
    await disk.write(0, content);
    await disk.flush();
  });
  const backupId = await backupReady(client, await client.backups.create({ volume_id: volumeId }));
  const { id: jobId } = await client.verify(backupId, 'blocks');
  await until('it is verified', async () => {
    const job = await client.backupJob(backupId, jobId);
    assert.notEqual(job?.state, 'failed');
    return job?.state === 'done';
  });
  const { volumeId: restored } = await client.restore(backupId, { name: 'again' });
  await volumeReady(client, restored);
  await withDisk(client, restored, async (disk) => {
    const read = Buffer.alloc(content.length);
    await disk.read(0, read);
    assert.ok(read.equals(content), 'every byte is back');
  });
});
