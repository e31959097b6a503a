/** Damage in one copy of a store with two, in every kind of object, made good from the other. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test, type TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { until } from '../../test/interop/until.ts';
import { must } from '../base/assert.ts';
import { MemoryStore, openMemoryRoot } from '../store/memory.ts';
import { ReplicatedRoot } from '../store/replicate.ts';
import type { Manifest } from './manifest.ts';
import { backUpModel, assertRestores, ModelVolume } from './model-volume.ts';
import { createRepository, openRepository, type Repository } from './repository.ts';
import { WorkPool } from './work-pool.ts';

const wrappingKey = randomBytes(32);
const workers = new WorkPool(2);
const options = { wrappingKey, workers, packBytes: 64 * 1024, packsPerIndex: 2 };
after(() => workers.close());

interface Sample {
  readonly root: ReplicatedRoot;
  readonly stores: readonly [MemoryStore, MemoryStore];
  readonly manifest: Manifest;
  readonly volume: ModelVolume;
  readonly open: () => Promise<Repository>;
}

async function sample(t: TestContext, { patched = true } = {}): Promise<Sample> {
  const folder = await mkdtemp(join(tmpdir(), 'firn-heal-'));
  const [first, copy] = [openMemoryRoot(), openMemoryRoot()];
  const isRoot = (name: string): boolean => name.startsWith('backups/');
  const isPassing = (name: string): boolean => name.startsWith('leases/');
  const waiting = { isPassing, sleep: () => turn(), onProblem: () => undefined };
  const root = new ReplicatedRoot({ first, copy, folder, isRoot, ...waiting });
  t.after(async () => {
    await root.close();
    await rm(folder, { recursive: true, maxRetries: 5 });
  });
  const open = async (): Promise<Repository> =>
    openRepository(await root.open('c', { create: true }), options);
  await createRepository(await root.open('c', { create: true }), { wrappingKey });
  const repository = await open();
  const volume = new ModelVolume(100);
  for (let block = 0; block < 30; block += 1) volume.write(block * 16, 16, block * 50 + 1);
  const parent = await backUpModel(repository, volume);
  if (patched) volume.write(10 * 16 + 3, 2, 654_321);
  const manifest = patched ? await backUpModel(repository, volume, { parent }) : parent;
  await repository.close();
  await settled(root);
  const stores = [first, copy].map((each) => each.open('c', { create: true }));
  const [here, there] = await Promise.all(stores);
  assert.ok(here instanceof MemoryStore && there instanceof MemoryStore);
  return { root, stores: [here, there], manifest, volume, open };
}

async function settled(root: ReplicatedRoot): Promise<void> {
  await until('the copy is complete', () => root.copyState('c')?.state === 'complete');
}

/** What a store holds, to compare: claims are empty, and everything is written once. */
const contentOf = (store: MemoryStore): Map<string, string> =>
  new Map(
    [...store.objects]
      .filter(([name]) => !name.startsWith('leases/'))
      .map(([name, bytes]) => [name, Buffer.from(bytes).toString('hex')]),
  );

function damage(store: MemoryStore, name: string, how: 'flip' | 'lose' | 'cut'): void {
  const bytes = Uint8Array.from(must(store.objects.get(name), name));
  if (how === 'lose') store.objects.delete(name);
  else if (how === 'cut') store.objects.set(name, bytes.subarray(0, bytes.length >> 1));
  else {
    const at = bytes.length >> 1;
    bytes[at] = (bytes[at] ?? 0) ^ 16;
    store.objects.set(name, bytes);
  }
}

test('any object damaged in either copy is found, read from the other, and mended', async (t) => {
  const { stores, manifest, volume, open } = await sample(t);
  const sound = contentOf(stores[0]);
  assert.deepEqual(contentOf(stores[1]), sound);
  const kinds = new Set<string>();
  for (const name of sound.keys()) {
    for (const [copy, store] of stores.entries()) {
      for (const how of ['flip', 'lose', 'cut'] as const) {
        const what = `${how} ${name} in copy ${copy}`;
        kinds.add(name.split('/')[0] ?? '');
        damage(store, name, how);
        const repository = await open();
        await assertRestores(repository, await repository.readManifest(manifest.backupId), volume);
        const { objects } = await verifiedAll(repository, copy);
        const mended = await repository.mend(objects);
        const common = await repository.mendCommon();
        assert.deepEqual([...mended, ...common.mended], [name], what);
        assert.deepEqual(common.damaged, []);
        await repository.close();
        for (const each of stores) assert.deepEqual(contentOf(each), sound, what);
      }
    }
  }
  const all = ['backups', 'indexes', 'keys', 'packs', 'repository.json'];
  assert.deepEqual([...kinds].sort(), all);
});

/** What is damaged or lost in a copy; a manifest that is lost is not among what is verified. */
async function verifiedAll(repository: Repository, copy: number): Promise<{ objects: string[] }> {
  const { objects } = await repository.verify('all', 'blocks', { copy });
  const names = objects.map(({ name }) => name).filter((name) => !name.startsWith('indexes/'));
  const lost: string[] = [];
  for await (const found of repository.listBackups()) {
    const verified = repository.verify(found.backupId, 'objects', { copy });
    await verified.catch(() => lost.push(`backups/${found.backupId}`));
  }
  return { objects: [...new Set([...names, ...lost])] };
}

test('two copies damaged in different blocks of one pack make one whole pack', async (t) => {
  const { root, stores, manifest, volume, open } = await sample(t);
  const repository = await open();
  const name = must(
    [...stores[0].objects.keys()].find((each) => each.startsWith('packs/')),
    'pack',
  );
  const flip = (store: MemoryStore, at: number): void => {
    const bytes = Uint8Array.from(must(store.objects.get(name), name));
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    store.objects.set(name, bytes);
  };
  flip(stores[0], 30);
  flip(stores[1], must(stores[1].objects.get(name), name).length >> 1);
  for (const copy of [0, 1]) {
    const look = async () =>
      (await repository.verify(manifest.backupId, 'blocks', { copy })).backups;
    const readers = await Promise.all(
      [0, 1].map((each) => repository.openReader(manifest, { copy: each })),
    );
    const copies = readers.map((reader) => async (at: number, target: Uint8Array) => {
      try {
        await reader.read(at, target.subarray(0, Math.min(target.length, reader.lengthBytes - at)));
        return true;
      } catch {
        return false;
      }
    });
    for (let [found] = await look(); found !== undefined; [found] = await look()) {
      assert.ok((await repository.heal(manifest, found.ranges, copies, { copy })) > 0);
      await settled(root);
    }
    for (const reader of readers) reader.close();
  }
  assert.equal(stores[0].objects.has(name), false, 'the damaged pack is gone');
  await assertRestores(repository, manifest, volume);
  await settled(root);
  for (const copy of [0, 1]) {
    assert.deepEqual((await repository.verify('all', 'blocks', { copy })).objects, []);
  }
  await repository.close();
});

test('what is sound in any copy of a pack moves along when another block is healed', async (t) => {
  const { root, stores, manifest, volume, open } = await sample(t, { patched: false });
  const repository = await open();
  const packs = [...stores[0].objects.keys()].filter((each) => each.startsWith('packs/'));
  const name = must(packs[0], 'a pack');
  const flip = (store: MemoryStore, at: number): void => {
    const bytes = Uint8Array.from(must(store.objects.get(name), name));
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    store.objects.set(name, bytes);
  };
  const { length } = must(stores[0].objects.get(name), name);
  for (const at of [30, length >> 1]) flip(stores[0], at);
  flip(stores[1], 30);
  const look = async (copy: number) =>
    (await repository.verify(manifest.backupId, 'blocks', { copy })).backups;
  const one = must((await look(1))[0], 'damage').ranges;
  const live = async (at: number, target: Uint8Array): Promise<boolean> => {
    volume.readBlock(at / 65_536, target);
    return true;
  };
  assert.equal(await repository.heal(manifest, one, [live]), 1);
  assert.deepEqual(await look(0), [], 'the other block came from the other copy');
  await settled(root);
  assert.deepEqual((await repository.verify('all', 'blocks', { copy: 1 })).objects, []);
  await assertRestores(repository, manifest, volume);
  await repository.close();
});

test('a prune moves along what is sound in any copy of a pack', async (t) => {
  const { root, stores, manifest: first, volume, open } = await sample(t, { patched: false });
  const repository = await open();
  for (let block = 0; block < 30; block += 1) if (block % 4 > 0) volume.write(block * 16, 16, 0);
  const manifest = await backUpModel(repository, volume, { parent: first });
  await settled(root);
  const [here] = stores;
  const packs = [...here.objects.keys()].filter((name) => name.startsWith('packs/'));
  for (const name of packs) {
    const bytes = Uint8Array.from(must(here.objects.get(name), name));
    for (let at = 20; at < bytes.length; at += 50) bytes[at] = (bytes[at] ?? 0) ^ 1;
    here.objects.set(name, bytes);
  }
  await repository.deleteBackup(first.backupId);
  const plan = await repository.planPrune();
  assert.ok(plan.rewrite.length > 0, 'a pack is to be moved');
  await repository.executePrune(plan);
  await settled(root);
  await assertRestores(repository, manifest, volume);
  for (const copy of [0, 1]) {
    const { objects } = await repository.verify('all', 'blocks', { copy });
    const moved = objects.filter(({ name }) => !packs.includes(name));
    assert.deepEqual(moved, [], `copy ${copy}`);
  }
  await repository.close();
});

test('an index that is damaged everywhere is made anew from the packs', async (t) => {
  const { stores, manifest, volume, open } = await sample(t);
  const repository = await open();
  const indexes = [...stores[0].objects.keys()].filter((name) => name.startsWith('indexes/'));
  assert.ok(indexes.length > 0);
  for (const name of indexes) for (const store of stores) damage(store, name, 'flip');
  const { mended, damaged } = await repository.mendCommon();
  assert.deepEqual([mended.sort(), damaged], [indexes.sort(), []]);
  assert.deepEqual((await repository.verify('all', 'blocks')).objects, []);
  await repository.close();
  const again = await open();
  await assertRestores(again, manifest, volume);
  await again.close();
});

test('a backup that is deleted while it is mended does not come back', async (t) => {
  const { stores, manifest, open } = await sample(t);
  const repository = await open();
  const name = `backups/${manifest.backupId}`;
  damage(stores[1], name, 'flip');
  await Promise.all([repository.mend([name]), repository.deleteBackup(manifest.backupId)]);
  assert.equal(await (await open()).findManifest(manifest.backupId), undefined);
  await repository.close();
});
