/**
 * `npm run bench:scale`: what a large repository costs: memory of the index for each stored block,
 * a list of many backups, with the local copies of the manifests and without, and a prune among
 * them.
 *
 * Usage: npm run bench:scale -- [--blocks 10000000] [--backups 10000]
 */
import { randomFillSync } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { assert } from '../src/base/assert.ts';
import { monotonicMs } from '../src/base/clock.ts';
import { newId } from '../src/base/ids.ts';
import { BlockTable } from '../src/repository/block-table.ts';
import { blockKinds, idBytes } from '../src/repository/block.ts';
import { readHeader } from '../src/repository/header.ts';
import { type Manifest, manifestName, sealManifest } from '../src/repository/manifest.ts';
import { factsOf } from '../src/repository/model-volume.ts';
import { createRepository, openRepository } from '../src/repository/repository.ts';
import { openStoreRoot } from '../src/store/open-root.ts';
import { measurePrunes } from './prune-scale.ts';

const { values } = parseArgs({
  options: {
    blocks: { type: 'string', default: '10000000' },
    backups: { type: 'string', default: '10000' },
  },
});
const wrappingKey = Buffer.alloc(32, 1);
const say = (what: string, figure: string): void => {
  process.stdout.write(`| ${what} | ${figure} |\n`);
};

/** Fills an index with random ids, and looks as many up. */
function measureIndex(blocks: number): void {
  const table = new BlockTable();
  const ids = Buffer.alloc(4096 * idBytes);
  let started = monotonicMs();
  for (let done = 0; done < blocks; done += 4096) {
    randomFillSync(ids);
    for (let n = 0; n < Math.min(4096, blocks - done); n += 1) {
      const place = { pack: (done + n) >> 9, offsetBytes: (n & 511) * 30_000, lengthBytes: 30_000 };
      table.set(ids, n * idBytes, { ...place, kind: blockKinds.whole });
    }
  }
  const addedMs = monotonicMs() - started;
  started = monotonicMs();
  for (let done = 0; done < blocks; done += 4096) {
    for (let n = 0; n < 4096; n += 1) table.has(ids, n * idBytes);
  }
  const foundMs = monotonicMs() - started;
  const each = (ms: number): string => `${((ms * 1e6) / blocks).toFixed(0)} ns`;
  say(`index of ${blocks} blocks`, `${(table.memoryBytes / blocks).toFixed(1)} bytes a block`);
  say('adding a block to it, looking one up', `${each(addedMs)}, ${each(foundMs)}`);
}

/** Lists many backups as a new process does. */
async function measureList(folder: string, backups: number): Promise<void> {
  const root = openStoreRoot(pathToFileURL(folder).href);
  const store = await root.open('scale', { create: true });
  await createRepository(store, { wrappingKey });
  const keys = await readHeader(store, { wrappingKey });
  await mkdir(join(folder, 'scale', 'backups'), { recursive: true });
  for (let n = 0; n < backups; n += 1) {
    const manifest: Manifest = {
      ...factsOf(),
      formatVersion: 1,
      repositoryId: keys.repositoryId,
      createdAt: '2026-01-01T00:00:00.000000',
      lengthBytes: 2 ** 40,
      map: { rootId: '00'.repeat(32), depth: 3 },
      statistics: {
        bytesRead: 0,
        bytesNew: 0,
        bytesStored: 0,
        blocksNew: 0,
        blocksShared: 0,
        blocksZero: 0,
        objectCount: 1,
      },
    };
    const path = join(folder, 'scale', manifestName(manifest.backupId));
    await writeFile(path, sealManifest(keys, manifest));
  }
  const cacheFolder = join(folder, 'caches', newId());
  for (const what of ['without copies of the manifests', 'with copies']) {
    const open = { wrappingKey, workers: 1, cacheFolder };
    const repository = await openRepository(await root.open('scale', { create: false }), open);
    const started = monotonicMs();
    let count = 0;
    for await (const found of repository.listBackups()) if (!('error' in found)) count += 1;
    const seconds = (monotonicMs() - started) / 1000;
    assert(count === backups, 'every backup is listed');
    say(`list of ${backups} backups ${what}`, `${seconds.toFixed(3)} s`);
    await repository.close();
  }
  await store.close();
}

async function measurePrune(folder: string, backups: number): Promise<void> {
  const [first, second] = await measurePrunes(folder, backups, wrappingKey);
  const seconds = (all: readonly number[]): string =>
    `${all.map((ms) => (ms / 1000).toFixed(1)).join(', ')} s`;
  const what = `prunes after the deletion of one of ${backups} backups each`;
  say(`${what}, in the first process that looks at them`, seconds(first));
  say(`${what}, in the next process`, seconds(second));
}

measureIndex(Number(values.blocks));
const folder = await mkdtemp(join(tmpdir(), 'firn-scale-'));
try {
  await measureList(folder, Number(values.backups));
  await measurePrune(folder, Number(values.backups));
} finally {
  await rm(folder, { recursive: true, force: true });
}
