import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seeded } from '../../demo/random.ts';
import { isOperatingError } from '../base/errors.ts';
import { SimulatedStore } from './simulated.ts';

const seed = Number(process.env['FIRN_TEST_SEED'] ?? 20_261);

describe(`a simulated store, seed ${seed}`, () => {
  it('loses at a power cut only what had not been acknowledged, and tears if told to', async () => {
    const outcomes = { whole: 0, torn: 0, lost: 0 };
    for (let round = 0; round < 200; round += 1) {
      const random = seeded(seed + round);
      const store = new SimulatedStore({ random, tears: true });
      const acknowledged = new Set<number>();
      const puts = Array.from({ length: 8 }, (_, n) =>
        store.put(`a${n}`, [Buffer.alloc(100, n)]).then(() => acknowledged.add(n)),
      );
      await Promise.race(puts);
      const after = store.crash();
      await Promise.allSettled(puts);
      for (let n = 0; n < 8; n += 1) {
        const found = after.objects.get(`a${n}`);
        if (acknowledged.has(n))
          assert.ok(found && Buffer.alloc(100, n).equals(found), `round ${round}`);
        else if (found === undefined) outcomes.lost += 1;
        else outcomes[found.length === 100 ? 'whole' : 'torn'] += 1;
      }
      await assert.rejects(store.get('a0'), (error) => isOperatingError(error, 'unavailable'));
    }
    assert.ok(outcomes.whole > 50 && outcomes.torn > 50 && outcomes.lost > 50);
  });

  it('lists in another order each time, and fails as often as it is told to', async () => {
    const store = new SimulatedStore({ random: seeded(seed) });
    for (let n = 0; n < 20; n += 1) await store.put(`a${n}`, []);
    const orders = await Promise.all([1, 2, 3].map(() => Array.fromAsync(store.list(''))));
    assert.equal(new Set(orders.map((order) => order.map(({ name }) => name).join())).size, 3);
    const failing = new SimulatedStore({ random: seeded(seed), failsOneIn: 4 });
    const puts = Array.from({ length: 400 }, (_, n) => failing.put(`a${n}`, []));
    const failed = (await Promise.allSettled(puts)).filter(({ status }) => status === 'rejected');
    assert.ok(failed.length > 50 && failed.length < 200, `${failed.length} failed`);
    assert.ok(failing.objects.size > 400 - failed.length, 'some were done all the same');
    assert.ok(failing.objects.size < 400, 'and some were not');
  });
});
