import assert from 'node:assert/strict';
import test from 'node:test';
import { bytesIntoPage } from '../base/page-memory.ts';
import { BufferPool } from './buffer-pool.ts';

const MiB = 1024 * 1024;

test('a long buffer that was given back is lent again, and only once', () => {
  const pool = new BufferPool(4 * MiB);
  const first = pool.lend(MiB);
  pool.giveBack(first);
  pool.giveBack(first);
  const second = pool.lend(MiB - 1);
  const third = pool.lend(MiB);
  assert.equal(second.buffer, first.buffer);
  assert.equal(second.length, MiB - 1);
  assert.notEqual(third.buffer, first.buffer);
});

test('what follows the head of a long buffer begins with a page', (t) => {
  const pool = new BufferPool(8 * MiB);
  if (bytesIntoPage(new Uint8Array(1)) === undefined) return t.skip('addresses are not known');
  for (const headBytes of [0, 16, 28, 40, 5000]) {
    const buffer = pool.lend(MiB + headBytes, headBytes);
    assert.equal(buffer.length, MiB + headBytes);
    assert.equal(bytesIntoPage(buffer.subarray(headBytes)), 0);
    pool.giveBack(buffer);
  }
});

test('buffers from elsewhere are ignored', () => {
  const pool = new BufferPool(4 * MiB);
  const foreign = Buffer.alloc(MiB);
  pool.giveBack(foreign);
  assert.notEqual(pool.lend(MiB).buffer, foreign.buffer);
});

test('no more is kept than allowed', () => {
  const pool = new BufferPool(2.25 * MiB);
  const lent = [pool.lend(MiB), pool.lend(MiB), pool.lend(MiB)];
  const huge = pool.lend(3 * MiB);
  for (const buffer of [...lent, huge]) pool.giveBack(buffer);
  assert.notEqual(pool.lend(3 * MiB).buffer, huge.buffer);
  const kept = [pool.lend(MiB), pool.lend(MiB), pool.lend(MiB)].filter((buffer) =>
    lent.some((before) => before.buffer === buffer.buffer),
  );
  assert.equal(kept.length, 2);
});

test('those of a size that nobody asks for any more make room for others', () => {
  const pool = new BufferPool(2.25 * MiB);
  const before = [pool.lend(MiB), pool.lend(MiB)];
  for (const buffer of before) pool.giveBack(buffer);
  const now = pool.lend(2 * MiB);
  pool.giveBack(now);
  assert.equal(pool.lend(2 * MiB).buffer, now.buffer);
});
