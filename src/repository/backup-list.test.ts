import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, it } from 'node:test';
import { FaultyStore } from '../store/fault.ts';
import { MemoryStore } from '../store/memory.ts';
import { backUpModel, ModelVolume } from './model-volume.ts';
import { createRepository, openRepository, type Repository } from './repository.ts';
import { WorkPool } from './work-pool.ts';

const wrappingKey = randomBytes(32);
const workers = new WorkPool(1);
const folders: string[] = [];
after(async () => {
  await workers.close();
  for (const folder of folders) await rm(folder, { recursive: true });
});

describe('the list of backups', () => {
  let store: FaultyStore;
  let cacheFolder: string;
  let ids: string[];
  beforeEach(async () => {
    store = new FaultyStore(new MemoryStore('memory:test'));
    cacheFolder = await mkdtemp(join(tmpdir(), 'firn-list-'));
    folders.push(cacheFolder);
    await createRepository(store, { wrappingKey });
    const repository = await open();
    const volume = new ModelVolume(20);
    volume.write(0, 16, 77);
    ids = [];
    for (let n = 0; n < 5; n += 1) ids.push((await backUpModel(repository, volume)).backupId);
    await repository.close();
    ids.sort();
  });

  const open = (): Promise<Repository> =>
    openRepository(store, { wrappingKey, workers, cacheFolder });

  /** What a new process lists, and how many manifests it reads for that. */
  async function listed(): Promise<{ found: string[]; reads: number }> {
    const repository = await open();
    const before = store.count('get', 'backups/');
    const all = await Array.fromAsync(repository.listBackups());
    const reads = store.count('get', 'backups/') - before;
    await repository.close();
    return { found: all.map(({ backupId }) => backupId).sort(), reads };
  }

  async function cachePath(): Promise<string> {
    // Beside it lies a copy of the wrapped key.
    const [name = ''] = (await readdir(cacheFolder)).filter((each) => !each.endsWith('.key'));
    return join(cacheFolder, name);
  }

  it('reads no manifest that it has a copy of', async () => {
    assert.deepEqual(await listed(), { found: ids, reads: 0 });
  });

  it('is made anew when the copies are gone, and costs nothing the next time', async () => {
    await rm(cacheFolder, { recursive: true });
    assert.deepEqual(await listed(), { found: ids, reads: 5 });
    assert.deepEqual(await listed(), { found: ids, reads: 0 });
  });

  it('believes no copy that is torn or changed', async () => {
    const content = await readFile(await cachePath());
    await writeFile(await cachePath(), content.subarray(0, content.length - 10));
    assert.deepEqual(await listed(), { found: ids, reads: 1 });
    content[100] = (content[100] ?? 0) ^ 1;
    await writeFile(await cachePath(), content);
    assert.deepEqual(await listed(), { found: ids, reads: 5 });
    assert.deepEqual(await listed(), { found: ids, reads: 0 });
    await appendFile(await cachePath(), 'nonsense');
    assert.deepEqual((await listed()).found, ids);
  });

  it('shows what another process added, and not what it removed', async () => {
    await store.remove(`backups/${ids[0]}`);
    const other = await openRepository(store, { wrappingKey, workers });
    const { backupId } = await backUpModel(other, new ModelVolume(3));
    await other.close();
    assert.deepEqual(await listed(), { found: [...ids.slice(1), backupId].sort(), reads: 1 });
  });

  it('goes without copies where they cannot be kept', async () => {
    await rm(cacheFolder, { recursive: true });
    await writeFile(cacheFolder, 'no folder');
    assert.deepEqual(await listed(), { found: ids, reads: 5 });
    assert.deepEqual(await listed(), { found: ids, reads: 5 });
  });
});
