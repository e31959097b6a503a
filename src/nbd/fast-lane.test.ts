import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { test } from 'node:test';
import { OperatingError } from '../base/errors.ts';
import { KiB, MiB } from '../base/bytes.ts';
import { must } from '../base/assert.ts';
import type { ImmediateDevice } from '../volume/block-device.ts';
import { openMemoryDevice } from '../volume/memory-device.ts';
import { BufferPool } from './buffer-pool.ts';
import { type Pair, withPair } from './direct-pair-fixture.ts';
import { FastLane } from './fast-lane.ts';
import { socketCalls } from './socket-calls.ts';
import { requestBytes, until } from './test-server.ts';

const skip = socketCalls === undefined && 'the calls are not to be had on this machine';

/** Reads of 4 KiB each. */
function requests(count: number): Buffer {
  const one = (_: unknown, cookie: number): Buffer => requestBytes(0, 0, 4 * KiB, cookie);
  return Buffer.concat(Array.from({ length: count }, one));
}

function laneOf(
  { channel, input }: Pair,
  device: ImmediateDevice,
  isShared = (): boolean => false,
) {
  let running = 0;
  return new FastLane({
    session: {
      channel,
      device: openMemoryDevice({ lengthBytes: MiB }),
      structured: true,
      extended: false,
      allocation: false,
    },
    input,
    device,
    isShared,
    isOpen: () => true,
    isIdle: () => running === 0,
    begin: () => (running += 1),
    end: () => (running -= 1),
    owe: () => undefined,
    serve: () => assert.fail('the device serves all reads'),
    pool: new BufferPool(MiB),
    onFault: () => undefined,
  });
}

test('who has several requests is busy, however few are served in a turn', { skip }, async () => {
  await withPair(async ({ peer, channel, input }) => {
    const device = openMemoryDevice({ lengthBytes: MiB });
    let isShared = true;
    const immediate = must(device.immediate, 'memory takes no wait');
    const lane = laneOf({ peer, channel, input }, immediate, () => isShared);
    let answered = 0;
    peer.on('data', (chunk: Buffer) => (answered += chunk.length));
    const answers = (count: number): Promise<void> =>
      until(() => answered === count * (20 + 8 + 4 * KiB), `${count} answers`);

    const alone = lane.wait();
    peer.write(requests(1));
    await answers(1);
    assert.equal(input.isBusy, false, 'one request at a time');

    peer.write(requests(3));
    assert.equal(await alone, true);
    assert.equal(input.isBusy, true, 'one was served, and two are left');
    assert.equal(lane.serve(), true, 'the turn was had while it waited');
    assert.equal(lane.serve(), true);
    isShared = false;
    assert.equal(lane.serve(), false);
    await answers(4);
    peer.write(requests(20));
    assert.equal(await lane.wait(), true);
    assert.equal(input.isBusy, true);
    assert.equal(lane.serve(), true);
    assert.equal(lane.serve(), false, 'sixteen, then four');
    await answers(24);
  });
});

/** A device of which the test says when a write counts. */
function waiting(): { device: ImmediateDevice; written: ((error?: unknown) => void)[] } {
  const written: ((error?: unknown) => void)[] = [];
  const write: ImmediateDevice['write'] = (_offset, _data, done) => {
    written.push(done);
    return true;
  };
  return { device: { read: () => 'refused', write, settle: () => undefined }, written };
}

const writes = (...cookies: number[]): Buffer =>
  Buffer.concat(cookies.flatMap((cookie) => [requestBytes(1, 0, 8, cookie), Buffer.alloc(8)]));

const isAlone = availableParallelism() === 1 && 'a client would be in the way of the server here';

test(
  'the answer to a lone write begins to leave before the write is done',
  {
    skip: skip || isAlone,
  },
  async () => {
    await withPair(async ({ peer, channel, input }) => {
      const { device, written } = waiting();
      const lane = laneOf({ peer, channel, input }, device);
      let got = Buffer.alloc(0);
      peer.on('data', (chunk: Buffer) => (got = Buffer.concat([got, chunk])));
      const first = lane.wait();
      peer.write(writes(7));
      await until(() => got.length === 4, 'the magic');
      assert.equal(got.toString('hex'), '668e33ef');
      assert.equal(written.length, 1);

      peer.write(writes(8, 9));
      assert.equal(await first, true, 'what comes then is not for the lane');
      assert.equal(lane.serve(), false);
      assert.equal(written.length, 1, 'no answer may come between');
      written[0]?.(new OperatingError('no_space', 'the disk is full'));
      await until(() => got.length > 20 && got.length === 20 + got.readUInt32BE(16), 'the rest');
      assert.equal(got.toString('hex', 4, 16), '000180010000000000000007', 'an error, the last');
      assert.equal(got.readUInt32BE(20), 28);
      const bytes = got.length;

      assert.equal(lane.serve(), false, 'two requests, and nothing is left');
      assert.equal(written.length, 3);
      assert.equal(channel.isAhead, false, 'who has two requests is not waited for');
      for (const done of written.slice(1)) done();
      await until(() => got.length === bytes + 40, 'two whole answers');
    });
  },
);

test('nothing leaves early while somebody else waits for the server', { skip }, async () => {
  await withPair(async ({ peer, channel, input }) => {
    const { device, written } = waiting();
    const lane = laneOf({ peer, channel, input }, device, () => true);
    void lane.wait();
    peer.write(writes(7));
    await until(() => written.length === 1, 'the write');
    assert.equal(channel.isAhead, false);
    input.stop();
  });
});

test('the first write after a flush is not answered early', { skip: skip || isAlone }, async () => {
  await withPair(async ({ peer, channel, input }) => {
    const { device, written } = waiting();
    const lane = laneOf({ peer, channel, input }, device);
    lane.noteFlush();
    void lane.wait();
    peer.write(writes(7));
    await until(() => written.length === 1, 'the write');
    assert.equal(channel.isAhead, false);
    written[0]?.();
    peer.write(writes(8));
    await until(() => written.length === 2, 'the next one');
    assert.equal(channel.isAhead, true);
    input.stop();
  });
});
