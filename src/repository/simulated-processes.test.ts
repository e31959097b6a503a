/**
 * Several processes on a store that behaves as badly as a medium may: their operations overtake
 * each other, some fail before they are done or after, listings come in any order, and a process
 * may be gone at any of them. What was acknowledged is read back at the end, byte for byte.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, test } from 'node:test';
import { type Random, seeded } from '../../demo/random.ts';
import { must } from '../base/assert.ts';
import { isOperatingError } from '../base/errors.ts';
import { MemoryStore } from '../store/memory.ts';
import { SimulatedStore } from '../store/simulated.ts';
import type { Manifest } from './manifest.ts';
import { assertRestores, backUpModel, ModelVolume } from './model-volume.ts';
import { createRepository, openRepository } from './repository.ts';
import { WorkPool } from './work-pool.ts';

const wrappingKey = randomBytes(32);
const workers = new WorkPool(1);
after(() => workers.close());
const seed = Number(process.env['FIRN_TEST_SEED'] ?? Math.floor(performance.timeOrigin % 2 ** 31));
const rounds = Number(process.env['FIRN_TEST_ROUNDS'] ?? 3);
process.stdout.write(`# simulated-processes.test.ts: FIRN_TEST_SEED=${seed}\n`);

interface Kept {
  readonly manifest: Manifest;
  readonly volume: ModelVolume;
}

interface World {
  readonly random: Random;
  readonly medium: MemoryStore;
  readonly kept: Set<Kept>;
  readonly dead: Set<number>;
}

/** One life of a process: it works until it is done, or its store has cut it off. */
async function live({ random, medium, kept, dead }: World, pid: number): Promise<void> {
  const store = new SimulatedStore({ random, failsOneIn: 150 }, medium);
  const owner = { host: 'h', machine: 'm', pid, started: '1' };
  const isGone = (other: { pid: number }): boolean => dead.has(other.pid);
  const leases = { owner, isGone };
  const small = { packBytes: 16 * 1024, packsPerIndex: 3 };
  const dies = random() < 0.4 ? Math.floor(random() * 12) : Infinity;
  try {
    const repository = await openRepository(store, { wrappingKey, workers, leases, ...small });
    const volume = new ModelVolume(40);
    let parent: Manifest | undefined;
    for (let step = 0; step < 12; step += 1) {
      if (step === dies) store.crash();
      const what = random();
      const oldest = [...kept][0];
      if (what < 0.5) {
        const block = Math.floor(random() * 30);
        volume.write(block * 16, 16 * 8, (1 + Math.floor(random() * 5)) * 100_000);
        const isThere = [...kept].some(({ manifest }) => manifest === parent);
        const from = parent !== undefined && isThere ? { parent } : {};
        if (from.parent === undefined) volume.touched = new Set(Array(40).keys());
        parent = await backUpModel(repository, volume, from);
        kept.add({ manifest: parent, volume: volume.copy() });
      } else if (what < 0.7 && oldest !== undefined) {
        kept.delete(oldest);
        await repository.deleteBackup(oldest.manifest.backupId);
      } else {
        await repository.executePrune(await repository.planPrune());
      }
    }
    await repository.close();
  } catch (error) {
    // The medium failed, or the turn was another's; what it left behind is for the others.
    assert.ok(isOperatingError(error), String(error));
    assert.ok(['unavailable', 'io', 'conflict', 'not_found'].includes(error.code), error.stack);
    if (error.code === 'not_found') assert.match(error.message, /backups\//);
  }
  // As when the process is killed: nothing of it is done any more, and others can tell.
  store.crash();
  dead.add(pid);
}

test(
  'what processes on a bad medium have acknowledged is there',
  { timeout: 600_000 },
  async () => {
    for (let round = 0; round < rounds; round += 1) {
      const random = seeded(seed + round);
      const medium = new MemoryStore('simulated:');
      await createRepository(medium, { wrappingKey });
      const world: World = { random, medium, kept: new Set(), dead: new Set() };
      const lives = [0, 1, 2].map(async (n) => {
        for (let again = 0; again < 3; again += 1) await live(world, n * 10 + again);
      });
      await Promise.all(lives);
      const leases = { isGone: () => true };
      const repository = await openRepository(medium, { wrappingKey, workers, leases });
      for (let n = 0; n < 2; n += 1) await repository.executePrune(await repository.planPrune());
      for (const { manifest, volume } of world.kept) {
        await assertRestores(repository, must(manifest, 'a backup'), volume);
      }
      const { backups } = await repository.verify('all', 'blocks');
      assert.deepEqual(backups, [], `round ${round} of seed ${seed}`);
      await repository.close();
    }
  },
);
