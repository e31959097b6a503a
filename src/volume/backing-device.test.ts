import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seeded } from '../../demo/random.ts';
import { KiB, MiB } from '../base/bytes.ts';
import { SampleBackup } from './backed-fixture.ts';
import { BackingDevice } from './backing-device.ts';

const seed = Number(process.env['SEED'] ?? Math.floor(performance.timeOrigin) % 1_000_000);

test(`a backup is read in any order within bounded memory (seed ${seed})`, async () => {
  const random = seeded(seed);
  const backup = new SampleBackup(67 * MiB + 5 * KiB);
  const device = new BackingDevice(backup, backup.backing, { cacheBytes: 2 * MiB });
  for (let round = 0; round < 100; round += 1) {
    const offset = Math.floor(random() * (device.lengthBytes - 1));
    const most = Math.min(device.lengthBytes - offset, 3 * MiB);
    const target = Buffer.alloc(1 + Math.floor(random() * most));
    await device.read(offset, target);
    assert.ok(target.equals(backup.content(offset, target.length)), `round ${round}`);
  }
  const many = Array.from({ length: 20 }, async (_, index) => {
    const target = Buffer.alloc(100 * KiB);
    await device.read(index * 77 * KiB, target);
    assert.ok(target.equals(backup.content(index * 77 * KiB, target.length)));
  });
  await Promise.all(many);
  await assert.rejects(device.write(), { code: 'read_only' });
});

test('reads in order ask for little more than there is, and holes are known', async () => {
  const backup = new SampleBackup(8 * MiB);
  const device = new BackingDevice(backup, backup.backing);
  for (let at = 0; at < 8 * MiB; at += 4 * KiB) await device.read(at, Buffer.alloc(4 * KiB));
  assert.equal(backup.blocksRead, 128, 'each block once');
  const extents = await device.extents(0, 8 * MiB);
  assert.deepEqual(
    extents.slice(0, 3).map(({ kind, lengthBytes }) => [kind, lengthBytes / (64 * KiB)]),
    [
      ['absent', 1],
      ['data', 2],
      ['absent', 1],
    ],
  );
});

test('what could not be read is asked for again', async () => {
  const backup = new SampleBackup(MiB);
  const device = new BackingDevice(backup, backup.backing);
  backup.isGone = true;
  const target = Buffer.alloc(10 * KiB);
  await assert.rejects(device.read(70 * KiB, target), { code: 'unavailable' });
  backup.isGone = false;
  await device.read(70 * KiB, target);
  assert.ok(target.equals(backup.content(70 * KiB, target.length)));
});
