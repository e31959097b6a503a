/**
 * Pruning a store that is full: packs without anything live go even where there is no room to copy
 * what others hold, and the room that this makes is then used for the copies.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, it } from 'node:test';
import { pruneRepository } from './prune-repository.ts';
import { OperatingError } from '../base/errors.ts';
import { MemoryStore } from '../store/memory.ts';
import type { PutOptions } from '../store/store.ts';
import type { Manifest } from '../repository/manifest.ts';
import { assertRestores, backUpModel, ModelVolume } from '../repository/model-volume.ts';
import { createRepository, openRepository, type Repository } from '../repository/repository.ts';
import { WorkPool } from '../repository/work-pool.ts';

const wrappingKey = randomBytes(32);
const workers = new WorkPool(1);
const options = { wrappingKey, workers, packBytes: 16 * 1024, packsPerIndex: 4 };
after(() => workers.close());

/** A medium that takes so many bytes, and no more. */
class SmallStore extends MemoryStore {
  capacityBytes = Infinity;

  get usedBytes(): number {
    return this.objects.values().reduce((sum, { length }) => sum + length, 0);
  }

  override async put(
    name: string,
    chunks: readonly Uint8Array[],
    putOptions?: PutOptions,
  ): Promise<void> {
    const bytes = chunks.reduce((sum, { length }) => sum + length, 0);
    if (this.usedBytes + bytes > this.capacityBytes) throw new OperatingError('no_space', 'full');
    await super.put(name, chunks, putOptions);
  }

  packs(): string[] {
    return [...this.objects.keys()].filter((name) => name.startsWith('packs/'));
  }
}

interface Scene {
  readonly store: SmallStore;
  readonly repository: Repository;
  readonly volume: ModelVolume;
  readonly kept: Manifest;
  readonly deleted: Manifest;
}

/** A volume whose blocks are all different. */
function filled(seed: number): ModelVolume {
  const volume = new ModelVolume(400);
  for (let block = 0; block < 400; block += 1) volume.write(block * 16, 16, seed + block);
  return volume;
}

/** Of the packs of the deleted backup some are needed in part, and some not at all. */
async function openScene(): Promise<Scene> {
  const store = new SmallStore('memory:small');
  await createRepository(store, { wrappingKey });
  const repository = await openRepository(store, options);
  const volume = filled(100);
  const deleted = await backUpModel(repository, volume);
  for (let block = 0; block < 300; block += 1) {
    if (block < 150 || block % 4 !== 0) volume.write(block * 16, 16, 9000 + block);
  }
  const kept = await backUpModel(repository, volume, { parent: deleted });
  return { store, repository, volume, kept, deleted };
}

async function prune({ repository }: Scene): Promise<void> {
  await pruneRepository(repository, { signal: new AbortController().signal });
}

async function assertKept({ store, volume, kept }: Scene): Promise<void> {
  const fresh = await openRepository(store, options);
  await assertRestores(fresh, kept, volume);
  await fresh.close();
}

it('a prune makes the room that it needs, from a few kilobytes on', async () => {
  const roomy = await openScene();
  await roomy.repository.deleteBackup(roomy.deleted.backupId);
  await prune(roomy);

  const full = await openScene();
  const { store, repository, deleted } = full;
  store.capacityBytes = store.usedBytes + 2048;
  await assert.rejects(backUpModel(repository, filled(50_000)), { code: 'no_space' });
  await repository.deleteBackup(deleted.backupId);
  await prune(full);
  assert.equal(store.packs().length, roomy.store.packs().length);
  await assertKept(full);
  for (const scene of [roomy, full]) await scene.repository.close();
});

it('a prune without any room says so, changes nothing, and works when there is some', async () => {
  const scene = await openScene();
  const { store, repository, deleted } = scene;
  await repository.deleteBackup(deleted.backupId);
  const before = [...store.objects.keys()];
  for (const room of [0, 300]) {
    store.capacityBytes = store.usedBytes + room;
    await assert.rejects(prune(scene), { code: 'no_space' });
    assert.deepEqual([...store.objects.keys()], before);
  }
  await assertKept(scene);
  store.capacityBytes = store.usedBytes + 2048;
  await prune(scene);
  assert.ok(store.packs().length < before.filter((name) => name.startsWith('packs/')).length);
  await assertKept(scene);
  await repository.close();
});
