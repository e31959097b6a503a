/** Several processes in one container, each played by a repository of its own. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { must } from '../base/assert.ts';
import { randomUnit } from '../base/chance.ts';
import { type ErrorCode, isOperatingError, OperatingError } from '../base/errors.ts';
import type { ProcessIdentity } from '../base/process-identity.ts';
import { FaultyStore } from '../store/fault.ts';
import { MemoryStore } from '../store/memory.ts';
import type { StoredObject } from '../store/store.ts';
import { readHeader } from './header.ts';
import { leaseTimesDefault } from './lease.ts';
import { Leases } from './leases.ts';
import { assertRestores, backUpModel, factsOf, ModelVolume, submitBlocks } from './model-volume.ts';
import { createRepository, openRepository, type Repository } from './repository.ts';
import { WorkPool } from './work-pool.ts';

const wrappingKey = randomBytes(32);
const workers = new WorkPool(2);
after(() => workers.close());

const dead = new Set<number>();
const processOf = (pid: number): ProcessIdentity => ({
  host: 'h',
  machine: 'm',
  pid,
  started: '1',
});
const isGone = ({ pid }: ProcessIdentity): boolean => dead.has(pid);

function openAs(pid: number, store: MemoryStore | FaultyStore): Promise<Repository> {
  const leases = { owner: processOf(pid), isGone };
  return openRepository(store, { wrappingKey, workers, packBytes: 16 * 1024, leases });
}

async function newStore(): Promise<MemoryStore> {
  const store = new MemoryStore('memory:test');
  await createRepository(store, { wrappingKey });
  return store;
}

function filled(blocks: number, seed: number): ModelVolume {
  const volume = new ModelVolume(blocks);
  for (let block = 0; block < blocks; block += 1) volume.write(block * 16, 16, seed + block * 50);
  return volume;
}

const prune = async (repository: Repository) =>
  repository.executePrune(await repository.planPrune());

const namesOf = (store: MemoryStore, folder: string): string[] =>
  [...store.objects.keys()].filter((name) => name.startsWith(folder));

function code(expected: ErrorCode): (error: unknown) => boolean {
  return (error) => isOperatingError(error, expected);
}

describe('a lease', () => {
  const times = { renewMs: 1e6, lostMs: 1e6, expireMs: 20 };

  it('gives the turn to one at a time, and to the next when it is given up', async () => {
    const store = await newStore();
    const keys = await readHeader(store, { wrappingKey });
    const [one, other] = [new Leases(store, keys), new Leases(store, keys)];
    const turn = await one.takeTurn('prune');
    await assert.rejects(other.takeTurn('prune'), code('conflict'));
    await turn.release();
    await (await other.takeTurn('prune')).release();
    assert.deepEqual(namesOf(store, 'leases/'), []);
  });

  it('counts as long as its count changes, whatever any clock says', async () => {
    const store = await newStore();
    const keys = await readHeader(store, { wrappingKey });
    const owner = new Leases(store, keys, { times });
    const watcher = new Leases(store, keys, { times });
    await owner.take('write');
    assert.equal((await watcher.others()).length, 1);
    await sleep(30);
    const name = must(namesOf(store, 'leases/')[0], 'the lease');
    store.objects.set(name.replace(/\.0$/, '.1'), must(store.objects.get(name), 'its content'));
    store.objects.delete(name);
    assert.equal((await watcher.others()).length, 1, 'it was renewed');
    await sleep(30);
    assert.equal((await watcher.others()).length, 0, 'it was left behind');
    assert.deepEqual(namesOf(store, 'leases/'), []);
  });

  it('is renewed, and leaves one object', async () => {
    const store = await newStore();
    const keys = await readHeader(store, { wrappingKey });
    const lease = await new Leases(store, keys, { times: { ...times, renewMs: 1 } }).take('write');
    while (!namesOf(store, 'leases/').some((name) => /\.(?:[3-9]|\d\d+)$/.test(name)))
      await sleep(1);
    lease.throwUnlessHeld();
    await lease.release();
    assert.deepEqual(namesOf(store, 'leases/'), []);
  });

  it('is lost to an owner that could not renew it, who then makes no backup', async () => {
    const store = await newStore();
    const leases = { times: { ...leaseTimesDefault, lostMs: 0 } };
    const repository = await openRepository(store, { wrappingKey, workers, leases });
    await assert.rejects(backUpModel(repository, filled(3, 10)), code('unavailable'));
    assert.deepEqual(await Array.fromAsync(repository.listBackups()), []);
    await repository.close();
  });

  it('that is damaged is waited for until it expires', async () => {
    const store = await newStore();
    store.objects.set(`leases/write-${'ab'.repeat(16)}.0`, Buffer.from('no lease'));
    const keys = await readHeader(store, { wrappingKey });
    const watcher = new Leases(store, keys, { times });
    assert.equal((await watcher.others())[0]?.owner, undefined);
    await sleep(30);
    assert.deepEqual(await watcher.others(), []);
  });
});

describe('prune beside another process', () => {
  it('leaves what a running writer may rely on, until that has ended', async () => {
    const store = await newStore();
    const [writing, pruning] = [await openAs(1, store), await openAs(2, store)];
    const volume = filled(40, 100);
    const { backupId } = await backUpModel(writing, volume);
    const writer = await writing.openWriter({ lengthBytes: volume.lengthBytes });
    await submitBlocks(writer, volume, [...Array(40).keys()]);
    await pruning.deleteBackup(backupId);
    const packs = namesOf(store, 'packs/').length;
    const first = await prune(pruning);
    assert.deepEqual(first.waitsFor, ['the process 1 on h']);
    assert.equal(namesOf(store, 'packs/').length, packs);
    // Another writer begins meanwhile, and is not waited for: it relies on nothing that goes.
    const later = await writing.openWriter({ lengthBytes: volume.lengthBytes });
    const manifest = await writer.commit(factsOf());
    const second = await prune(pruning);
    assert.deepEqual([second.waitsFor, second.packsRemoved > 0], [[], true]);
    await submitBlocks(later, volume, [...Array(40).keys()]);
    const last = await later.commit(factsOf());
    for (const each of [manifest, last]) await assertRestores(await openAs(3, store), each, volume);
    await assertRestores(writing, manifest, volume);
    await assertRestores(pruning, last, volume);
  });

  it('does not wait for a writer that was killed', async () => {
    const store = await newStore();
    const [writing, pruning] = [await openAs(11, store), await openAs(12, store)];
    const volume = filled(80, 100);
    const writer = await writing.openWriter({ lengthBytes: volume.lengthBytes });
    await submitBlocks(writer, volume, [...Array(80).keys()]);
    while (namesOf(store, 'packs/').length === 0) await sleep(1);
    dead.add(11);
    const { waitsFor, packsRemoved } = await prune(pruning);
    assert.deepEqual([waitsFor, packsRemoved > 0], [[], true]);
    assert.deepEqual(namesOf(store, 'leases/'), []);
    await writer.abort();
  });

  it('is known to a process that had opened the repository long before', async () => {
    const store = await newStore();
    const old = await openAs(1, store);
    const pruning = await openAs(2, store);
    const volume = filled(40, 100);
    const gone = await backUpModel(old, volume);
    const kept = filled(60, 100);
    for (let block = 0; block < 50; block += 1) kept.write(block * 16, 16, 9000 + block * 50);
    const manifest = await backUpModel(old, kept);
    await pruning.deleteBackup(gone.backupId);
    for (let n = 0; n < 2; n += 1) await prune(pruning);
    await assertRestores(old, manifest, kept);
    await assertRestores(old, await backUpModel(old, volume), volume);
    const report = await old.verify('all', 'blocks');
    assert.deepEqual([report.objects, report.backups], [[], []]);
  });

  it('keeps the map of a parent that is deleted while a writer goes on from it', async () => {
    const store = await newStore();
    const [writing, pruning] = [await openAs(1, store), await openAs(2, store)];
    const volume = filled(1200, 100);
    const parent = await backUpModel(writing, volume);
    volume.write(0, 16, 77_000);
    const writer = await writing.openWriter({ lengthBytes: volume.lengthBytes, parent });
    await pruning.deleteBackup(parent.backupId);
    await prune(pruning);
    await submitBlocks(writer, volume, [0]);
    const manifest = await writer.commit(factsOf(parent));
    await prune(pruning);
    await assertRestores(writing, manifest, volume);
  });

  it('goes on with what a pruner condemned that died on the way', async () => {
    const store = await newStore();
    const faulty = new FaultyStore(store);
    const dying = await openAs(21, faulty);
    const volume = filled(40, 100);
    const { backupId } = await backUpModel(dying, volume);
    await dying.deleteBackup(backupId);
    const error = new OperatingError('io', 'dies');
    const plan = await dying.planPrune();
    let isDead = false;
    faulty.script = ({ verb, name }) => {
      isDead ||= verb === 'remove' && name.startsWith('packs/');
      return isDead ? { kind: 'fail', error } : undefined;
    };
    await assert.rejects(dying.executePrune(plan), error);
    const heir = await openAs(22, store);
    await assert.rejects(prune(heir), code('conflict'), 'the turn is that of the other');
    dead.add(21);
    // Whatever the dead one would still do, a backup that begins now has nothing to fear.
    const condemned = new Set(namesOf(store, 'packs/'));
    const manifest = await backUpModel(heir, volume);
    for (const name of condemned) store.objects.delete(name);
    await assertRestores(heir, manifest, volume);
    await prune(heir);
    assert.deepEqual([namesOf(store, 'leases/'), namesOf(store, 'prunes/').length], [[], 1]);
    await assertRestores(await openAs(23, store), manifest, volume);
  });

  it('notices when another process has executed its list', async () => {
    const store = await newStore();
    const [writing, one, other] = [1, 2, 3].map((pid) => openAs(pid, store));
    const pruning = await must(one, 'a pruner');
    const volume = filled(40, 100);
    const { backupId } = await backUpModel(pruning, volume);
    const lengthBytes = volume.lengthBytes;
    const writer = await (await must(writing, 'a writer')).openWriter({ lengthBytes });
    await pruning.deleteBackup(backupId);
    assert.equal((await prune(pruning)).waitsFor.length, 1);
    await writer.abort();
    const plan = await pruning.planPrune();
    assert.ok((await prune(await must(other, 'a pruner'))).packsRemoved > 0);
    await assert.rejects(pruning.executePrune(plan), code('conflict'));
    assert.equal((await prune(pruning)).packsRemoved, 0);
    await assertRestores(pruning, await backUpModel(pruning, volume), volume);
  });

  it('takes a backup that it knows for there when a listing lacks it', async () => {
    const store = await newStore();
    const late = new LateStore('memory:late');
    for (const [name, bytes] of store.objects) late.objects.set(name, bytes);
    const repository = await openAs(1, late);
    const volume = filled(20, 100);
    late.isLate = true;
    const manifest = await backUpModel(repository, volume);
    assert.equal((await repository.planPrune()).bytesFreed, 0);
    await assertRestores(repository, manifest, volume);
    await repository.deleteBackup(manifest.backupId);
    assert.ok((await repository.planPrune()).bytesFreed > 0);
  });
});

/** Lists no manifests while it is late. */
class LateStore extends MemoryStore {
  readonly listingLagMs = 1;
  isLate = false;

  override async *list(prefix: string): AsyncIterable<StoredObject> {
    for await (const object of super.list(prefix)) {
      if (!this.isLate || !object.name.startsWith('backups/')) yield object;
    }
  }
}

describe('a repository that several make at once', () => {
  it('is made once, also in a store that replaces objects', async () => {
    const store = new MemoryStore('memory:test');
    const put = store.put.bind(store);
    store.put = async (name, chunks) => {
      await sleep(randomUnit() * 3);
      store.objects.delete(name);
      await put(name, chunks);
    };
    const outcomes = await Promise.allSettled(
      Array.from({ length: 3 }, () => createRepository(store, { wrappingKey })),
    );
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
    await (await openRepository(store, { wrappingKey, workers })).close();
    const left = new Set([...store.objects.keys()].map((name) => name.split('/')[0]));
    assert.deepEqual([store.objects.size, left], [2, new Set(['repository.json', 'keys'])]);
  });
});
