import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { MemoryStore } from '../store/memory.ts';
import { backUpModel, ModelVolume } from './model-volume.ts';
import { createRepository, openRepository, type Repository } from './repository.ts';

const wrappingKey = Buffer.alloc(32, 4);

test('what one process reads stays when another deletes the backup and prunes', async (t) => {
  const store = new MemoryStore('memory:test');
  await createRepository(store, { wrappingKey });
  const openAs = async (pid: number): Promise<Repository> => {
    const owner = { host: 'h', machine: 'm', pid, started: '1' };
    const leases = { owner, isGone: () => false };
    const options = { wrappingKey, workers: 1, packBytes: 8192, leases };
    const repository = await openRepository(store, options);
    t.after(() => repository.close());
    return repository;
  };
  const [one, other] = [await openAs(1), await openAs(2)];
  const volume = new ModelVolume(40);
  for (let block = 0; block < 40; block += 1) volume.write(block * 16, 16, 100 + block * 50);
  const manifest = await backUpModel(one, volume);
  const reader = await one.openReader(manifest);
  const isTold = (): boolean =>
    [...store.objects.keys()].some((it) => it.startsWith('leases/read'));
  while (!isTold()) await setImmediate();
  await other.deleteBackup(manifest.backupId);
  const kept = await other.executePrune(await other.planPrune());
  assert.equal(kept.packsRemoved, 0);
  let bytes = 0;
  await reader.restore(async (_at, data) => {
    bytes += data.length;
  });
  assert.equal(bytes, volume.lengthBytes);
  reader.close();
  while (isTold()) await setImmediate();
  assert.ok((await other.executePrune(await other.planPrune())).packsRemoved > 0);
});
