import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, describe, it } from 'node:test';
import * as fc from 'fast-check';
import { FaultyStore } from '../store/fault.ts';
import { MemoryStore } from '../store/memory.ts';
import type { Manifest } from './manifest.ts';
import { assertRestores, backUpModel, ModelVolume } from './model-volume.ts';
import { createRepository, openRepository } from './repository.ts';
import { WorkPool } from './work-pool.ts';

const wrappingKey = randomBytes(32);
const workers = new WorkPool(2);
const options = { wrappingKey, workers, packBytes: 128 * 1024 };
after(() => workers.close());
const seed = Number(process.env['SEED'] ?? Math.floor(performance.timeOrigin) % 1_000_000);

const blocks = 1300;

type Step =
  | { kind: 'write'; sector: number; count: number; seed: number }
  | { kind: 'backup'; incremental: boolean }
  | { kind: 'delete'; which: number }
  | { kind: 'prune' | 'reopen' }
  | { kind: 'grow'; blocks: number };

const write = fc.record({
  kind: fc.constant('write' as const),
  sector: fc.nat(blocks * 16 - 1),
  count: fc.oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 2000 })),
  // Few seeds, so that content comes again; zero writes zeros.
  seed: fc.oneof(
    fc.constant(0),
    fc.nat(5).map((n) => n * 1000),
  ),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: write },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('backup' as const), incremental: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete' as const), which: fc.nat(9) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom('prune' as const, 'reopen' as const) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('grow' as const), blocks: fc.nat(900) }),
  },
);

/** Plays the steps on a repository and on plain arrays, and compares every backup at the end. */
async function play(steps: readonly Step[]): Promise<void> {
  const store = new FaultyStore(new MemoryStore('memory:test'));
  await createRepository(store, { wrappingKey });
  let repository = await openRepository(store, options);
  const volume = new ModelVolume(blocks);
  const backups: { manifest: Manifest; content: ModelVolume }[] = [];
  let last: Manifest | undefined;
  for (const step of steps) {
    if (step.kind === 'write') volume.write(step.sector, step.count, step.seed);
    else if (step.kind === 'grow') volume.extend(step.blocks);
    else if (step.kind === 'backup') {
      const alive = backups.some(({ manifest }) => manifest.backupId === last?.backupId);
      const parent = step.incremental && alive ? last : undefined;
      last = await backUpModel(repository, volume, parent === undefined ? {} : { parent });
      backups.push({ manifest: last, content: volume.copy() });
    } else if (step.kind === 'delete' && backups.length > 0) {
      const [gone] = backups.splice(step.which % backups.length, 1);
      if (gone !== undefined) await repository.deleteBackup(gone.manifest.backupId);
    } else if (step.kind === 'prune') {
      await repository.executePrune(await repository.planPrune());
    } else if (step.kind === 'reopen') {
      await repository.close();
      repository = await openRepository(store, options);
    }
  }
  await repository.executePrune(await repository.planPrune());
  for (const { manifest, content } of backups) await assertRestores(repository, manifest, content);
  const report = await repository.verify('all', 'blocks');
  assert.deepEqual([report.objects, report.backups], [[], []]);
  assert.equal(report.backupsChecked, backups.length);
  await repository.close();
}

describe('a repository beside plain arrays', () => {
  it(`restores every backup equal, whatever was deleted and pruned (SEED=${seed})`, async () => {
    const steps = fc.array(step, { minLength: 4, maxLength: 16 });
    await fc.assert(fc.asyncProperty(steps, play), { seed, numRuns: 25, endOnFailure: true });
  });

  it('never prunes what a running writer relies on', async () => {
    const store = new MemoryStore('memory:test');
    await createRepository(store, { wrappingKey });
    const repository = await openRepository(store, options);
    const volume = new ModelVolume(blocks);
    for (let block = 0; block < 200; block += 1) volume.write(block * 16, 16, block * 50 + 1);
    const first = await backUpModel(repository, volume);
    const plan = await repository.planPrune();
    await repository.deleteBackup(first.backupId);
    const later = await repository.planPrune();
    assert.equal(plan.bytesFreed, 0);
    assert.ok(later.remove.length > 0);
    // The same content again, between plan and sweep: it is found stored, and must stay.
    const second = await backUpModel(repository, volume);
    assert.equal(second.statistics.blocksNew, 0);
    await repository.executePrune(later);
    await assertRestores(repository, second, volume);
    // A writer that began before the plan, on a parent that is deleted meanwhile.
    const writer = await repository.openWriter({ lengthBytes: volume.lengthBytes, parent: second });
    await repository.deleteBackup(second.backupId);
    await repository.executePrune(await repository.planPrune());
    const third = await writer.commit({ ...second, backupId: first.backupId });
    await assertRestores(repository, third, volume);
    await repository.close();
  });
});
