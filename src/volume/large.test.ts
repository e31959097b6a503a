import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { KiB, MiB, TiB } from '../base/bytes.ts';
import type { BlockDevice } from './block-device.ts';
import type { OpenedEngine } from './open-engine.ts';
import { openVolumeEngine } from './open-engine.ts';
import { VolatileFiles } from './volatile-files.ts';

const sector = 4 * KiB;

async function withFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const parent = await mkdtemp(join(tmpdir(), 'firn-large-'));
  try {
    await work(join(parent, 'volumes'));
  } finally {
    await rm(parent, { recursive: true });
  }
}

async function assertBytes(device: BlockDevice, at: number, expected: Buffer): Promise<void> {
  const found = Buffer.alloc(expected.length);
  await device.read(at, found);
  assert.ok(found.equals(expected), `at ${at}`);
}

function snapshot(engine: OpenedEngine, snapshotId: string): Promise<unknown> {
  return engine.createSnapshots([{ volumeId: 'v', snapshotId }]);
}

async function dataFiles(folder: string): Promise<string[]> {
  const names: string[] = [];
  for (const layer of await readdir(join(folder, 'layers'))) {
    const all = await readdir(join(folder, 'layers', layer));
    names.push(...all.filter((name) => name.startsWith('data')));
  }
  return names.sort();
}

for (const lengthBytes of [16 * TiB, 64 * TiB]) {
  test(`a volume of ${lengthBytes / TiB} TiB, to its last sector and through merges`, async () => {
    await withFolder(async (folder) => {
      let engine = await openVolumeEngine({ folder });
      await engine.createVolume({ volumeId: 'v', lengthBytes });
      let device = await engine.openVolume('v');
      const places = [0, 8 * TiB - MiB, lengthBytes - 2 * MiB];
      const expected = places.map((_, index) => Buffer.alloc(2 * MiB, index + 1));
      const check = async (): Promise<void> => {
        for (const [index, at] of places.entries()) {
          await assertBytes(device, at, expected[index] ?? Buffer.alloc(0));
        }
      };
      for (const [index, at] of places.entries()) {
        await device.write(at, expected[index] ?? Buffer.alloc(0));
      }
      await check();
      await snapshot(engine, 'large');
      // Across the border of two files, broken sectors at both ends.
      const small = Buffer.alloc(3 * sector, 9);
      await device.write(8 * TiB - sector - 100, small);
      expected[1]?.set(small, MiB - sector - 100);
      await device.trim(lengthBytes - sector, sector);
      expected[2]?.fill(0, 2 * MiB - sector);
      await snapshot(engine, 'small');
      await device.write(lengthBytes - 2 * sector, Buffer.alloc(10, 7));
      expected[2]?.fill(7, 2 * MiB - 2 * sector, 2 * MiB - 2 * sector + 10);
      await check();
      await engine.deleteSnapshot('large');
      await engine.settled();
      assert.equal((await engine.findSnapshot('small'))?.chain.length, 1, 'merged down');
      await check();
      await engine.deleteSnapshot('small');
      await engine.settled();
      await check();
      await device.close();
      await engine.close();
      const last = lengthBytes / TiB / 8 - 1;
      const parts = new Set(['data', 'data.1', `data.${last}`]);
      assert.deepEqual(await dataFiles(folder), [...parts]);
      engine = await openVolumeEngine({ folder });
      device = await engine.openVolume('v');
      await check();
      await device.trim(8 * TiB - MiB, MiB);
      await device.trim(8 * TiB, MiB);
      await device.trim(lengthBytes - 2 * MiB, 2 * MiB);
      expected[1]?.fill(0);
      expected[2]?.fill(0);
      await device.flush();
      await engine.settled();
      await check();
      await device.close();
      await engine.close();
      const layers = join(folder, 'layers');
      const sizes = execFileSync('sh', ['-c', `stat -c %s ${layers}/*/data*`], {
        encoding: 'utf8',
      });
      assert.deepEqual(sizes.trim().split('\n').map(Number), [
        2 * MiB,
        ...[...parts].slice(1).map(() => 0),
      ]);
    });
  });
}

test('what was flushed beyond 8 TiB survives a power cut, with the file it is in', async () => {
  await withFolder(async (folder) => {
    const files = new VolatileFiles();
    const engine = await openVolumeEngine({ folder, fs: files.operations });
    await engine.createVolume({ volumeId: 'v', lengthBytes: 16 * TiB });
    const device = await engine.openVolume('v');
    const content = Buffer.alloc(2 * sector, 5);
    await device.write(8 * TiB - sector, content);
    await device.flush();
    const copy = `${folder}-after`;
    execFileSync('cp', ['-a', '--sparse=always', folder, copy]);
    files.cutPower(folder, copy, () => true);
    await device.close();
    await engine.close();
    const after = await openVolumeEngine({ folder: copy });
    const found = await after.openVolume('v');
    await assertBytes(found, 8 * TiB - sector, content);
    await found.close();
    await after.close();
  });
});
