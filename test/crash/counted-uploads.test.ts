/**
 * A backup whose process is killed (SIGKILL) several times, each time at another pack, before the
 * store has it or after. What the store was given is counted: no block is uploaded twice, no pack
 * is thrown away, and what is durable is not read from the volume again.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createCipheriv } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { seeded } from '../../demo/random.ts';
import { must } from '../../src/base/assert.ts';
import { MiB } from '../../src/base/bytes.ts';
import { newId } from '../../src/base/ids.ts';
import { blockBytes, hexOf, leafBytes } from '../../src/repository/block.ts';
import { readHeader } from '../../src/repository/header.ts';
import { entriesOf, packIdOf } from '../../src/repository/pack-format.ts';
import { createRepository, openRepository } from '../../src/repository/repository.ts';
import { objectLabel, unseal } from '../../src/repository/seal.ts';
import { openDirectoryRoot } from '../../src/store/directory.ts';
import type { Store } from '../../src/store/store.ts';
import { openVolumeEngine } from '../../src/volume/open-engine.ts';
import { type Did, packBytes, wrappingKey } from './upload-actor.ts';

const seed = Number(process.env['FIRN_TEST_SEED'] ?? Math.floor(performance.timeOrigin % 2 ** 31));
const actor = fileURLToPath(new URL('./upload-actor.ts', import.meta.url));
process.stdout.write(`# counted-uploads.test.ts: FIRN_TEST_SEED=${seed}\n`);

const leaves = 24;
const lengthBytes = leaves * leafBytes;
/** At the beginning of each leaf lies so much that does not shrink. */
const dataBytes = 3 * MiB;
/**
 * Packs whose leaves may not be in the journal yet: those that were under way at once (a chunk
 * fills four) and one whose leaves were just being written down.
 */
const packsInDoubt = 6;

function contentOf(leaf: number): Buffer {
  const key = Buffer.alloc(16, leaf + 1);
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(dataBytes));
}

async function makeVolume(folder: string, backupId: string): Promise<void> {
  const engine = await openVolumeEngine({ folder: join(folder, 'volumes') });
  await engine.createVolume({ volumeId: 'volume', lengthBytes });
  const device = await engine.openVolume('volume');
  for (let leaf = 0; leaf < leaves; leaf += 1) {
    await device.write(leaf * leafBytes, contentOf(leaf));
  }
  await device.flush();
  await device.close();
  await engine.createSnapshots([{ volumeId: 'volume', snapshotId: backupId }]);
  await engine.close();
}

async function logOf(folder: string): Promise<Did[]> {
  const text = await readFile(join(folder, 'log'), 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line): Did => JSON.parse(line));
}

/** Ids of all that a pack holds. */
async function idsIn(store: Store, name: string): Promise<string[]> {
  const keys = await readHeader(store, { wrappingKey });
  const pack = Buffer.from(await store.get(name));
  const trailer = pack.length - 12;
  const sealed = pack.subarray(trailer - pack.readUInt32LE(trailer), trailer);
  const label = objectLabel('directory', must(packIdOf(name), 'a pack'));
  const limit = { subject: name, plainBytesMax: MiB };
  const directory = unseal(keys.objectKey('directory'), label, sealed, limit);
  return [...entriesOf(directory, name)].map(({ idAt }) =>
    hexOf(directory.subarray(idAt, idAt + 32)),
  );
}

test('nothing is uploaded or read twice, however often the process is killed', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'firn-counted-'));
  t.after(() => rm(folder, { recursive: true }));
  const random = seeded(seed);
  const backupId = newId();
  await makeVolume(folder, backupId);
  await mkdir(join(folder, 'store'));
  const root = openDirectoryRoot(join(folder, 'store'));
  const store = await root.open('box', { create: true });
  await createRepository(store, { wrappingKey });
  const keys = await readHeader(store, { wrappingKey });

  let wholeSkipped = 0;
  let isDone = false;
  for (let run = 0; !isDone; run += 1) {
    const before = await logOf(folder);
    const packsPut = before.flatMap((it) =>
      it.did === 'put' && it.name.startsWith('packs/') ? [it.name] : [],
    );
    const surely = new Set<string>();
    for (const name of packsPut.slice(0, -packsInDoubt)) {
      for (const id of await idsIn(store, name)) surely.add(id);
    }
    const isLast = run === 5;
    const moment = random() < 0.5 ? 'before' : 'after';
    const stop = isLast ? [] : [moment, String(10 + Math.floor(random() * 4))];
    const child = spawn(process.execPath, [actor, folder, backupId, ...stop], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(child, 'close');
    child.stdout.once('data', () => child.kill('SIGKILL'));
    const [code] = await ended;
    assert.ok(code === 0 || !isLast, 'the last one ends well');
    isDone = code === 0;

    const reads = (await logOf(folder)).slice(before.length).filter((it) => it.did === 'read');
    for (let leaf = 0; leaf < leaves; leaf += 1) {
      const content = contentOf(leaf);
      const ids = Array.from({ length: dataBytes / blockBytes }, (_, n) =>
        keys.idOf(content.subarray(n * blockBytes, (n + 1) * blockBytes)),
      );
      const node = Buffer.alloc(1024 * 32);
      ids.forEach((id, n) => node.set(id, n * 32));
      if (![...ids, keys.idOf(node)].every((id) => surely.has(hexOf(id)))) continue;
      wholeSkipped += 1;
      const read = reads.filter(({ offsetBytes }) => Math.floor(offsetBytes / leafBytes) === leaf);
      assert.deepEqual(read, [], `run ${run} reads leaf ${leaf} again, which was stored`);
    }
  }
  assert.ok(wholeSkipped > 2, `${wholeSkipped} times a leaf was there when a run began`);

  const puts = (await logOf(folder)).filter((it) => it.did === 'put');
  const names = puts.map(({ name }) => name).filter((name) => !name.startsWith('leases/'));
  assert.equal(new Set(names).size, names.length, 'no object is put twice');
  const packs = puts.filter(({ name }) => name.startsWith('packs/'));
  const ids: string[] = [];
  for (const { name } of packs) ids.push(...(await idsIn(store, name)));
  assert.equal(new Set(ids).size, ids.length, 'no block is in two packs');
  const bytes = packs.reduce((sum, pack) => sum + pack.bytes, 0);
  const dataTotal = leaves * dataBytes;
  assert.ok(bytes < dataTotal * 1.02, `${bytes} bytes were uploaded for ${dataTotal}`);
  assert.ok(packs.length > dataTotal / packBytes / 2);

  const repository = await openRepository(store, { wrappingKey });
  assert.equal((await repository.planPrune()).bytesFreed, 0, 'all that was uploaded is needed');
  const reader = await repository.openReader(await repository.readManifest(backupId));
  const restored = Buffer.alloc(lengthBytes);
  await reader.restore(async (at, data) => restored.set(data, at));
  reader.close();
  for (let leaf = 0; leaf < leaves; leaf += 1) {
    const at = leaf * leafBytes;
    assert.ok(restored.subarray(at, at + dataBytes).equals(contentOf(leaf)));
  }
  await repository.close();
  await root.close();
});
