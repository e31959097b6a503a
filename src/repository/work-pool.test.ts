import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { RepositoryKeys } from './keys.ts';
import { Slot } from './slot.ts';
import { WorkPool } from './work-pool.ts';

const keys = new RepositoryKeys(Buffer.alloc(32, 7), 'a repository');

test('a pool that is closed while its threads start finishes what they were given', async () => {
  for (let pause = 0; pause < 120; pause += 4) {
    const pool = new WorkPool(2);
    const slots = [new Slot(), new Slot()];
    for (const slot of slots) slot.block(0).fill(1);
    const tasks = slots.map((slot) => pool.run(keys, 'hash', slot, 1));
    await delay(pause);
    await pool.close();
    await Promise.all(tasks);
    for (const slot of slots) assert.deepEqual(Buffer.from(slot.id(0)), keys.idOf(slot.block(0)));
  }
});
