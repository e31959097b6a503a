import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReadHabits } from './read-habits.ts';

const sector = 4096;

/** Reads at places that never follow each other; answers which of them go past memory. */
function missAll(habits: ReadHabits, count: number): boolean[] {
  return Array.from({ length: count }, (_, index) => {
    return habits.noteMiss(((index * 7919) % 100_003) * 2 * sector, sector);
  });
}

test('reads go past memory when most of them miss, but for some that stay there', () => {
  const habits = new ReadHabits();
  const past = missAll(habits, 100);
  assert.ok(
    past.slice(0, 8).every((each) => !each),
    'not before it is known',
  );
  assert.ok(habits.isCold);
  const share = past.slice(8).filter(Boolean).length / 92;
  assert.ok(share > 0.9 && share < 1, `${share}`);
});

test('where most reads are in memory, what is missing comes to be there', () => {
  const habits = new ReadHabits();
  for (let index = 0; index < 1000; index += 1) {
    if (index % 8 === 0) assert.ok(!habits.noteMiss(index * 2 * sector, sector));
    else habits.noteHit();
  }
  missAll(habits, 100);
  for (let index = 0; index < 1000; index += 1) habits.noteHit();
  assert.ok(!habits.isCold);
});

test('what goes on where a read has ended is left to the kernel, which reads ahead', () => {
  const habits = new ReadHabits();
  missAll(habits, 100);
  const past: boolean[] = [];
  // Two clients that read in order, beside each other.
  for (let index = 0; index < 50; index += 1) {
    past.push(habits.noteMiss(1e9 * sector + index * sector, sector));
    past.push(habits.noteMiss(2e9 * sector + index * 4 * sector, 4 * sector));
  }
  assert.ok(past.slice(2).every((each) => !each));
});
