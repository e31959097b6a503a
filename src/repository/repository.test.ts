import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { isOperatingError, OperatingError } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import { FaultyStore } from '../store/fault.ts';
import { openDirectoryRoot } from '../store/directory.ts';
import { MemoryStore } from '../store/memory.ts';
import { blockBytes, chunkBytes, leafBytes } from './block.ts';
import type { Manifest } from './manifest.ts';
import { assertRestores, backUpModel, factsOf, ModelVolume, submitBlocks } from './model-volume.ts';
import { createRepository, openRepository, type Repository } from './repository.ts';

const wrappingKey = randomBytes(32);
const packBytes = 256 * 1024;

async function withRepository(
  act: (repository: Repository, store: FaultyStore) => Promise<void>,
): Promise<void> {
  const store = new FaultyStore(new MemoryStore('memory:test'));
  await createRepository(store, { wrappingKey });
  const repository = await openRepository(store, { wrappingKey, workers: 2, packBytes });
  try {
    await act(repository, store);
  } finally {
    await repository.close();
  }
}

/** A volume of three leaves with data, holes and repeated blocks. */
function sampleVolume(): ModelVolume {
  const volume = new ModelVolume(2500);
  volume.write(0, 700, 10);
  volume.write(1030 * 16, 40, 900);
  volume.write(2400 * 16, 500, 7000);
  volume.write(2450 * 16, 160, 10);
  return volume;
}

describe('a repository', () => {
  it('is made once, and opens with its key only', async () => {
    const store = new MemoryStore('memory:test');
    await assert.rejects(openRepository(store, { wrappingKey }), code('not_found'));
    await createRepository(store, { wrappingKey });
    await assert.rejects(createRepository(store, { wrappingKey }), code('exists'));
    const otherKey = randomBytes(32);
    await assert.rejects(openRepository(store, { wrappingKey: otherKey }), code('wrong_key'));
    await (await openRepository(store, { wrappingKey })).close();
  });

  it('restores what was backed up, also after it was opened anew', async () => {
    await withRepository(async (repository, store) => {
      const volume = sampleVolume();
      const manifest = await backUpModel(repository, volume);
      await assertRestores(repository, manifest, volume);
      const again = await openRepository(store, { wrappingKey, workers: 1 });
      const [listed] = await Array.fromAsync(again.listBackups());
      assert.deepEqual(listed, manifest);
      await assertRestores(again, manifest, volume);
      await again.close();
    });
  });

  it('keeps a volume whose last block is short', async () => {
    await withRepository(async (repository) => {
      const lengthBytes = blockBytes + 5000;
      const content = randomBytes(lengthBytes);
      const writer = await repository.openWriter({ lengthBytes });
      const chunk = await writer.reserve();
      chunk.bytes.fill(1).set(content);
      writer.submit(chunk, [{ offsetBytes: 0, lengthBytes }]);
      const reader = await repository.openReader(await writer.commit(factsOf()));
      const target = new Uint8Array(lengthBytes);
      await reader.read(0, target);
      assert.ok(content.equals(target));
      assert.deepEqual(await Array.fromAsync(reader.extents()), [
        { offsetBytes: 0, lengthBytes, kind: 'data' },
      ]);
      reader.close();
    });
  });

  it('writes one object, the manifest, when nothing changed', async () => {
    await withRepository(async (repository, store) => {
      const volume = sampleVolume();
      const parent = await backUpModel(repository, volume);
      store.operations.length = 0;
      const manifest = await backUpModel(repository, volume, { parent });
      assert.deepEqual(
        store.operations.map(({ verb, name }) => `${verb} ${name.split('/')[0]}`),
        [
          'put leases',
          'list prunes',
          'sizeOf backups',
          'get backups',
          'put backups',
          'remove leases',
        ],
      );
      assert.equal(manifest.statistics.objectCount, 1);
      assert.deepEqual(manifest.map, parent.map);
      await assertRestores(repository, manifest, volume);
    });
  });

  it('stores nothing twice when the same data comes again elsewhere', async () => {
    await withRepository(async (repository) => {
      const volume = sampleVolume();
      await backUpModel(repository, volume);
      const { statistics } = await backUpModel(repository, volume.copy());
      assert.equal(statistics.blocksNew, 0);
      assert.equal(statistics.objectCount, 1);
    });
  });

  it('restores zeros that were written over data', async () => {
    await withRepository(async (repository) => {
      const volume = sampleVolume();
      const full = await backUpModel(repository, volume);
      const before = volume.copy();
      volume.write(0, 320, 0);
      volume.write(1020 * 16, 1024 * 16 + 64, 0);
      const incremental = await backUpModel(repository, volume, { parent: full });
      await assertRestores(repository, incremental, volume);
      await assertRestores(repository, full, before);
    });
  });

  it('follows a volume that grows past the depth of its map', async () => {
    await withRepository(async (repository) => {
      const volume = new ModelVolume(1000);
      volume.write(0, 400, 5);
      let parent = await backUpModel(repository, volume);
      assert.equal(parent.map.depth, 1);
      volume.extend(2000);
      parent = await backUpModel(repository, volume, { parent });
      assert.equal(parent.map.depth, 2);
      await assertRestores(repository, parent, volume);
      volume.write(2900 * 16, 40, 77);
      parent = await backUpModel(repository, volume, { parent });
      await assertRestores(repository, parent, volume);
      const shorter = repository.openWriter({ lengthBytes: blockBytes, parent });
      await assert.rejects(shorter, code('invalid_input'));
    });
  });

  it('stores small scattered changes as patches, and never a patch on a patch', async () => {
    await withRepository(async (repository) => {
      const volume = new ModelVolume(600);
      for (let sector = 0; sector < 600 * 16; sector += 1) volume.write(sector, 1, sector * 31 + 1);
      const full = await backUpModel(repository, volume);
      let parent = full;
      for (let round = 1; round <= 3; round += 1) {
        for (let block = 0; block < 600; block += 7)
          volume.write(block * 16 + round, 1, round * 99991);
        parent = await backUpModel(repository, volume, { parent });
        const { blocksNew, bytesStored } = parent.statistics;
        assert.equal(blocksNew, 86);
        const share = bytesStored / full.statistics.bytesStored;
        assert.ok(share < 0.14, `stored ${share} of the full backup for 86 of 600 blocks`);
        await assertRestores(repository, parent, volume);
      }
    });
  });

  it('refuses facts that no reader would take, and there is no backup then', async () => {
    await withRepository(async (repository, store) => {
      const writer = await repository.openWriter({ lengthBytes: blockBytes });
      const facts = { ...factsOf(), name: 'x'.repeat(300) };
      await assert.rejects(writer.commit(facts), code('invalid_input'));
      await writer.abort();
      assert.equal(store.count('put', 'backups/'), 0);
    });
  });

  it('refuses a parent that was deleted', async () => {
    await withRepository(async (repository) => {
      const volume = sampleVolume();
      const parent = await backUpModel(repository, volume);
      await repository.deleteBackup(parent.backupId);
      assert.equal(await repository.findManifest(parent.backupId), undefined);
      const lengthBytes = volume.lengthBytes;
      await assert.rejects(repository.openWriter({ lengthBytes, parent }), code('not_found'));
    });
  });

  it('can be used by several writers at once', async () => {
    await withRepository(async (repository) => {
      const volumes = [1, 2, 3].map((n) => {
        const volume = sampleVolume();
        volume.write(500 * 16, 3000, n * 50_000);
        return volume;
      });
      const manifests = await Promise.all(volumes.map((it) => backUpModel(repository, it)));
      for (const [at, volume] of volumes.entries()) {
        await assertRestores(repository, manifests[at] as Manifest, volume);
      }
    });
  });

  it('works in a folder', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'firn-repository-'));
    const store = await openDirectoryRoot(folder).open('c', { create: true });
    await createRepository(store, { wrappingKey });
    const repository = await openRepository(store, { wrappingKey });
    const volume = sampleVolume();
    await assertRestores(repository, await backUpModel(repository, volume), volume);
    await repository.close();
    await rm(folder, { recursive: true });
  });
});

describe('an interrupted backup', () => {
  async function interrupted(
    act: (repository: Repository, store: FaultyStore, journal: string) => Promise<void>,
  ): Promise<void> {
    const folder = await mkdtemp(join(tmpdir(), 'firn-journal-'));
    try {
      await withRepository((repository, store) => act(repository, store, join(folder, 'journal')));
    } finally {
      await rm(folder, { recursive: true });
    }
  }

  it('goes on where it stopped and puts nothing twice', async () => {
    await interrupted(async (repository, store, resumePath) => {
      const volume = new ModelVolume(4096);
      const uncompressed = 4096;
      for (let block = 0; block < uncompressed; block += 1)
        volume.write(block * 16, 16, block * 64 + 1);
      const error = new OperatingError('unavailable', 'the store is gone');
      let puts = 0;
      store.script = ({ verb, name }) => {
        if (verb !== 'put' || !name.startsWith('packs/')) return undefined;
        puts += 1;
        return puts > 8 ? { kind: 'fail', error } : undefined;
      };
      await assert.rejects(backUpModel(repository, volume, { resumePath }), code('unavailable'));
      store.script = () => undefined;
      const again = await openRepository(store, { wrappingKey, workers: 2, packBytes });
      const writer = await again.openWriter({ lengthBytes: volume.lengthBytes, resumePath });
      const done = writer.done();
      assert.ok(done.length > 0 && (done[0]?.lengthBytes ?? 0) >= leafBytes);
      const blocks = Array.from({ length: 4096 }, (_, block) => block);
      await submitBlocks(writer, volume, blocks);
      const manifest = await writer.commit(factsOf());
      assert.ok(manifest.statistics.bytesRead < volume.lengthBytes);
      await assertRestores(again, manifest, volume);
      const whole = await backUpModel(again, volume);
      assert.equal(whole.map.rootId, manifest.map.rootId);
      assert.equal(whole.statistics.blocksNew, 0);
      await assertNothingTwice(again, store);
      await again.close();
    });
  });

  it('only loses time with a journal that is torn, foreign or gone', async () => {
    await interrupted(async (repository, _store, resumePath) => {
      const volume = sampleVolume();
      const first = await backUpModel(repository, volume, { resumePath });
      const journal = await readFile(resumePath);
      assert.ok(journal.length > 32 + 3 * 30);
      const broken = [journal.subarray(0, 50), randomBytes(200), Buffer.alloc(0)];
      const flipped = Buffer.from(journal);
      flipped[40] = (flipped[40] ?? 0) ^ 1;
      for (const content of [...broken, flipped, journal]) {
        await writeFile(resumePath, content);
        const again = await backUpModel(repository, volume, { resumePath });
        assert.equal(again.map.rootId, first.map.rootId);
      }
    });
  });

  it('does not trust a journal whose blocks were pruned', async () => {
    await interrupted(async (repository, store, resumePath) => {
      const volume = sampleVolume();
      const first = await backUpModel(repository, volume, { resumePath });
      await repository.deleteBackup(first.backupId);
      await repository.executePrune(await repository.planPrune());
      const packs = await Array.fromAsync(store.list('packs/'));
      assert.equal(packs.length, 0);
      const again = await backUpModel(repository, volume, { resumePath });
      await assertRestores(repository, again, volume);
    });
  });

  it('can be given up while chunks are out, and others go on', async () => {
    await withRepository(async (repository) => {
      const lengthBytes = 64 * chunkBytes;
      for (let round = 0; round < 4; round += 1) {
        const writer = await repository.openWriter({ lengthBytes });
        for (let chunks = 0; chunks < 5; chunks += 1) await writer.reserve();
        await writer.abort();
        await assert.rejects(writer.reserve(), code('aborted'));
      }
      const volume = sampleVolume();
      await assertRestores(repository, await backUpModel(repository, volume), volume);
    });
  });

  it('stops when it is told to', async () => {
    await withRepository(async (repository) => {
      const control = new AbortController();
      const { signal } = control;
      const writer = await repository.openWriter({ lengthBytes: chunkBytes * 8, signal });
      control.abort();
      await assert.rejects(writer.reserve(), code('aborted'));
      await assert.rejects(writer.commit({ ...factsOf(), backupId: newId() }), code('aborted'));
      await writer.abort();
    });
  });
});

/** No block is in two packs, as the repository itself finds when it prunes. */
async function assertNothingTwice(repository: Repository, store: FaultyStore): Promise<void> {
  for await (const found of repository.listBackups()) {
    assert.ok(!('error' in found), 'every manifest opens');
  }
  const before = await Array.fromAsync(store.list('packs/'));
  const plan = await repository.planPrune();
  assert.equal(plan.bytesFreed, 0, `of ${before.length} packs all bytes are needed`);
}

function code(expected: string): (error: unknown) => boolean {
  return (error) => isOperatingError(error) && error.code === expected;
}
