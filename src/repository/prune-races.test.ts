import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { OperatingError } from '../base/errors.ts';
import { FaultyStore } from '../store/fault.ts';
import { MemoryStore } from '../store/memory.ts';
import { assertRestores, backUpModel, factsOf, ModelVolume, submitBlocks } from './model-volume.ts';
import { createRepository, openRepository, type Repository } from './repository.ts';

const wrappingKey = randomBytes(32);
const packBytes = 8 * 1024;

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

async function prune(repository: Repository): Promise<void> {
  await repository.executePrune(await repository.planPrune());
}

function filled(blocks: number, seed: number): ModelVolume {
  const volume = new ModelVolume(blocks);
  for (let block = 0; block < blocks; block += 1) volume.write(block * 16, 16, seed + block * 50);
  return volume;
}

describe('prune beside a backup', () => {
  it('keeps what a writer stored that ends while the plan is made', async () => {
    await withRepository(async (repository, store) => {
      await backUpModel(repository, filled(4, 100));
      const volume = filled(80, 5000);
      const writer = await repository.openWriter({ lengthBytes: volume.lengthBytes });
      const stored = store.count('put', 'packs/');
      await submitBlocks(writer, volume, [...volume.touched]);
      const early = Promise.withResolvers<void>();
      while (store.count('put', 'packs/') < stored + 2) {
        await new Promise((resolve) => setImmediate(resolve));
      }
      // The plan has listed the backups when it reads the first map.
      const listed = Promise.withResolvers<void>();
      store.script = ({ verb, name }) => {
        if (verb !== 'get' || !name.startsWith('packs/')) return undefined;
        listed.resolve();
        return { kind: 'delay', wait: () => early.promise };
      };
      const planning = repository.planPrune();
      await listed.promise;
      const manifest = await writer.commit(factsOf());
      store.script = () => undefined;
      early.resolve();
      await repository.executePrune(await planning);
      await assertRestores(repository, manifest, volume);
    });
  });

  it('keeps the base of a patch that no backup has, as long as the patch is offered', async () => {
    await withRepository(async (repository) => {
      const volume = new ModelVolume(30);
      volume.write(0, 16, 90_000);
      const first = await backUpModel(repository, volume);
      volume.write(3, 1, 7777);
      for (let block = 1; block < 10; block += 1) volume.write(block * 16, 16, block * 1000);
      const second = await backUpModel(repository, volume, { parent: first });
      const patched = volume.copy();
      volume.write(0, 16, 400_000);
      const third = await backUpModel(repository, volume, { parent: second });
      await repository.deleteBackup(first.backupId);
      await repository.deleteBackup(second.backupId);
      await prune(repository);
      await prune(repository);
      await assertRestores(repository, third, volume);
      await assertRestores(repository, await backUpModel(repository, patched), patched);
    });
  });

  it('moves the base of a patch while a writer stores the same content', async () => {
    await withRepository(async (repository, store) => {
      const volume = filled(10, 90_000);
      const other = new ModelVolume(10);
      other.write(0, 16, 90_000);
      const same = other.copy();
      const first = await backUpModel(repository, volume);
      volume.write(3, 1, 7777);
      volume.write(16, 16 * 9, 0);
      const second = await backUpModel(repository, volume, { parent: first });
      await repository.deleteBackup(first.backupId);
      other.write(5, 1, 8888);
      const parent = await backUpModel(repository, other);
      const plan = await repository.planPrune();
      assert.ok(plan.rewrite.length > 0, 'the base is to be moved');
      const copying = Promise.withResolvers<void>();
      const stored = Promise.withResolvers<void>();
      store.script = ({ verb }) => {
        if (verb !== 'get') return undefined;
        store.script = () => undefined;
        copying.resolve();
        return { kind: 'delay', wait: () => stored.promise };
      };
      const pruning = repository.executePrune(plan);
      await copying.promise;
      same.touched.add(0);
      const third = await backUpModel(repository, same, { parent });
      stored.resolve();
      await pruning;
      await assertRestores(repository, second, volume);
      await assertRestores(repository, third, same);
    });
  });

  for (const kind of ['fail', 'fail-after'] as const) {
    it(`relies on no pack whose removal is in doubt (${kind})`, async () => {
      await withRepository(async (repository, store) => {
        const volume = filled(8, 300);
        const { backupId } = await backUpModel(repository, volume);
        await repository.deleteBackup(backupId);
        const error = new OperatingError('io', 'made to fail');
        store.script = ({ verb, name }) =>
          verb === 'remove' && name.startsWith('packs/') ? { kind, error } : undefined;
        await assert.rejects(prune(repository), error);
        store.script = () => undefined;
        await assertRestores(repository, await backUpModel(repository, volume), volume);
      });
    });
  }
});
