import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import test from 'node:test';
import * as fc from 'fast-check';
import { ByteReader, unreadBytesMax } from './byte-reader.ts';
import { discard } from './input.ts';
import { until } from './test-server.ts';

test('any cutting of the bytes gives the same reads', async () => {
  const pieces = fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 20 });
  const reads = fc.array(fc.tuple(fc.nat(2), fc.nat(400)), { maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(pieces, reads, async (pieces, reads) => {
      const all = Buffer.concat(pieces);
      const socket = new PassThrough();
      const reader = new ByteReader(socket);
      for (const piece of pieces) socket.write(piece);
      socket.end();
      let at = 0;
      for (const [how, count] of reads) {
        const there = at + count <= all.length;
        const expected = all.subarray(at, at + count);
        if (how === 0) {
          const target = Buffer.alloc(count);
          assert.equal(await reader.fill(target), there);
          if (there) assert.deepEqual(target, expected);
        } else if (how === 1) {
          assert.equal(await reader.wait(count), there);
          if (there) assert.deepEqual(Buffer.from(reader.take(count)), Buffer.from(expected));
        } else {
          assert.equal(await discard(reader, count), there);
        }
        if (!there) return;
        at += count;
      }
    }),
  );
});

test('nobody reading stops the socket, reading lets it flow again', async () => {
  const socket = new PassThrough({ highWaterMark: 1024 });
  const reader = new ByteReader(socket);
  const chunk = Buffer.alloc(16 * 1024, 7);
  let sent = 0;
  const pump = (): void => {
    while (sent < 100 && socket.write(chunk)) sent += 1;
  };
  socket.on('drain', () => {
    sent += 1;
    pump();
  });
  pump();
  await until(() => socket.isPaused(), 'the socket is paused');
  assert.ok(reader.has(unreadBytesMax) && !reader.has(unreadBytesMax + 2 * chunk.length));
  const all = Buffer.alloc(100 * chunk.length);
  assert.equal(await reader.fill(all), true);
  assert.ok(all.every((byte) => byte === 7));
});

test('stopping wakes who waits; what came before can still be taken', async () => {
  const socket = new PassThrough();
  const reader = new ByteReader(socket);
  socket.write('abc');
  assert.equal(await reader.wait(3), true);
  const waiting = reader.wait(10);
  reader.stop();
  assert.equal(await waiting, false);
  assert.equal(reader.take(3).toString(), 'abc');
  assert.equal(await reader.fill(Buffer.alloc(1)), false);
});

test('a closed socket leaves nothing to take', async () => {
  const socket = new PassThrough();
  const reader = new ByteReader(socket);
  socket.write('abc');
  assert.equal(await reader.wait(3), true);
  socket.destroy();
  await until(() => !reader.has(1), 'the bytes are dropped');
  assert.equal(await reader.wait(1), false);
});
