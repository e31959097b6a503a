/** What a prune says that it will free is what the store then has back. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { seeded } from '../../demo/random.ts';
import { MemoryStore } from '../store/memory.ts';
import type { Manifest } from './manifest.ts';
import { backUpModel, ModelVolume } from './model-volume.ts';
import { createRepository, openRepository } from './repository.ts';
import { WorkPool } from './work-pool.ts';

const seed = Number(process.env['FIRN_TEST_SEED'] ?? Math.floor(performance.timeOrigin % 2 ** 31));
process.stdout.write(`# prune-forecast.test.ts: FIRN_TEST_SEED=${seed}\n`);
const wrappingKey = Buffer.alloc(32, 4);
const workers = new WorkPool(2);
after(() => workers.close());

/** At most, in the directory of a pack: an entry, and a directory's seal with the trailer. */
const [entryBytes, packOverheadBytes] = [71, 64];

function packsIn(store: MemoryStore): { count: number; bytes: number } {
  const packs = [...store.objects].filter(([name]) => name.startsWith('packs/'));
  return { count: packs.length, bytes: packs.reduce((sum, [, { length }]) => sum + length, 0) };
}

for (let round = 0; round < 6; round += 1) {
  test(`the forecast of a prune is met (seed ${seed + round})`, async () => {
    const random = seeded(seed + round);
    const store = new MemoryStore('memory:test');
    await createRepository(store, { wrappingKey });
    const options = { wrappingKey, workers, packBytes: 32 * 1024, packsPerIndex: 4 };
    const repository = await openRepository(store, options);
    const volume = new ModelVolume(200);
    const made: Manifest[] = [];
    for (let step = 0; step < 6; step += 1) {
      for (let n = 0; n < 12; n += 1) {
        const sector = Math.floor(random() * 200 * 16);
        volume.write(sector, 1 + Math.floor(random() * 60), Math.floor(random() * 1e6) * 50);
      }
      const parent = made.at(-1);
      made.push(await backUpModel(repository, volume, parent === undefined ? {} : { parent }));
    }
    for (const { backupId } of made) {
      if (random() < 0.5) await repository.deleteBackup(backupId);
    }
    for (;;) {
      const plan = await repository.planPrune();
      const before = packsIn(store);
      assert.equal(plan.bytesTotal, before.bytes);
      const outcome = await repository.executePrune(plan);
      const now = packsIn(store);
      assert.equal(outcome.bytesFreed, before.bytes - now.bytes, 'what it says it has freed');
      const moved = plan.rewrite.reduce((sum, { liveBytes }) => sum + liveBytes, 0);
      assert.equal(plan.rewrite.length > 0, moved > 0);
      const newPacks = now.count - (before.count - outcome.packsRemoved);
      // Nothing that is sealed has less than 29 bytes.
      const slack = Math.ceil(moved / 29) * entryBytes + newPacks * packOverheadBytes;
      const missed = plan.bytesFreed - outcome.bytesFreed;
      assert.ok(missed >= 0 && missed <= slack, `${missed} of ${plan.bytesFreed} bytes less`);
      if (plan.rewrite.length === 0) assert.equal(missed, 0, 'to the byte where nothing is moved');
      if (outcome.packsRemoved === 0) break;
    }
    await repository.close();
  });
}
