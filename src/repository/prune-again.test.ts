/**
 * What a prune remembers of earlier ones, here or in a local file, changes what it reads, and
 * nothing that it finds.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import * as fc from 'fast-check';
import { FaultyStore } from '../store/fault.ts';
import { MemoryStore } from '../store/memory.ts';
import { CacheFile } from './cache-file.ts';
import { readHeader } from './header.ts';
import { RepositoryKeys } from './keys.ts';
import type { Manifest } from './manifest.ts';
import { assertRestores, backUpModel, ModelVolume } from './model-volume.ts';
import type { PrunePlan } from './prune-plan.ts';
import { createRepository, openRepository, type Repository } from './repository.ts';
import { WorkPool } from './work-pool.ts';

const wrappingKey = randomBytes(32);
const workers = new WorkPool(1);
const options = { wrappingKey, workers, packBytes: 64 * 1024, packsPerIndex: 4 };
const folders: string[] = [];
after(async () => {
  await workers.close();
  for (const folder of folders) await rm(folder, { recursive: true });
});
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

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'firn-prune-'));
  folders.push(folder);
  return folder;
}

/** What may happen to the local file while no process uses it. */
const mishaps = {
  none: (content: Buffer) => content,
  lost: () => undefined,
  empty: () => Buffer.alloc(0),
  cut: (content: Buffer) => content.subarray(0, Math.floor(content.length / 2)),
  flipped: (content: Buffer) => {
    const at = Math.floor(content.length / 3);
    content[at] = (content[at] ?? 0) ^ 4;
    return content;
  },
  twice: (content: Buffer) => Buffer.concat([content, content]),
};
type Mishap = keyof typeof mishaps;

async function befall(path: string, mishap: Mishap): Promise<void> {
  const content = await readFile(path).catch(() => undefined);
  const left = content && mishaps[mishap](content);
  await (left === undefined ? rm(path, { force: true }) : writeFile(path, left));
}

type Step =
  | { kind: 'restart'; mishap: Mishap }
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
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('restart' as const),
        mishap: fc.constantFrom('none', 'lost', 'empty', 'cut', 'flipped', 'twice'),
      }),
    },
  ),
  { minLength: 6, maxLength: 20 },
);

interface Made {
  readonly manifest: Manifest;
  readonly content: ModelVolume;
}

async function play(all: readonly Step[]): Promise<void> {
  const store = await newStore();
  const cacheFolder = await newFolder();
  let repository = await openRepository(store, { ...options, cacheFolder });
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
    } else if (step.kind === 'restart') {
      await repository.close();
      await befall(join(cacheFolder, `${repository.id}.differences`), step.mishap);
      repository = await openRepository(store, { ...options, cacheFolder });
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
    const cacheFolder = await newFolder();
    let repository = await openRepository(store, { ...options, cacheFolder });
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
    await repository.close();
    repository = await openRepository(store, { ...options, cacheFolder });
    assert.equal(await readsOfPlan(), idle, 'a new process reads as much as one that has planned');
    const [gone] = made.splice(14, 1);
    await repository.deleteBackup(gone?.manifest.backupId ?? '');
    await backUpNext();
    const plan = await assertSameAsFresh(store, repository);
    assert.ok(plan.bytesFreed > 0);
    await repository.executePrune(plan);
    for (const { manifest, content } of made) await assertRestores(repository, manifest, content);
    await repository.close();
  });

  it('believes no lie of who has not the key', async () => {
    const store = await newStore();
    const repository = await openRepository(store, options);
    const volume = new ModelVolume(blocks);
    volume.write(0, 160, 1);
    const parent = await backUpModel(repository, volume);
    volume.write(16, 16, 5000);
    const { map } = await backUpModel(repository, volume, { parent });
    const honest = findings(await repository.planPrune());
    assert.equal(honest.bytesFreed, 0);
    await repository.close();
    /** That the second backup has nothing that the first one has not. */
    const lie = Buffer.concat(
      [map.rootId, parent.map.rootId, '0000'].map((hex) => Buffer.from(hex, 'hex')),
    );
    const findingsWith = async (keys: RepositoryKeys) => {
      const cacheFolder = await newFolder();
      await new CacheFile(cacheFolder, keys, 'differences 1').append(lie);
      const liedTo = await openRepository(store, { ...options, cacheFolder });
      const found = findings(await liedTo.planPrune());
      await liedTo.close();
      return found;
    };
    const keys = await readHeader(store, { wrappingKey });
    const others = new RepositoryKeys(randomBytes(32), keys.repositoryId);
    assert.deepEqual(await findingsWith(others), honest);
    assert.notDeepEqual(await findingsWith(keys), honest, 'with the key it would be believed');
  });
});
