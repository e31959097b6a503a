/** Damage that is made good from another copy, and crashes on the way. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, test } from 'node:test';
import { must } from '../base/assert.ts';
import { OperatingError } from '../base/errors.ts';
import { MemoryStore } from '../store/memory.ts';
import { blockBytes } from './block.ts';
import type { CopyReader } from './heal-node.ts';
import type { Manifest } from './manifest.ts';
import { backUpModel, ModelVolume } from './model-volume.ts';
import { createRepository, openRepository, type Repository } from './repository.ts';
import { WorkPool } from './work-pool.ts';

const wrappingKey = randomBytes(32);
const workers = new WorkPool(2);
// Whoever has a lease here has died.
const leases = { isGone: () => true };
const options = { wrappingKey, workers, leases, packBytes: 256 * 1024 };
after(() => workers.close());

interface Sample {
  readonly store: MemoryStore;
  readonly manifests: readonly Manifest[];
  /** What each backup holds. */
  readonly volumes: readonly ModelVolume[];
}

async function sample(packBytes = options.packBytes): Promise<Sample> {
  const store = new MemoryStore('memory:test');
  await createRepository(store, { wrappingKey });
  const repository = await openRepository(store, { ...options, packBytes });
  const volume = new ModelVolume(200);
  for (let block = 0; block < 60; block += 1) volume.write(block * 16, 16, block * 50 + 1);
  const first = await backUpModel(repository, volume);
  const before = volume.copy();
  volume.write(10 * 16 + 3, 2, 654_321);
  volume.write(50 * 16, 16, 999_999);
  const second = await backUpModel(repository, volume, { parent: first });
  await repository.close();
  return { store, manifests: [first, second], volumes: [before, volume] };
}

function copyOf(volume: ModelVolume): CopyReader {
  return async (offsetBytes, target) => {
    volume.readBlock(offsetBytes / blockBytes, target);
    return true;
  };
}

function flip(store: MemoryStore, name: string, at: number): void {
  const bytes = Uint8Array.from(must(store.objects.get(name), name));
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  store.objects.set(name, bytes);
}

const packsIn = (store: MemoryStore): string[] =>
  [...store.objects.keys()].filter((name) => name.startsWith('packs/'));

/** Verifies each backup and heals what is damaged of it. */
async function healAll(repository: Repository, { manifests, volumes }: Sample): Promise<void> {
  for (const [index, manifest] of manifests.entries()) {
    const { backups } = await repository.verify(manifest.backupId, 'blocks');
    const volume = must(volumes[index], 'the volume');
    for (let [damaged] = backups; damaged !== undefined;) {
      if ((await repository.heal(manifest, damaged.ranges, [copyOf(volume)])) === 0) break;
      [damaged] = (await repository.verify(manifest.backupId, 'blocks')).backups;
    }
  }
}

async function damagedCount(store: MemoryStore): Promise<number> {
  const repository = await openRepository(store, options);
  try {
    const { objects, backups } = await repository.verify('all', 'blocks');
    return objects.length + backups.length;
  } finally {
    await repository.close();
  }
}

test('a flipped bit in any block is healed, in this process and for the next', async () => {
  const { store: sound, ...rest } = await sample();
  for (const [index, name] of packsIn(sound).entries()) {
    const store = new MemoryStore('memory:copy');
    for (const [each, bytes] of sound.objects) store.objects.set(each, bytes);
    flip(store, name, 20 + index * 7);
    assert.ok((await damagedCount(store)) > 0);
    const repository = await openRepository(store, options);
    await healAll(repository, { store, ...rest });
    assert.deepEqual((await repository.verify('all', 'blocks')).backups, [], name);
    await repository.close();
    assert.equal(await damagedCount(store), 0, name);
  }
});

test('bytes that are others are not taken for a copy', async () => {
  const { store, manifests } = await sample();
  flip(store, must(packsIn(store)[0], 'a pack'), 20);
  const repository = await openRepository(store, options);
  const wrong: CopyReader = async (_offsetBytes, target) => {
    target.fill(9);
    return true;
  };
  const manifest = must(manifests[0], 'a backup');
  const { backups } = await repository.verify(manifest.backupId, 'blocks');
  const ranges = must(backups[0], 'damage').ranges;
  assert.equal(await repository.heal(manifest, ranges, [wrong]), 0);
  await repository.close();
});

test('a pack that is lost is made anew, blocks and map nodes', async () => {
  const { store: sound, ...rest } = await sample(8192);
  for (const name of packsIn(sound)) {
    const store = new MemoryStore('memory:copy');
    for (const [each, bytes] of sound.objects) store.objects.set(each, bytes);
    const repository = await openRepository(store, options);
    store.objects.delete(name);
    await healAll(repository, { store, ...rest });
    assert.deepEqual((await repository.verify('all', 'blocks')).backups, [], name);
    await repository.close();
  }
});

test('a crash at any call of the store loses nothing, and healing goes on', async () => {
  const { store: sound, ...rest } = await sample();
  const name = must(packsIn(sound)[1], 'a pack');
  for (let failing = 1; ; failing += 1) {
    assert.ok(failing < 300, 'healing makes few calls');
    const store = new MemoryStore('memory:copy');
    for (const [each, bytes] of sound.objects) store.objects.set(each, bytes);
    flip(store, name, 30);
    const repository = await openRepository(store, options);
    let calls = 0;
    for (const verb of ['put', 'get', 'remove'] as const) {
      const real = store[verb].bind(store) as (...given: unknown[]) => Promise<unknown>;
      const failingVerb = async (...given: unknown[]): Promise<unknown> => {
        calls += 1;
        if (calls >= failing) throw new OperatingError('unavailable', 'crashed');
        return real(...given);
      };
      Object.assign(store, { [verb]: failingVerb });
    }
    const ended = await healAll(repository, { store, ...rest }).then(
      () => true,
      (error: unknown) => {
        assert.ok(error instanceof OperatingError, String(error));
        return false;
      },
    );
    await repository.close();
    const after = new MemoryStore('memory:after');
    for (const [each, bytes] of store.objects) after.objects.set(each, bytes);
    const again = await openRepository(after, options);
    await healAll(again, { store: after, ...rest });
    await again.close();
    assert.equal(await damagedCount(after), 0, `call ${failing}`);
    if (ended) break;
  }
});
