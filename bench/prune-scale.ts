import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { pruneRepository } from '../src/backup/prune-repository.ts';
import { monotonicMs } from '../src/base/clock.ts';
import type { Manifest } from '../src/repository/manifest.ts';
import { factsOf, ModelVolume, submitBlocks } from '../src/repository/model-volume.ts';
import { createRepository, openRepository, type Repository } from '../src/repository/repository.ts';
import { openStoreRoot } from '../src/store/open-root.ts';
import { MemoryStore } from '../src/store/memory.ts';

const backupsPerVolume = 100;
/** Of two leaves. */
const volumeBlocks = 2048;
/** What a volume holds, and what changes until the next backup: a sector in each of two blocks. */
const dataBlocks = 64;
const changesPerBackup = 2;
const sectorsPerBlock = 16;

/** Makes a repository of many small backups, and returns some that may be deleted. */
async function makeBackups(
  store: MemoryStore,
  backups: number,
  wrappingKey: Uint8Array,
): Promise<Manifest[]> {
  await createRepository(store, { wrappingKey });
  const repository = await openRepository(store, { wrappingKey, workers: 1 });
  const spare: Manifest[] = [];
  for (let made = 0; made < backups;) {
    const volume = new ModelVolume(volumeBlocks);
    volume.write(0, dataBlocks * sectorsPerBlock, 1 + made);
    let parent: Manifest | undefined;
    for (let n = 0; n < backupsPerVolume && made < backups; n += 1, made += 1) {
      parent = await backUp(repository, volume, parent);
      if (n === backupsPerVolume / 2) spare.push(parent);
      for (let change = 0; change < changesPerBackup; change += 1) {
        const block = (n * changesPerBackup + change) % dataBlocks;
        volume.write(block * sectorsPerBlock, 1, 100_000 + made * changesPerBackup + change);
      }
    }
  }
  await repository.close();
  return spare;
}

async function backUp(
  repository: Repository,
  volume: ModelVolume,
  parent: Manifest | undefined,
): Promise<Manifest> {
  const { lengthBytes } = volume;
  const writer = await repository.openWriter({ lengthBytes, ...(parent && { parent }) });
  await submitBlocks(
    writer,
    volume,
    [...volume.touched].sort((a, b) => a - b),
  );
  volume.touched.clear();
  return writer.commit(factsOf(parent));
}

/**
 * How long a prune takes after the deletion of one of many backups, three times each in two
 * processes that follow each other: [ms, …]
 */
export async function measurePrunes(
  folder: string,
  backups: number,
  wrappingKey: Uint8Array,
): Promise<[number[], number[]]> {
  const memory = new MemoryStore('memory:prune');
  const spare = await makeBackups(memory, backups, wrappingKey);
  // Copied as plain files: a sync for each object would take longer than all that is measured.
  for (const [name, bytes] of memory.objects) {
    const path = join(folder, 'prune', name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, bytes);
  }
  memory.objects.clear();
  const times = () => timePrunes(folder, spare.splice(0, 3), wrappingKey);
  return [await times(), await times()];
}

/** Deletes backups, each before a prune, as a new process does. */
async function timePrunes(
  folder: string,
  spare: readonly Manifest[],
  wrappingKey: Uint8Array,
): Promise<number[]> {
  const root = openStoreRoot(pathToFileURL(folder).href);
  const store = await root.open('prune', { create: false });
  const cacheFolder = join(folder, 'prune-caches');
  const repository = await openRepository(store, { wrappingKey, workers: 1, cacheFolder });
  await Array.fromAsync(repository.listBackups());
  const times: number[] = [];
  for (const { backupId } of spare) {
    await repository.deleteBackup(backupId);
    const started = monotonicMs();
    await pruneRepository(repository, { signal: new AbortController().signal });
    times.push(monotonicMs() - started);
  }
  await repository.close();
  return times;
}
