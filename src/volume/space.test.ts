import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { must } from '../base/assert.ts';
import { KiB, MiB } from '../base/bytes.ts';
import { messageOf } from '../base/errors.ts';
import type { BlockDevice } from './block-device.ts';
import type { BeforeOperation } from './failing-files.ts';
import { hookedFileOperations, systemError } from './failing-files.ts';
import type { OpenedEngine } from './open-engine.ts';
import { openVolumeEngine } from './open-engine.ts';

const sector = 4 * KiB;
const lengthBytes = 192 * MiB;

interface Scene {
  readonly engine: OpenedEngine;
  readonly device: BlockDevice;
  readonly folder: string;
  readonly reports: unknown[];
  /** What the data files of all layers take on the disk. */
  readonly takenBytes: () => Promise<number>;
}

async function withVolume(
  work: (scene: Scene) => Promise<void>,
  before: BeforeOperation = () => undefined,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'firn-space-'));
  const reports: unknown[] = [];
  const engine = await openVolumeEngine({
    folder,
    fs: hookedFileOperations(before),
    report: (error) => reports.push(error),
  });
  try {
    await engine.createVolume({ volumeId: 'v', lengthBytes });
    const device = await engine.openVolume('v');
    await work({ engine, device, folder, reports, takenBytes: () => takenBytes(folder) });
    await device.close();
  } finally {
    await engine.close();
    await rm(folder, { recursive: true });
  }
}

async function takenBytes(folder: string): Promise<number> {
  let taken = 0;
  for (const layer of await readdir(join(folder, 'layers'))) {
    for (const name of await readdir(join(folder, 'layers', layer))) {
      if (!name.startsWith('data')) continue;
      taken += (await stat(join(folder, 'layers', layer, name))).blocks * 512;
    }
  }
  return taken;
}

async function assertContent(device: BlockDevice, expected: Buffer): Promise<void> {
  const found = Buffer.alloc(expected.length);
  await device.read(0, found);
  assert.ok(found.equals(expected));
}

for (const verb of ['trim', 'zero'] as const) {
  test(`${verb} gives space back, in the middle and in single sectors`, async () => {
    await withVolume(async ({ engine, device, takenBytes: taken, reports }) => {
      const expected = Buffer.alloc(16 * MiB, 1);
      await device.write(0, expected);
      await device.flush();
      const full = await taken();
      assert.ok(full >= 16 * MiB);
      await device[verb](4 * MiB + 1, 4 * MiB);
      expected.fill(0, verb === 'trim' ? 4 * MiB + sector : 4 * MiB + 1, 8 * MiB);
      if (verb === 'zero') expected.fill(0, 8 * MiB, 8 * MiB + 1);
      for (let at = 9 * MiB; at < 10 * MiB; at += 2 * sector) {
        await device[verb](at, sector);
        expected.fill(0, at, at + sector);
      }
      assert.equal(await taken(), full, 'nothing is given back before a flush');
      await device.flush();
      await engine.settled();
      const spare = (await taken()) - (16 - 4 - 0.5) * MiB;
      assert.ok(spare < 64 * KiB, `${spare} bytes too many are taken`);
      await assertContent(device, expected);
      await device.write(5 * MiB, Buffer.alloc(sector, 2));
      expected.fill(2, 5 * MiB, 5 * MiB + sector);
      await device.flush();
      await engine.settled();
      await assertContent(device, expected);
      assert.deepEqual(reports, []);
    });
  });
}

test('what zeros of a newer layer hide is given back when the layers merge', async () => {
  await withVolume(async ({ engine, device, takenBytes: taken }) => {
    const expected = Buffer.alloc(24 * MiB, 1);
    await device.write(0, expected);
    await engine.createSnapshots([{ volumeId: 'v', snapshotId: 'a' }]);
    await device.zero(8 * MiB, 12 * MiB);
    await device.write(2 * MiB, Buffer.alloc(MiB, 2));
    expected.fill(0, 8 * MiB, 20 * MiB);
    expected.fill(2, 2 * MiB, 3 * MiB);
    await engine.createSnapshots([{ volumeId: 'v', snapshotId: 'b' }]);
    await engine.deleteSnapshot('a');
    await engine.settled();
    assert.equal((await readdirLayers(engine)).length, 1);
    assert.ok((await taken()) < 12 * MiB + 128 * KiB);
    await assertContent(device, expected);
  });
});

async function readdirLayers(engine: OpenedEngine): Promise<readonly string[]> {
  return must(await engine.findSnapshot('b'), 'the snapshot').chain;
}

test('a trim of a head that is frozen before it is flushed gives its space back', async () => {
  await withVolume(async ({ engine, device, takenBytes: taken }) => {
    await device.write(0, Buffer.alloc(16 * MiB, 1));
    await device.flush();
    await device.trim(MiB, 14 * MiB);
    await engine.createSnapshots([{ volumeId: 'v', snapshotId: 's' }]);
    await engine.settled();
    assert.ok((await taken()) < 2 * MiB + 128 * KiB);
    const expected = Buffer.alloc(16 * MiB, 1).fill(0, MiB, 15 * MiB);
    await assertContent(device, expected);
  });
});

test('holes that cannot be made are said once, and nothing else fails', async () => {
  let punches = 0;
  let truncates = 0;
  const before: BeforeOperation = (operation) => {
    if (operation === 'truncate') truncates += 1;
    if (operation !== 'punch') return;
    punches += 1;
    throw systemError('EOPNOTSUPP');
  };
  await withVolume(async ({ engine, device, reports, takenBytes: taken }) => {
    await device.write(0, Buffer.alloc(8 * MiB, 1));
    await device.flush();
    for (const at of [1, 3]) {
      await device.trim(at * MiB, MiB);
      await device.flush();
      await engine.settled();
    }
    assert.equal(punches, 1);
    assert.deepEqual(reports.map(messageOf).slice(1), []);
    assert.match(messageOf(reports[0]), /cannot take it back/);
    assert.equal(truncates, 0, JSON.stringify(reports.map(messageOf)));
    await device.trim(4 * MiB, 4 * MiB);
    await device.flush();
    await engine.settled();
    assert.ok((await taken()) < 4 * MiB, 'the end is cut all the same');
  }, before);
});

test('a failure to give space back is reported, and the volume goes on', async () => {
  const failing = new Set(['punch', 'truncate']);
  const before: BeforeOperation = (operation) => {
    if (failing.has(operation)) throw systemError('EIO');
  };
  await withVolume(async ({ engine, device, folder, reports }) => {
    const expected = Buffer.alloc(16 * MiB, 1);
    await device.write(0, expected);
    await device.flush();
    await device.trim(8 * MiB, 8 * MiB);
    await device.trim(0, 6 * MiB);
    expected.fill(0, 8 * MiB).fill(0, 0, 6 * MiB);
    await device.flush();
    await engine.settled();
    assert.ok(reports.length > 0);
    await device.write(0, Buffer.alloc(sector, 3));
    expected.fill(3, 0, sector);
    await device.flush();
    await assertContent(device, expected);
    assert.ok((await takenBytes(folder)) >= 16 * MiB);
    await device.close();
    await engine.close();
    failing.clear();
    const again = await openVolumeEngine({ folder });
    await again.settled();
    assert.ok((await takenBytes(folder)) < 3 * MiB, 'the next start finds what is spare');
    const found = await again.openVolume('v');
    await assertContent(found, expected);
    await found.close();
    await again.close();
  }, before);
});

test('writes, trims and flushes at the same time leave what a plain array says', async () => {
  await withVolume(async ({ engine, device, reports }) => {
    const seed = 20_261;
    let state = seed;
    const next = (limit: number): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * limit);
    };
    const expected = Buffer.alloc(4 * MiB);
    // Each lane has sectors of its own, so that it is known who was last.
    const lane = async (index: number): Promise<void> => {
      for (let round = 1; round <= 150; round += 1) {
        const at = (next(128) * 8 + index) * sector;
        const dice = next(10);
        if (dice < 5) {
          const value = 1 + next(255);
          await device.write(at, Buffer.alloc(sector, value));
          expected.fill(value, at, at + sector);
        } else if (dice < 9) {
          await (dice < 7 ? device.trim(at, sector) : device.zero(at, sector));
          expected.fill(0, at, at + sector);
        } else {
          await device.flush();
        }
      }
    };
    await device.write(0, Buffer.alloc(4 * MiB, 9));
    expected.fill(9);
    await device.flush();
    await Promise.all(Array.from({ length: 8 }, (_, index) => lane(index)));
    await device.flush();
    await engine.settled();
    await assertContent(device, expected);
    await device.close();
    const again = await engine.openVolume('v');
    await assertContent(again, expected);
    await again.close();
    assert.deepEqual(reports, [], `seed ${seed}`);
  });
});

test('space that a guest frees goes back without a flush of its own, after a while', async (t) => {
  await withVolume(async ({ device, takenBytes: taken }) => {
    await device.write(0, Buffer.alloc(16 * MiB, 1));
    await device.flush();
    const before = await taken();
    t.mock.timers.enable({ apis: ['setTimeout'] });
    await device.trim(MiB, 14 * MiB);
    assert.equal(await taken(), before, 'its marks are not durable yet');
    while ((await taken()) > before - 13 * MiB) {
      t.mock.timers.tick(10_000);
      await new Promise(setImmediate);
    }
    t.mock.timers.reset();
    await assertContent(device, Buffer.concat([Buffer.alloc(MiB, 1), Buffer.alloc(14 * MiB)]));
  });
});
