/**
 * A process that works with the repository in a folder, for `without-native.test.ts`:
 *
 *     native-actor.ts write|read FOLDER
 *
 * `write` makes two backups, `read` verifies all there are and restores the last one. It prints
 * which native functions it had.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { nativeGcm } from '../src/repository/gcm.ts';
import { manyHashes } from '../src/repository/many-hashes.ts';
import { assertRestores, backUpModel, ModelVolume } from '../src/repository/model-volume.ts';
import { createRepository, openRepository, type Repository } from '../src/repository/repository.ts';
import { nativeZstd } from '../src/repository/zstd.ts';
import { openDirectoryRoot } from '../src/store/directory.ts';

const wrappingKey = Buffer.alloc(32, 3);
const [, , verb = '', folder = ''] = process.argv;

/** What the volume holds when `write` has ended. */
function contentOf(): { first: ModelVolume; change: (volume: ModelVolume) => void } {
  const first = new ModelVolume(160);
  for (let block = 0; block < 120; block += 1) first.write(block * 16, 16, 100 + block * 20);
  const change = (volume: ModelVolume): void => {
    for (let block = 0; block < 100; block += 5) volume.write(block * 16 + 3, 2, 9000 + block);
    volume.write(50 * 16, 16 * 8, 0);
  };
  return { first, change };
}

const here = [nativeGcm, nativeZstd, manyHashes].map((it) => it !== undefined);

/** What a thread has that is started as those of the repository are. */
async function inThread(): Promise<unknown> {
  const worker = new Worker(new URL(import.meta.url));
  const [found]: unknown[] = await once(worker, 'message');
  return found;
}

async function write(repository: Repository): Promise<void> {
  const { first: volume, change } = contentOf();
  const full = await backUpModel(repository, volume);
  change(volume);
  await backUpModel(repository, volume, { parent: full });
}

async function read(repository: Repository): Promise<void> {
  const report = await repository.verify('all', 'blocks');
  assert.deepEqual([report.backupsChecked, report.objects, report.backups], [2, [], []]);
  const { first: volume, change } = contentOf();
  change(volume);
  for await (const manifest of repository.listBackups()) {
    assert.ok(!('error' in manifest));
    if (manifest.making === 'incremental') await assertRestores(repository, manifest, volume);
  }
}

async function main(): Promise<void> {
  assert.deepEqual(await inThread(), here, 'the threads have the same');
  const root = openDirectoryRoot(folder);
  const store = await root.open('box', { create: true });
  if (verb === 'write') await createRepository(store, { wrappingKey });
  const repository = await openRepository(store, { wrappingKey, workers: 2 });
  await (verb === 'write' ? write(repository) : read(repository));
  await repository.close();
  process.stdout.write(`${JSON.stringify(here)}\n`);
}

if (isMainThread) await main();
else parentPort?.postMessage(here, []);
