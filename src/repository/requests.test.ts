/** How many requests the store gets: each costs time, and with some stores money. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FaultyStore } from '../store/fault.ts';
import { MemoryStore } from '../store/memory.ts';
import { leaseTimesDefault } from './lease.ts';
import { assertRestores, backUpModel, ModelVolume } from './model-volume.ts';
import { createRepository, openRepository } from './repository.ts';

const wrappingKey = Buffer.alloc(32, 4);

function countOf(store: FaultyStore): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { verb, name } of store.operations.splice(0)) {
    const key = `${verb} ${name.split('/')[0] ?? ''}`;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

test('backups and restores ask the store for little', async (t) => {
  const memory = new MemoryStore('memory:test');
  await createRepository(memory, { wrappingKey });
  const store = new FaultyStore(memory);
  // However slow the machine is, no lease has to be renewed.
  const leases = { times: { ...leaseTimesDefault, renewMs: 1e9 } };
  const options = { wrappingKey, workers: 1, packBytes: 6 * 1024, packsPerIndex: 16, leases };
  const repository = await openRepository(store, options);
  t.after(() => repository.close());
  const volume = new ModelVolume(300);
  for (let block = 0; block < 300; block += 1) volume.write(block * 16, 16, 100 + block * 50);
  countOf(store);

  const full = await backUpModel(repository, volume);
  const counts = countOf(store);
  const packs = counts['put packs'] ?? 0;
  assert.ok(packs > 16, `${packs} packs`);
  // One request for each pack and for each sixteen of them, and five for the backup itself.
  assert.deepEqual(counts, {
    'put leases': 1,
    'list prunes': 1,
    'put packs': packs,
    'put indexes': 1,
    'put backups': 1,
    'remove leases': 1,
  });

  const unchanged = await backUpModel(repository, volume, { parent: full });
  assert.deepEqual(countOf(store), {
    'put leases': 1,
    'list prunes': 1,
    'get backups': 1,
    'sizeOf backups': 1,
    'put backups': 1,
    'remove leases': 1,
  });

  await assertRestores(repository, unchanged, volume);
  // The lease is given up behind the reader's back.
  const { 'get packs': gets = 0, 'remove leases': _, ...others } = countOf(store);
  assert.ok(gets <= packs * 2 + 4, `${gets} requests for ${packs} packs`);
  assert.deepEqual(others, { 'put leases': 1 });
});
