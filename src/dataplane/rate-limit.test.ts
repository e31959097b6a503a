import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { newId, newSecret } from '../base/ids.ts';
import { ExportRegistry } from '../nbd/exports.ts';
import { must } from '../base/assert.ts';
import { blockDeviceContract } from '../volume/block-device-contract.ts';
import { openMemoryDevice } from '../volume/memory-device.ts';
import { openVolumeEngine } from '../volume/open-engine.ts';
import { limitedDevice } from './limited-device.ts';
import { type Direction, RateLimit } from './rate-limit.ts';
import { HandTime } from './rate-limit-fixture.ts';
import { ServedExports } from './served-exports.ts';

blockDeviceContract('a device within limits', async (options) => {
  const limit = new RateLimit();
  limit.set({ totalIopsSec: 1_000_000, writeBytesSec: 1e12 });
  return limitedDevice(openMemoryDevice(options), limit, { left: false });
});

blockDeviceContract('a device whose reads have no limit', async (options) => {
  const limit = new RateLimit();
  limit.set({ writeIopsSec: 1_000_000 });
  return limitedDevice(openMemoryDevice(options), limit, { left: false });
});

test('what is limited is not done at once, so that it is counted', () => {
  const limit = new RateLimit();
  const device = limitedDevice(openMemoryDevice({ lengthBytes: 8192 }), limit, { left: false });
  const [target, written] = [Buffer.alloc(4096), (): void => undefined];
  assert.equal(device.immediate?.read(0, target), 'done');
  limit.set({ readBytesSec: 4096 });
  assert.equal(device.immediate?.read(0, target), 'refused');
  assert.equal(device.immediate?.write(0, target, written), true);
  limit.set({ totalIopsSec: 10 });
  assert.equal(device.immediate?.write(0, target, written), false);
});

/** Asks at once for all of these, and tells when each went ahead, in milliseconds. */
function ask(limit: RateLimit, time: HandTime, wanted: readonly [Direction, number][]): number[] {
  const passed = wanted.map(() => -1);
  for (const [index, [direction, bytes]] of wanted.entries()) {
    const wait = limit.take(direction, bytes, { left: false });
    if (wait === undefined) passed[index] = time.now();
    else void wait.then(() => (passed[index] = time.now()));
  }
  return passed;
}

test('no second has more requests or bytes than the limits, whatever is asked', async () => {
  const requests = fc.array(
    fc.tuple(fc.constantFrom<Direction>('read', 'write'), fc.integer({ min: 0, max: 9000 })),
    { minLength: 1, maxLength: 60 },
  );
  const limits = fc.record(
    {
      totalIopsSec: fc.integer({ min: 1, max: 50 }),
      readIopsSec: fc.integer({ min: 1, max: 50 }),
      totalBytesSec: fc.integer({ min: 500, max: 50_000 }),
      writeBytesSec: fc.integer({ min: 500, max: 50_000 }),
    },
    { requiredKeys: [] },
  );
  await fc.assert(
    fc.asyncProperty(requests, limits, async (wanted, given) => {
      const time = new HandTime();
      const limit = new RateLimit(time);
      limit.set(given);
      const passed = ask(limit, time, wanted);
      await time.pass(2_000_000);
      assert.ok(
        passed.every((at) => at >= 0),
        'nobody waits for ever',
      );
      const rules: [number | undefined, Direction | undefined, 'requests' | 'bytes'][] = [
        [given.totalIopsSec, undefined, 'requests'],
        [given.readIopsSec, 'read', 'requests'],
        [given.totalBytesSec, undefined, 'bytes'],
        [given.writeBytesSec, 'write', 'bytes'],
      ];
      for (const [perSecond, direction, of] of rules) {
        if (perSecond === undefined) continue;
        const counted = wanted
          .map(([way, bytes], index) => ({ way, bytes, at: passed[index] ?? 0 }))
          .filter(({ way }) => direction === undefined || way === direction)
          .sort((a, b) => a.at - b.at || a.bytes - b.bytes);
        const costs = counted.map(({ bytes }) => (of === 'requests' ? 1 : bytes));
        // The last one, of several at once the largest, is paid for after it went ahead, and 50 ms
        // may be caught up with.
        const paid = costs.slice(0, -1).reduce((sum, cost) => sum + cost, 0);
        const spanMs = (counted.at(-1)?.at ?? 0) + 50;
        assert.ok(paid <= (perSecond * spanMs) / 1000 + 1e-6, `${of} of ${direction ?? 'all'}`);
      }
    }),
    { numRuns: 60 },
  );
});

test('writes that wait for their limit do not hold up reads', async () => {
  const time = new HandTime();
  const limit = new RateLimit(time);
  limit.set({ writeIopsSec: 1 });
  const passed = ask(limit, time, [
    ['write', 1],
    ['write', 1],
    ['read', 1],
    ['read', 1],
  ]);
  assert.deepEqual([passed[0], passed[2], passed[3]], [0, 0, 0]);
  await time.pass(5000);
  assert.equal(passed[1], 1000);
});

test('reads and writes of one total limit take turns', async () => {
  const time = new HandTime();
  const limit = new RateLimit(time);
  limit.set({ totalIopsSec: 1 });
  const writes = Array.from({ length: 6 }, () => ['write', 1] as [Direction, number]);
  const passed = ask(limit, time, [...writes, ['read', 1]]);
  await time.pass(20_000);
  assert.ok(must(passed[6], 'the read') <= 2000, `the read waited ${passed[6]} ms`);
});

test('a change of limits reaches those who wait, and who leaves waits no more', async () => {
  const time = new HandTime();
  const limit = new RateLimit(time);
  limit.set({ totalIopsSec: 1 });
  const passed = ask(limit, time, [
    ['read', 1],
    ['read', 1],
    ['read', 1],
  ]);
  await time.pass(1);
  limit.set({});
  await time.pass(1);
  assert.ok(passed.every((at) => at >= 0 && at <= 2));
  limit.set({ readIopsSec: 1 });
  const owner = { left: false };
  assert.equal(limit.take('read', 1, owner), undefined);
  const wait = must(limit.take('read', 1, owner), 'a wait');
  limit.leave(owner);
  await wait;
  assert.equal(limit.take('read', 1, owner), undefined);
});

test('all exports of a volume share its limit, and the end of one waits for nothing', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'firn-limit-'));
  const engine = await openVolumeEngine({ folder });
  t.after(async () => {
    await engine.close();
    await rm(folder, { recursive: true });
  });
  const time = new HandTime();
  const registry = new ExportRegistry();
  const exports = new ServedExports(engine, registry, { time });
  const volumeId = newId();
  await engine.createVolume({ volumeId, lengthBytes: 4096 });
  const names = [newSecret(), newSecret()];
  await exports.limit(volumeId, { totalIopsSec: 1 });
  for (const name of names) await exports.add(name, { source: { volumeId }, readOnly: false });
  const devices = await Promise.all(
    names.map(async (name) => {
      const claim = must(
        registry.claim(name, async () => undefined),
        'an export',
      );
      return await claim.entry.open();
    }),
  );
  const [first, second] = devices.map((each) => each.read(0, new Uint8Array(1)));
  await first;
  const still = Promise.race([second, new Promise((resolve) => setImmediate(resolve, 'waits'))]);
  assert.equal(await still, 'waits');
  await exports.remove(must(names[1], 'the second'));
  await second;
  for (const each of devices) await each.close();
});
