import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, test } from 'node:test';
import { isOperatingError } from '../base/errors.ts';
import { MemoryStore } from '../store/memory.ts';
import { assertRestores, backUpModel, ModelVolume } from './model-volume.ts';
import { createRepository, openRepository, type Repository } from './repository.ts';
import { WorkPool } from './work-pool.ts';

const wrappingKey = randomBytes(32);
const workers = new WorkPool(2);
after(() => workers.close());

async function open(): Promise<Repository> {
  const store = new MemoryStore('memory:test');
  await createRepository(store, { wrappingKey });
  return openRepository(store, { wrappingKey, workers, packBytes: 32 * 1024 });
}

function filled(seed: number): ModelVolume {
  const volume = new ModelVolume(1200);
  for (let block = 0; block < 1200; block += 12) volume.write(block * 16, 16, seed + block * 40);
  return volume;
}

test('what a backup alone needs is what its deletion gives back', async () => {
  const repository = await open();
  const volume = filled(1);
  const first = await backUpModel(repository, volume);
  const alone = (await repository.space()).get(first.backupId);
  assert.ok(alone !== undefined && alone.exclusiveBytes > 20_000);
  assert.deepEqual([alone.sharedBytes, alone.patchBytes], [0, 0]);
  for (let block = 0; block < 240; block += 12) volume.write(block * 16 + 3, 1, 800_000 + block);
  const second = await backUpModel(repository, volume, { parent: first });
  const other = await backUpModel(repository, filled(900_000));
  const space = await repository.space();
  const sums = [first, second, other].map(({ backupId }) => space.get(backupId));
  for (const sum of sums) assert.ok(sum !== undefined);
  assert.ok((sums[1]?.patchBytes ?? 0) > 0, 'small changes are patches');
  assert.ok((sums[1]?.sharedBytes ?? 0) > (sums[1]?.exclusiveBytes ?? 0) / 4);
  assert.equal(sums[2]?.sharedBytes, 0, 'it has nothing in common with the others');
  await repository.deleteBackup(other.backupId);
  const plan = await repository.planPrune();
  const { bytesFreed } = await repository.executePrune(plan);
  const expected = sums[2]?.exclusiveBytes ?? 0;
  // Directories and the rests of packs are not blocks.
  assert.ok(
    bytesFreed > expected * 0.9 && bytesFreed < expected * 1.3,
    `${bytesFreed} ${expected}`,
  );
  await assertRestores(repository, second, volume);
  await repository.close();
});

test('a backup of the same content leaves nothing that either needs alone', async () => {
  const repository = await open();
  const volume = filled(1);
  const ids = [];
  for (let n = 0; n < 3; n += 1) ids.push((await backUpModel(repository, volume)).backupId);
  const space = await repository.space();
  for (const id of ids) assert.equal(space.get(id)?.exclusiveBytes, 0);
  await repository.deleteBackup(ids[0] ?? '');
  await repository.deleteBackup(ids[1] ?? '');
  assert.ok(((await repository.space()).get(ids[2] ?? '')?.exclusiveBytes ?? 0) > 20_000);
  await repository.close();
});

test('what several backups need together is what goes when all of them go', async () => {
  const repository = await open();
  const volume = filled(1);
  const first = await backUpModel(repository, volume);
  for (let block = 0; block < 600; block += 12) volume.write(block * 16, 16, 700_000 + block * 40);
  const second = await backUpModel(repository, volume, { parent: first });
  const third = await backUpModel(repository, volume, { parent: second });
  const kept = await backUpModel(repository, filled(1));
  const going = [first, second, third].map(({ backupId }) => backupId);
  const together = await repository.spaceOf(new Set(going));
  const space = await repository.space();
  const each = going.reduce((sum, id) => sum + (space.get(id)?.exclusiveBytes ?? 0), 0);
  assert.ok(together > each + 10_000, `${together} with what they share, ${each} without`);
  // What each brings back that goes alone, one after the other.
  let sum = 0;
  for (const id of going) {
    sum += (await repository.space()).get(id)?.exclusiveBytes ?? 0;
    await repository.deleteBackup(id);
  }
  assert.equal(together, sum);
  assert.equal(await repository.spaceOf(new Set()), 0);
  const { bytesFreed } = await repository.executePrune(await repository.planPrune());
  assert.ok(bytesFreed >= together * 0.7, `${bytesFreed} of ${together}`);
  await assertRestores(repository, kept, filled(1));
  await repository.close();
});

test('a plan from before a measurement is not executed', async () => {
  const repository = await open();
  const volume = filled(1);
  const first = await backUpModel(repository, volume);
  const kept = await backUpModel(repository, volume, { parent: first });
  await repository.deleteBackup(first.backupId);
  const plan = await repository.planPrune();
  await repository.space();
  await assert.rejects(repository.executePrune(plan), (error) =>
    isOperatingError(error, 'conflict'),
  );
  await repository.executePrune(await repository.planPrune());
  await assertRestores(repository, kept, volume);
  await repository.close();
});
