import assert from 'node:assert/strict';
import { randomFillSync } from 'node:crypto';
import { test } from 'node:test';
import { must } from '../base/assert.ts';
import { pageBytes } from '../base/page-memory.ts';
import { chunkBlocks } from './block.ts';
import { sealedStride, Slot } from './slot.ts';

test('a sealed block stays where it arrived, or is copied to its room, for all threads', () => {
  const slot = new Slot();
  const other = new Slot(slot.memory);
  const arrived = Array.from({ length: chunkBlocks }, (_, block) => {
    const lengthBytes = sealedStride - block * 4100;
    if (block % 3 === 0) return randomFillSync(Buffer.alloc(lengthBytes));
    const room = must(slot.arrivals.take(lengthBytes), 'room for a chunk');
    assert.ok(room.length >= lengthBytes + pageBytes, 'and what lies around it in its pages');
    return randomFillSync(room).subarray(block, block + lengthBytes);
  });
  const expected = arrived.map((bytes) => Buffer.from(bytes));
  for (const [block, bytes] of arrived.entries()) slot.placeSealed(block, bytes);
  for (const [block, bytes] of expected.entries()) {
    assert.equal(Buffer.compare(other.sealedBlock(block), bytes), 0, `block ${block}`);
    const isInPlace = slot.sealedBlock(block).byteOffset === arrived[block]?.byteOffset;
    assert.equal(isInPlace, block % 3 !== 0);
  }
  const whole = chunkBlocks * sealedStride;
  assert.ok(slot.arrivals.begin().take(whole) !== undefined);
  assert.equal(slot.arrivals.take(whole), undefined, 'there is room for one chunk');
});
