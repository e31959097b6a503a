import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RangeSet } from './range-set.ts';

/** Numbers below `limit` that are the same in every run. */
function numbers(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

test('a set of ranges is what a plain array says', () => {
  const seed = 7;
  const next = numbers(seed);
  for (let round = 0; round < 200; round += 1) {
    const set = new RangeSet();
    const plain = new Uint8Array(100);
    for (let step = 0; step < 12; step += 1) {
      const first = next(90);
      const end = first + next(10);
      set.add(first, end);
      plain.fill(1, first, end);
      const [from, to] = [next(50), 50 + next(50)];
      const missing = [...set.missing(from, to)];
      const expected = Uint8Array.from(plain);
      for (const range of missing) expected.fill(1, range.first, range.end);
      assert.ok(
        expected.subarray(from, to).every((bit) => bit === 1),
        `seed ${seed}`,
      );
      assert.ok(
        missing.every(({ first: a, end: b }) => plain.subarray(a, b).every((x) => x === 0)),
      );
      assert.equal(set.overlaps(from, to), plain.subarray(from, to).includes(1));
    }
    for (let range = set.takeFirst(4, 16); range; range = set.takeFirst(4, 16)) {
      assert.ok(range.end - range.first <= 4);
      assert.equal(Math.floor(range.first / 16), Math.floor((range.end - 1) / 16));
      assert.ok(plain.subarray(range.first, range.end).every((bit) => bit === 1));
      plain.fill(0, range.first, range.end);
    }
    assert.ok(
      plain.every((bit) => bit === 0),
      'all was taken',
    );
  }
});

test('too many ranges become fewer, and none is lost', () => {
  const set = new RangeSet(4);
  for (const first of [0, 10, 20, 23, 40, 60]) set.add(first, first + 2);
  assert.deepEqual(set.ranges, [
    { first: 0, end: 12 },
    { first: 20, end: 25 },
    { first: 40, end: 42 },
    { first: 60, end: 62 },
  ]);
});
