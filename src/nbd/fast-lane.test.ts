import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KiB, MiB } from '../base/bytes.ts';
import { must } from '../base/assert.ts';
import { openMemoryDevice } from '../volume/memory-device.ts';
import { BufferPool } from './buffer-pool.ts';
import { withPair } from './direct-pair-fixture.ts';
import { FastLane } from './fast-lane.ts';
import { socketCalls } from './socket-calls.ts';
import { requestBytes, until } from './test-server.ts';

const skip = socketCalls === undefined && 'the calls are not to be had on this machine';

/** Reads of 4 KiB each. */
function requests(count: number): Buffer {
  const one = (_: unknown, cookie: number): Buffer => requestBytes(0, 0, 4 * KiB, cookie);
  return Buffer.concat(Array.from({ length: count }, one));
}

test('who has several requests is busy, however few are served in a turn', { skip }, async () => {
  await withPair(async ({ peer, channel, input }) => {
    const device = openMemoryDevice({ lengthBytes: MiB });
    let isShared = true;
    const lane = new FastLane({
      session: { channel, device, structured: false, extended: false, allocation: false },
      input,
      device: must(device.immediate, 'memory takes no wait'),
      isShared: () => isShared,
      isOpen: () => true,
      begin: () => undefined,
      end: () => undefined,
      owe: () => undefined,
      serve: () => assert.fail('memory serves all reads'),
      pool: new BufferPool(MiB),
      onFault: (error) => assert.fail(String(error)),
    });
    let answered = 0;
    peer.on('data', (chunk: Buffer) => (answered += chunk.length));
    const answers = (count: number): Promise<void> =>
      until(() => answered === count * (16 + 4 * KiB), `${count} answers`);

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
