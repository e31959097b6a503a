/** What a prune remembers of earlier ones changes what it reads, and nothing that it finds. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, describe, it } from 'node:test';
import * as fc from 'fast-check';
import { FaultyStore } from '../store/fault.ts';
import { MemoryStore } from '../store/memory.ts';
import type { Manifest } from './manifest.ts';
import { assertRestores, backUpModel, ModelVolume } from './model-volume.ts';
import type { PrunePlan } from './prune-plan.ts';
import { createRepository, openRepository, type Repository } from './repository.ts';
import { WorkPool } from './work-pool.ts';

const wrappingKey = randomBytes(32);
const workers = new WorkPool(1);
const options = { wrappingKey, workers, packBytes: 64 * 1024, packsPerIndex: 4 };
after(() => workers.close());
const seed = Number(process.env['SEED'] ?? Math.floor(performance.timeOrigin) % 1_000_000);
/** Of two leaves. */
const blocks = 1100;

async function newStore(): Promise<FaultyStore> {
  const store = new FaultyStore(new MemoryStore('memory:test'));
  await createRepository(store, { wrappingKey });
  return store;
}

/** What a plan says of the store, by names. */
function findings({ remove, rewrite, bytesTotal, bytesFreed, bytesDeferred }: PrunePlan) {
  const byId = (packs: PrunePlan['remove']) =>
    packs.toSorted((a, b) => (a.packId < b.packId ? -1 : 1));
  return { remove: byId(remove), rewrite: byId(rewrite), bytesTotal, bytesFreed, bytesDeferred };
}

async function assertSameAsFresh(store: FaultyStore, repository: Repository): Promise<PrunePlan> {
  const plan = await repository.planPrune();
  const fresh = await openRepository(store, options);
  assert.deepEqual(findings(plan), findings(await fresh.planPrune()));
  await fresh.close();
  return plan;
}

type Step =
  | { kind: 'backUp'; volume: number; sectors: readonly number[]; grow: boolean }
  | { kind: 'delete'; which: number }
  | { kind: 'prune' };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('backUp' as const),
        volume: fc.nat(1),
        sectors: fc.array(fc.nat(blocks * 16 - 1), { maxLength: 4 }),
        grow: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete' as const), which: fc.nat(9) }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'prune' as const }) },
  ),
  { minLength: 6, maxLength: 20 },
);

interface Made {
  readonly manifest: Manifest;
  readonly content: ModelVolume;
}

async function play(all: readonly Step[]): Promise<void> {
  const store = await newStore();
  const repository = await openRepository(store, options);
  const volumes = [new ModelVolume(blocks), new ModelVolume(blocks)];
  const last: (Manifest | undefined)[] = [];
  const made: Made[] = [];
  let written = 0;
  for (const step of all) {
    if (step.kind === 'delete') {
      const [gone] = made.splice(step.which % Math.max(1, made.length), 1);
      if (gone === undefined) continue;
      const at = last.indexOf(gone.manifest);
      // A deleted backup is no parent; the next one begins anew.
      if (at !== -1) last[at] = undefined;
      await repository.deleteBackup(gone.manifest.backupId);
    } else if (step.kind === 'backUp') {
      const volume = volumes[step.volume];
      assert.ok(volume !== undefined);
      for (const sector of step.sectors) volume.write(sector, 1, (written += 1000));
      if (step.grow) volume.extend(100);
      const parent = last[step.volume];
      const manifest = await backUpModel(
        repository,
        volume,
        parent === undefined ? {} : { parent },
      );
      last[step.volume] = manifest;
      made.push({ manifest, content: volume.copy() });
    } else await repository.executePrune(await assertSameAsFresh(store, repository));
  }
  await repository.executePrune(await assertSameAsFresh(store, repository));
  await assertSameAsFresh(store, repository);
  for (const { manifest, content } of made) await assertRestores(repository, manifest, content);
  await repository.close();
}

describe('a prune after others', () => {
  it(`finds what the first one of a process finds (SEED=${seed})`, async () => {
    await fc.assert(fc.asyncProperty(steps, play), { seed, numRuns: 20, endOnFailure: true });
  });

  it('reads of many backups only what is new, or has lost the one before it', async () => {
    const store = await newStore();
    const repository = await openRepository(store, options);
    const volume = new ModelVolume(blocks);
    for (let block = 0; block < 20; block += 1) volume.write(block * 16, 16, 1 + block * 50);
    const made: Made[] = [];
    const backUpNext = async (): Promise<void> => {
      volume.write(made.length % 300, 1, 100_000 + made.length * 50);
      const parent = made.at(-1)?.manifest;
      const manifest = await backUpModel(
        repository,
        volume,
        parent === undefined ? {} : { parent },
      );
      made.push({ manifest, content: volume.copy() });
    };
    for (let n = 0; n < 30; n += 1) await backUpNext();
    const readsOfPlan = async (): Promise<number> => {
      const before = store.count('get', 'packs/');
      await repository.planPrune();
      return store.count('get', 'packs/') - before;
    };
    const first = await readsOfPlan();
    assert.ok(first >= 60, `the first reads a root and a leaf of each: ${first}`);
    const idle = await readsOfPlan();
    assert.ok(idle < first / 5, `nothing is new: ${idle} of ${first}`);
    const [gone] = made.splice(14, 1);
    await repository.deleteBackup(gone?.manifest.backupId ?? '');
    await backUpNext();
    const plan = await assertSameAsFresh(store, repository);
    assert.ok(plan.bytesFreed > 0);
    await repository.executePrune(plan);
    for (const { manifest, content } of made) await assertRestores(repository, manifest, content);
    await repository.close();
  });
});
