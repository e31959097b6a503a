import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { Budget } from './budget.ts';

const owner = {};

test('what fits is granted at once, the rest in order', async () => {
  const budget = new Budget(10);
  assert.equal(budget.take(6, owner), true);
  const second = budget.take(6, owner);
  const third = budget.take(1, owner);
  assert.notEqual(third, true, 'nobody overtakes');
  budget.give(6);
  assert.equal(await second, true);
  assert.equal(await third, true);
  assert.equal(budget.lent, 7);
});

test('more than the capacity is lent only alone', async () => {
  const budget = new Budget(10);
  assert.equal(budget.take(1, owner), true);
  const huge = budget.take(50, owner);
  budget.give(1);
  assert.equal(await huge, true);
  const next = budget.take(1, owner);
  assert.notEqual(next, true);
  budget.give(50);
  assert.equal(await next, true);
});

test('who leaves gets nothing and holds up nobody', async () => {
  const budget = new Budget(10);
  const other = {};
  assert.equal(budget.take(5, owner), true);
  const leaving = budget.take(10, other);
  const staying = budget.take(5, owner);
  budget.leave(other);
  assert.equal(await leaving, false);
  assert.equal(await staying, true);
  assert.equal(budget.lent, 10);
});

test('giving back more than was lent is a mistake', () => {
  const budget = new Budget(10);
  assert.equal(budget.take(5, owner), true);
  assert.throws(() => budget.give(6));
});

test('never more than the capacity is lent, and everybody is served', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 10 }), { maxLength: 60 }),
      async (amounts) => {
        const budget = new Budget(10);
        let served = 0;
        await Promise.all(
          amounts.map(async (amount) => {
            assert.equal(await budget.take(amount, owner), true);
            assert.ok(budget.lent <= 10);
            await Promise.resolve();
            served += 1;
            budget.give(amount);
          }),
        );
        assert.equal(served, amounts.length);
        assert.equal(budget.lent, 0);
      },
    ),
  );
});
