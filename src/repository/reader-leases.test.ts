import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { must } from '../base/assert.ts';
import { isOperatingError, OperatingError } from '../base/errors.ts';
import { FaultyStore } from '../store/fault.ts';
import { MemoryStore } from '../store/memory.ts';
import { type LeaseTimes, leaseTimesDefault } from './lease.ts';
import type { Manifest } from './manifest.ts';
import { backUpModel, ModelVolume } from './model-volume.ts';
import { createRepository, openRepository, type Repository } from './repository.ts';

const wrappingKey = Buffer.alloc(32, 4);
const readLeases = 'leases/read';
const denied = new OperatingError('denied', 'made to fail');

interface Scene {
  readonly store: MemoryStore;
  /** The store as the reader sees it. */
  readonly faulty: FaultyStore;
  readonly reading: Repository;
  readonly pruning: Repository;
  readonly volume: ModelVolume;
  readonly manifest: Manifest;
  /** The names of the leases of readers that are there. */
  readonly told: () => string[];
}

/** Two processes in one repository with one backup, of which one sees faults. */
async function scene(t: TestContext, readerTimes: Partial<LeaseTimes>): Promise<Scene> {
  const store = new MemoryStore('memory:test');
  const faulty = new FaultyStore(store);
  await createRepository(store, { wrappingKey });
  const openAs = async (pid: number): Promise<Repository> => {
    const [seen, times] = pid === 1 ? [faulty, readerTimes] : [store, {}];
    const owner = { host: 'h', machine: 'm', pid, started: '1' };
    const leases = { owner, isGone: () => false, times: { ...leaseTimesDefault, ...times } };
    const settings = { wrappingKey, workers: 1, packBytes: 8192, leases };
    const repository = await openRepository(seen, settings);
    t.after(() => repository.close());
    return repository;
  };
  const [reading, pruning] = [await openAs(1), await openAs(2)];
  const volume = new ModelVolume(40);
  for (let block = 0; block < 40; block += 1) volume.write(block * 16, 16, 100 + block * 50);
  const manifest = await backUpModel(pruning, volume);
  const told = (): string[] =>
    [...store.objects.keys()].filter((name) => name.startsWith(readLeases));
  return { store, faulty, reading, pruning, volume, manifest, told };
}

async function deleteAndPrune({ pruning, manifest }: Scene): Promise<number> {
  await pruning.deleteBackup(manifest.backupId);
  return (await pruning.executePrune(await pruning.planPrune())).packsRemoved;
}

/** How many bytes the reader gave. */
async function readAll(reader: Awaited<ReturnType<Repository['openReader']>>): Promise<number> {
  let bytes = 0;
  await reader.restore(async (_at, data) => void (bytes += data.length));
  return bytes;
}

const until = async (isSo: () => boolean): Promise<void> => {
  while (!isSo()) await sleep(1);
};

test('a lease of a reader that could not be put is put as soon as that is possible', async (t) => {
  const all = await scene(t, { renewMs: 2 });
  const { faulty, reading, manifest, volume, told } = all;
  faulty.script = ({ verb, name }) =>
    verb === 'put' && name.startsWith(readLeases) ? { kind: 'fail', error: denied } : undefined;
  const reader = await reading.openReader(manifest);
  await until(() => faulty.count('put', readLeases) > 3);
  assert.deepEqual(told(), []);
  faulty.script = () => undefined;
  await until(() => told().length > 0);
  assert.equal(await deleteAndPrune(all), 0);
  assert.equal(await readAll(reader), volume.lengthBytes);
  reader.close();
  await until(() => told().length === 0);
});

test('a lease of a reader that was lost is taken anew', async (t) => {
  // Each is lost as soon as it is held.
  const all = await scene(t, { renewMs: 2, lostMs: 0 });
  const { reading, manifest, volume, told } = all;
  const reader = await reading.openReader(manifest);
  const ids = new Set<string>();
  await until(() => {
    for (const name of told()) ids.add(must(name.split('.')[0], 'the id of a lease'));
    return ids.size > 3;
  });
  assert.equal(await readAll(reader), volume.lengthBytes);
  reader.close();
  await until(() => told().length === 0);
});

test('a reader whose backup was pruned meanwhile says why something may be missing', async (t) => {
  const all = await scene(t, { renewMs: 2 });
  const { faulty, reading, manifest } = all;
  faulty.script = ({ verb, name }) =>
    verb === 'put' && name.startsWith(readLeases) ? { kind: 'fail', error: denied } : undefined;
  const reader = await reading.openReader(manifest);
  await until(() => faulty.count('put', readLeases) > 1);
  assert.ok((await deleteAndPrune(all)) > 0, 'nobody could know that it is read');
  await assert.rejects(readAll(reader), (error) => {
    assert.ok(isOperatingError(error, 'corrupt'));
    assert.match(error.message, /may have deleted and pruned it$/);
    return true;
  });
  reader.close();
});

test('damage that has nothing to do with others is told as it is', async (t) => {
  const { store, reading, manifest } = await scene(t, {});
  for (const name of store.objects.keys())
    if (name.startsWith('packs/')) store.objects.delete(name);
  const reader = await reading.openReader(manifest);
  await assert.rejects(readAll(reader), (error) => {
    assert.ok(isOperatingError(error, 'corrupt'));
    assert.doesNotMatch(error.message, /pruned/);
    return true;
  });
  reader.close();
});
