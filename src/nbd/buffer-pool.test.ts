import assert from 'node:assert/strict';
import test from 'node:test';
import { bytesIntoPage } from '../base/page-memory.ts';
import { BufferPool } from './buffer-pool.ts';

const MiB = 1024 * 1024;

/** True when both lie at the same place in memory. */
const isSame = (one: Buffer, other: Buffer): boolean =>
  one.buffer === other.buffer && one.byteOffset === other.byteOffset;

test('a long buffer that was given back is lent again, and only once', () => {
  const pool = new BufferPool(4 * MiB);
  const first = pool.lend(MiB);
  pool.giveBack(first);
  pool.giveBack(first);
  const second = pool.lend(MiB - 1);
  const third = pool.lend(MiB);
  assert.ok(isSame(second, first));
  assert.equal(second.length, MiB - 1);
  assert.ok(!isSame(third, first));
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

test('buffers that are lent at the same time share no byte', () => {
  const pool = new BufferPool(16 * MiB);
  const sizes = [65_536, 300_000, 1_000_000, 3 * MiB, 262_184, 65_536, 2 * MiB];
  const lent: Buffer[] = [];
  for (let round = 0; round < 6; round += 1) {
    for (const [index, size] of sizes.entries()) lent.push(pool.lend(size + round, index * 700));
    for (const buffer of lent.splice(0, 3)) pool.giveBack(buffer);
  }
  for (const [index, buffer] of lent.entries()) buffer.fill(index);
  for (const [index, buffer] of lent.entries()) assert.ok(buffer.every((byte) => byte === index));
});

test('a buffer without a head does not begin with a page', (t) => {
  const buffer = new BufferPool(4 * MiB).lend(MiB);
  if (bytesIntoPage(buffer) === undefined) return t.skip('addresses are not known');
  assert.notEqual(bytesIntoPage(buffer), 0);
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
  assert.ok(!isSame(pool.lend(3 * MiB), huge));
  const kept = [pool.lend(MiB), pool.lend(MiB), pool.lend(MiB)].filter((buffer) =>
    lent.some((before) => isSame(before, buffer)),
  );
  assert.equal(kept.length, 2);
});

test('those of a size that nobody asks for any more make room for others', () => {
  const pool = new BufferPool(2.25 * MiB);
  const before = [pool.lend(MiB), pool.lend(MiB)];
  for (const buffer of before) pool.giveBack(buffer);
  const now = pool.lend(2 * MiB);
  pool.giveBack(now);
  assert.ok(isSame(pool.lend(2 * MiB), now));
});
