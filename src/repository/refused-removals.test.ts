/**
 * A store that takes objects and refuses to remove any: a lock, a policy, an immutable folder. What
 * is there stays whole, pruning again and again stores nothing twice, and what was refused is made
 * good by the first prune that the store lets.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, describe, it } from 'node:test';
import { type ErrorCode, isOperatingError, OperatingError } from '../base/errors.ts';
import { type FaultScript, FaultyStore } from '../store/fault.ts';
import { MemoryStore } from '../store/memory.ts';
import type { Manifest } from './manifest.ts';
import { assertRestores, backUpModel, ModelVolume } from './model-volume.ts';
import { createRepository, openRepository, type Repository } from './repository.ts';
import { WorkPool } from './work-pool.ts';

const wrappingKey = randomBytes(32);
const workers = new WorkPool(1);
/** No other process is at work: what is left of one counts as such at once. */
const leases = { isGone: () => true };
const options = { wrappingKey, workers, packBytes: 16 * 1024, packsPerIndex: 4, leases };
after(() => workers.close());

interface Scene {
  readonly medium: MemoryStore;
  readonly store: FaultyStore;
  readonly repository: Repository;
  readonly kept: Manifest;
  readonly volume: ModelVolume;
}

/** A backup that was deleted, and one that needs half of a part of its packs. */
async function deletedAndKept(own: { packBytes?: number } = {}): Promise<Scene> {
  const medium = new MemoryStore('memory:test');
  const store = new FaultyStore(medium);
  await createRepository(store, { wrappingKey });
  const repository = await openRepository(store, { ...options, ...own });
  const volume = new ModelVolume(400);
  for (let block = 0; block < 400; block += 1) volume.write(block * 16, 16, 100 + block);
  const first = await backUpModel(repository, volume);
  for (let block = 0; block < 300; block += 1) {
    if (block < 150 || block % 4 !== 0) volume.write(block * 16, 16, 9000 + block);
  }
  const kept = await backUpModel(repository, volume, { parent: first });
  await repository.deleteBackup(first.backupId);
  return { medium, store, repository, kept, volume };
}

function packsIn({ objects }: MemoryStore): string[] {
  return [...objects.keys()].filter((name) => name.startsWith('packs/')).sort();
}

async function prune(repository: Repository): Promise<void> {
  await repository.executePrune(await repository.planPrune());
}

function refusing(isRefused: (name: string) => boolean, code: ErrorCode): FaultScript {
  return ({ verb, name }) =>
    verb === 'remove' && isRefused(name)
      ? { kind: 'fail', error: new OperatingError(code, `locked: ${name}`) }
      : undefined;
}

/** How many packs are left when nothing is refused. */
async function leftWithoutRefusal(own: { packBytes?: number } = {}): Promise<number> {
  const { medium, repository } = await deletedAndKept(own);
  await prune(repository);
  await repository.close();
  return packsIn(medium).length;
}

const refusals: Record<string, (name: string) => boolean> = {
  'any object': () => true,
  'any pack': (name) => name.startsWith('packs/'),
  'some packs': (name) => /^packs.*[0-7]$/.test(name),
  'any index': (name) => name.startsWith('indexes/'),
  'any list': (name) => name.startsWith('prunes/'),
};

describe('a store that refuses to remove', () => {
  for (const [index, [what, isRefused]] of Object.entries(refusals).entries()) {
    it(what, async () => {
      const expected = await leftWithoutRefusal();
      const scene = await deletedAndKept();
      const { medium, store, repository, kept, volume } = scene;
      const code = index % 2 === 0 ? 'denied' : 'read_only';
      store.script = refusing(isRefused, code);
      await assert.rejects(prune(repository), { code });
      await assertRestores(repository, kept, volume);

      const once = packsIn(medium);
      const free = once.filter((name) => !isRefused(name)).length;
      assert.ok(free <= expected, `${free} packs that could go, or stay, of ${expected}`);
      for (let again = 0; again < 2; again += 1) await pruneWhatGoes(repository, code);
      const fresh = await openRepository(store, options);
      await pruneWhatGoes(fresh, code);
      await assertRestores(fresh, kept, volume);
      await fresh.close();
      assert.deepEqual(packsIn(medium), once, 'nothing is stored twice');

      store.script = () => undefined;
      await prune(repository);
      assert.equal(packsIn(medium).length, expected, 'all that was refused is gone');
      await assertRestores(repository, kept, volume);
      await repository.close();
      const leases = [...medium.objects.keys()].filter((name) => name.startsWith('leases/'));
      assert.ok(leases.length <= 1, leases.join());
    });
  }
});

/** Prunes once more; what is still locked may be refused again. */
async function pruneWhatGoes(repository: Repository, code: ErrorCode): Promise<void> {
  await prune(repository).catch((error: unknown) => assert.ok(isOperatingError(error, code)));
}

it('is asked for a few at a time when it refuses all, and for all when it does not', async () => {
  const small = { packBytes: 2048 };
  const { medium, store, repository, kept, volume } = await deletedAndKept(small);
  const asked = new Set<string>();
  let requests = 0;
  const isPack = (name: string): boolean => name.startsWith('packs/');
  store.script = (operation) => {
    if (operation.verb === 'remove' && isPack(operation.name)) {
      requests += 1;
      asked.add(operation.name);
    }
    return refusing(isPack, 'denied')(operation);
  };
  const before = packsIn(medium).length;
  const rounds = 12;
  for (let round = 1; round <= rounds; round += 1) {
    await assert.rejects(prune(repository), (error: unknown) => {
      assert.ok(isOperatingError(error, 'denied'));
      assert.match(error.message, /^locked: packs.* \(16 removals were refused and \d+ not tried/);
      assert.match(error.message, /[KM]iB stay\)$/);
      return true;
    });
    assert.equal(requests, 16 * round);
  }
  assert.ok(packsIn(medium).length >= before);
  assert.ok(asked.size > 32, `others each time: ${asked.size} in all`);
  store.script = () => undefined;
  await prune(repository);
  assert.equal(packsIn(medium).length, await leftWithoutRefusal(small));
  await assertRestores(repository, kept, volume);
  await repository.close();
});
