import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { BlockTable, type Location, marks } from './block-table.ts';
import { blockKinds } from './block.ts';

function idOf(n: number): Buffer {
  return createHash('sha256').update(String(n)).digest();
}

function placeOf(n: number): Location {
  return {
    pack: (n * 7919) % 2 ** 23,
    offsetBytes: (n * 104_729) % 2 ** 26,
    lengthBytes: 1 + ((n * 31) % 65_565),
    kind: n % 3 === 0 ? blockKinds.whole : n % 3 === 1 ? blockKinds.patch : blockKinds.node,
  };
}

describe('the table of blocks', () => {
  for (const segments of [1, 256] as const) {
    it(`finds what was set, and nothing else, with ${segments} segments`, () => {
      const table = new BlockTable(segments);
      const count = segments === 1 ? 5000 : 60_000;
      for (let n = 0; n < count; n += 1) table.set(idOf(n), 0, placeOf(n));
      assert.equal(table.count, count);
      for (let n = 0; n < count; n += 1) assert.deepEqual(table.find(idOf(n)), placeOf(n));
      for (let n = count; n < count + 5000; n += 1) assert.equal(table.find(idOf(n)), undefined);
    });
  }

  it('takes less than 32 bytes for each block at any size', () => {
    const table = new BlockTable();
    for (let n = 1; n <= 150_000; n += 1) {
      table.set(idOf(n), 0, placeOf(n));
      if (n < 20_000 || n % 5000 !== 0) continue;
      const share = table.memoryBytes / n;
      assert.ok(share < 32, `${share} bytes for each of ${n} blocks`);
    }
  });

  it('keeps marks through growth and moves, and forgets whole packs', () => {
    const table = new BlockTable();
    const place = (pack: number) => ({ ...placeOf(1), pack });
    for (let n = 0; n < 3000; n += 1) {
      table.set(idOf(n), 0, place(n % 3));
      if (n % 2 === 0) assert.equal(table.mark(marks.live, idOf(n)), 'now');
    }
    for (let n = 3000; n < 30_000; n += 1) table.set(idOf(n), 0, place(3));
    for (let n = 0; n < 3000; n += 1) {
      assert.equal(table.isMarked(marks.live, idOf(n)), n % 2 === 0);
      assert.equal(table.isMarked(marks.good, idOf(n)), false);
    }
    table.set(idOf(0), 0, place(9));
    assert.equal(table.mark(marks.live, idOf(0)), 'before');
    table.removePacks(new Set([0, 3]));
    assert.equal(table.find(idOf(0))?.pack, 9);
    assert.equal(table.find(idOf(3)), undefined);
    assert.equal(table.mark(marks.live, idOf(3)), 'missing');
    assert.equal(table.find(idOf(4))?.pack, 1);
    assert.equal(table.count, 2001);
    table.clearMarks(marks.live);
    assert.equal(table.isMarked(marks.live, idOf(4)), false);
  });
});
