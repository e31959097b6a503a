import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import * as fc from 'fast-check';
import { withPair } from './direct-pair-fixture.ts';
import { discard, waitBytesMax } from './input.ts';
import { socketCalls } from './socket-calls.ts';
import { until } from './test-server.ts';

const skip = socketCalls === undefined && 'the calls are not to be had on this machine';

test('any cutting of the bytes, and any pauses, give the same reads', { skip }, async () => {
  const piece = fc.record({
    bytes: fc.uint8Array({ minLength: 1, maxLength: 3000 }),
    pause: fc.nat(3),
  });
  const reads = fc.array(fc.tuple(fc.nat(2), fc.nat(5000)), { maxLength: 12 });
  const cases = fc.asyncProperty(
    fc.array(piece, { maxLength: 12 }),
    reads,
    fc.uint8Array({ maxLength: 200 }),
    fc.constantFrom(0, 0.1, 5),
    async (pieces, wanted, first, awakeMs) => {
      const all = Buffer.concat([first, ...pieces.map(({ bytes }) => bytes)]);
      await withPair(
        async ({ peer, input }) => {
          const sending = (async () => {
            for (const { bytes, pause } of pieces) {
              peer.write(bytes);
              if (pause === 1) await turn();
              if (pause > 1) await sleep(pause);
            }
            peer.end();
          })();
          let at = 0;
          for (const [how, count] of wanted) {
            const there = at + count <= all.length;
            const expected = all.subarray(at, at + count);
            if (how === 0) {
              const target = Buffer.alloc(count);
              assert.equal(await input.fill(target), there);
              if (there) assert.deepEqual(target, expected);
            } else if (how === 1) {
              assert.equal(await input.wait(count), there);
              if (there) assert.deepEqual(Buffer.from(input.take(count)), expected);
            } else assert.equal(await discard(input, count), there);
            if (!there) break;
            at += count;
          }
          await sending;
        },
        { first: Buffer.from(first), awakeMs },
      );
    },
  );
  await fc.assert(cases, { numRuns: 40 });
});

test('what comes is served beside a wait, which ends with what is left', { skip }, async () => {
  await withPair(async ({ peer, input }) => {
    const served: string[] = [];
    let asked = 0;
    const serve = (): number => {
      asked += 1;
      while (input.has(2) && input.peek(1).toString() !== '!')
        served.push(input.take(2).toString());
      return 2;
    };
    const waiting = input.waitBeside(2, serve);
    peer.write('aabbc');
    await until(() => served.length === 2, 'two were served');
    peer.write('cdd');
    await until(() => served.length === 4, 'the cut one, too');
    peer.write('!!');
    assert.equal(await waiting, true);
    assert.deepEqual(served, ['aa', 'bb', 'cc', 'dd']);
    assert.equal(input.take(2).toString(), '!!');
    asked = 0;
    const plain = input.wait(2);
    peer.write('ee');
    assert.equal(await plain, true);
    assert.equal(asked, 0, 'who waits plainly gets it');
    input.take(2);
    const more = input.waitBeside(2, () => void input.take(2));
    peer.write('ff');
    assert.equal(await more, true, 'it has served, and wants a turn');
    const sizes: number[] = [];
    const longer = input.waitBeside(1, () => {
      sizes.push(input.peek(1)[0] ?? 0);
      return sizes.length === 2 ? void input.take(60_000) : 60_000;
    });
    peer.write(Buffer.alloc(1, 1));
    await until(() => sizes.length === 1, 'it was asked for the first');
    for (let sent = 1; sent < 60_000; sent += 7)
      peer.write(Buffer.alloc(Math.min(7, 60_000 - sent)));
    assert.equal(await longer, true);
    assert.deepEqual(sizes, [1, 1], 'and again when all was there that it awaited');
    assert.equal(input.has(1), false);
    const failing = input.waitBeside(2, () => {
      throw new RangeError('broken');
    });
    peer.write('gg');
    await assert.rejects(failing, RangeError);
    const last = input.waitBeside(2, serve);
    peer.end();
    assert.equal(await last, true, 'what was not served is still there');
    assert.equal(input.take(2).toString(), 'gg');
    assert.equal(await input.waitBeside(2, serve), false);
  });
});

test('a reader that is behind is felt by the peer', { skip }, async () => {
  await withPair(async ({ peer, input }) => {
    const content = Buffer.alloc(8 << 20, 7);
    peer.write(content);
    assert.equal(await input.wait(waitBytesMax), true);
    await sleep(20);
    assert.ok(peer.bytesWritten === content.length && peer.writableLength > 0, 'it waits');
    const rest = Buffer.alloc(content.length);
    assert.equal(await input.fill(rest), true);
    assert.ok(rest.equals(content));
  });
});

test('what the peer does not take at once comes whole and in order', { skip }, async () => {
  await withPair(async ({ peer, channel }) => {
    const parts: Buffer[] = [];
    let sent = 0;
    for (let index = 0; index < 400; index += 1) {
      const bytes = Buffer.alloc(1 + ((index * 7919) % 20_000), index);
      parts.push(Buffer.from(bytes));
      if (channel.canSendNow && index % 3 === 0) channel.sendNow(bytes, 1);
      else channel.send(bytes, () => (sent += 1));
      if (index % 5 === 0) await turn();
    }
    assert.ok(!channel.canSendNow, 'the peer has taken nothing, and its buffers are full');
    const expected = Buffer.concat(parts);
    const received: Buffer[] = [];
    let length = 0;
    peer.on('data', (chunk: Buffer) => {
      received.push(chunk);
      length += chunk.length;
    });
    await until(() => length === expected.length, 'all has come');
    await until(() => channel.taken === 400, 'all was taken');
    assert.ok(sent > 0 && channel.canSendNow);
    // Messages sent in one turn may overtake each other, none is broken: each has one value.
    const counts = new Map<number, number>();
    for (const byte of Buffer.concat(received)) counts.set(byte, (counts.get(byte) ?? 0) + 1);
    for (const byte of expected) counts.set(byte, (counts.get(byte) ?? 0) - 1);
    assert.ok([...counts.values()].every((count) => count === 0));
  });
});

test(
  'the end of the peer is noticed, awake or asleep; what came before is there',
  { skip },
  async () => {
    for (const awakeMs of [0, 50]) {
      await withPair(
        async ({ peer, input }) => {
          peer.end('abc');
          assert.equal(await input.wait(10), false);
          assert.equal(input.take(3).toString(), 'abc');
          assert.equal(await input.wait(1), false);
        },
        { awakeMs },
      );
    }
  },
);

test('a socket that is destroyed is not touched any more', { skip }, async () => {
  await withPair(async ({ channel, input }) => {
    channel.socket.on('error', () => undefined);
    const waiting = input.wait(1);
    channel.socket.destroy();
    assert.equal(input.poll(), false);
    assert.equal(await waiting, false);
    channel.send(Buffer.from('late'));
    await turn();
    assert.equal(input.has(1), false);
  });
});
