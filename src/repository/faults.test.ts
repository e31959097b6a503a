import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { until } from '../../test/interop/until.ts';
import { isOperatingError, OperatingError } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import type { Fault } from '../store/fault.ts';
import { FaultyStore } from '../store/fault.ts';
import { MemoryStore } from '../store/memory.ts';
import { assertRestores, backUpModel, ModelVolume } from './model-volume.ts';
import { createRepository, openRepository, type Repository } from './repository.ts';
import { WorkPool } from './work-pool.ts';

const wrappingKey = randomBytes(32);
const workers = new WorkPool(2);
// Whoever has a lease here has died.
const leases = { isGone: () => true };
const options = { wrappingKey, workers, leases, packBytes: 96 * 1024, packsPerIndex: 1 };
after(() => workers.close());

function smallVolume(): ModelVolume {
  const volume = new ModelVolume(1100);
  for (let block = 0; block < 90; block += 3) volume.write(block * 16, 16, block * 100 + 1);
  volume.write(1050 * 16, 100, 88_000);
  return volume;
}

async function backupIds(repository: Repository): Promise<string[]> {
  const found = await Array.fromAsync(repository.listBackups());
  return found.map((one) => {
    assert.ok(!('error' in one), 'nothing half-written is seen as a backup');
    return one.backupId;
  });
}

/**
 * Repeats `act` on a copy of `base`, while its n-th operation and all later ones fail, for every n.
 */
async function failEach(
  base: MemoryStore,
  kind: Fault['kind'] & ('fail' | 'fail-after' | 'tear'),
  act: (store: FaultyStore) => Promise<void>,
  check: (store: FaultyStore, finished: boolean) => Promise<void>,
): Promise<number> {
  const error = new OperatingError('unavailable', 'the store is gone');
  for (let n = 1; ; n += 1) {
    const memory = new MemoryStore('memory:test');
    for (const [name, bytes] of base.objects) memory.objects.set(name, bytes);
    const store = new FaultyStore(memory, ({ index }) => {
      if (index < n) return undefined;
      // The n-th fails as asked; the process dies with it, and does nothing more.
      return { kind: index === n ? kind : 'fail', error };
    });
    let finished = true;
    try {
      await act(store);
    } catch (thrown) {
      assert.ok(isOperatingError(thrown, 'unavailable'), `operation ${n}: ${String(thrown)}`);
      finished = false;
    }
    const operations = store.operations.length;
    store.script = () => undefined;
    await check(store, finished);
    if (finished && operations < n) return n;
    assert.ok(n < 1000, 'the loop ends');
  }
}

for (const kind of ['fail', 'fail-after', 'tear'] as const) {
  describe(`a store whose n-th operation ends in ${kind}, and every later one`, () => {
    it('never shows half a backup, and a rerun succeeds', async () => {
      const base = new MemoryStore('memory:base');
      await createRepository(base, { wrappingKey });
      const backupId = newId();
      const act = async (store: FaultyStore): Promise<void> => {
        const repository = await openRepository(store, options);
        try {
          await backUpModel(repository, smallVolume(), { backupId });
        } finally {
          await repository.close();
        }
      };
      const loops = await failEach(base, kind, act, async (store, finished) => {
        if (kind === 'tear') {
          // A torn manifest is one that the medium should never show; it is named, not believed.
          const repository = await openRepository(store, options);
          for await (const found of repository.listBackups()) {
            assert.equal('error' in found, !finished);
          }
          await repository.close();
          return;
        }
        const repository = await openRepository(store, options);
        const volume = smallVolume();
        const ids = await backupIds(repository);
        if (finished) assert.deepEqual(ids, [backupId]);
        const found = await repository.findManifest(backupId);
        if (found !== undefined) await assertRestores(repository, found, volume);
        const again = await backUpModel(repository, volume);
        await assertRestores(repository, again, volume);
        await repository.close();
      });
      assert.ok(loops > 10, `${loops} operations were made to fail`);
    });
  });
}

describe('prune on a store that breaks off at any operation', () => {
  it('keeps every backup whole, and gives everything back in the end', async () => {
    const base = new MemoryStore('memory:base');
    await createRepository(base, { wrappingKey });
    const volume = smallVolume();
    const repository = await openRepository(base, options);
    const full = await backUpModel(repository, volume);
    for (let block = 0; block < 90; block += 6) volume.write(block * 16, 16, block * 100 + 60_001);
    const kept = await backUpModel(repository, volume, { parent: full });
    await repository.deleteBackup(full.backupId);
    await repository.close();
    for (const kind of ['fail', 'fail-after'] as const) {
      const loops = await failEach(
        base,
        kind,
        async (store) => {
          const pruning = await openRepository(store, options);
          try {
            const plan = await pruning.planPrune();
            assert.ok(plan.bytesFreed > 0);
            await pruning.executePrune(plan);
          } finally {
            await pruning.close();
          }
        },
        async (store) => {
          const again = await openRepository(store, options);
          assert.deepEqual(await backupIds(again), [kept.backupId]);
          await assertRestores(again, kept, volume);
          const report = await again.verify('all', 'blocks');
          assert.deepEqual([report.objects, report.backups], [[], []]);
          await again.executePrune(await again.planPrune());
          await assertRestores(again, kept, volume);
          await again.deleteBackup(kept.backupId);
          await again.executePrune(await again.planPrune());
          const left = (await Array.fromAsync(store.list(''))).map(({ name }) => name).sort();
          assert.deepEqual(
            left.map((name) => name.split('/')[0]),
            ['keys', 'prunes', 'repository.json'],
          );
          await again.close();
        },
      );
      assert.ok(loops > 10, `${loops} operations were made to fail`);
    }
  });
});

describe('a restore of which one read fails while another is under way', () => {
  it('ends when nothing is written to its memory any more', async () => {
    const memory = new MemoryStore('memory:base');
    await createRepository(memory, { wrappingKey });
    const store = new FaultyStore(memory);
    const repository = await openRepository(store, options);
    const volume = new ModelVolume(16);
    volume.write(0, 8 * 16, 1000);
    const first = await backUpModel(repository, volume);
    volume.write(8 * 16, 8 * 16, 9000);
    const both = await backUpModel(repository, volume, { parent: first });
    const reader = await repository.openReader(both);
    // The map is in memory from now on.
    await reader.restore(async () => {});
    const gate = Promise.withResolvers<void>();
    const delayed = Promise.withResolvers<void>();
    let gets = 0;
    store.script = ({ verb, name }) => {
      if (verb !== 'get' || !name.startsWith('packs/')) return undefined;
      gets += 1;
      if (gets === 1) {
        const wait = async (): Promise<void> => {
          delayed.resolve();
          await gate.promise;
        };
        return { kind: 'delay', wait };
      }
      return { kind: 'fail', error: new OperatingError('unavailable', 'the store is gone') };
    };
    let ended = false;
    const restore = reader.restore(async () => {}).finally(() => (ended = true));
    const failed = assert.rejects(restore, { code: 'unavailable' });
    await delayed.promise;
    await until('both halves of the chunk are read at once', () => gets > 1);
    for (let turn = 0; turn < 50; turn += 1) await setImmediate();
    assert.equal(ended, false);
    gate.resolve();
    await failed;
    reader.close();
    await repository.close();
  });
});
