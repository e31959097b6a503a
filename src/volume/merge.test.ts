import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { KiB, MiB } from '../base/bytes.ts';
import { must } from '../base/assert.ts';
import type { BlockDevice } from './block-device.ts';
import type { OpenedEngine } from './open-engine.ts';
import { openVolumeEngine } from './open-engine.ts';

const sector = 4 * KiB;
const lengthBytes = 192 * MiB;

async function withEngine(
  work: (engine: OpenedEngine, folder: string) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'firn-merge-'));
  const engine = await openVolumeEngine({ folder });
  try {
    await engine.createVolume({ volumeId: 'v', lengthBytes });
    await work(engine, folder);
  } finally {
    await engine.close();
    await rm(folder, { recursive: true });
  }
}

function layersIn(folder: string): Promise<string[]> {
  return readdir(join(folder, 'layers'));
}

async function readAll(device: BlockDevice, offset: number, length: number): Promise<Buffer> {
  const target = Buffer.alloc(length);
  await device.read(offset, target);
  return target;
}

function snapshot(engine: OpenedEngine, snapshotId: string): Promise<unknown> {
  return engine.createSnapshots([{ volumeId: 'v', snapshotId }]);
}

test('a merge into the head loses no write that a guest makes meanwhile', async () => {
  await withEngine(async (engine, folder) => {
    const device = await engine.openVolume('v');
    const expected = Buffer.alloc(8 * MiB);
    for (let at = 0; at < expected.length; at += sector)
      expected.fill(at / sector, at, at + sector);
    await device.write(60 * MiB, expected);
    await snapshot(engine, 's');
    await engine.deleteSnapshot('s');
    const merged = new AbortController();
    const merging = engine.settled().finally(() => merged.abort());
    let round = 0;
    while (!merged.signal.aborted || round < 2000) {
      // A stride that is prime to the number of places reaches all of them in no simple order.
      const at = (round * 613 * 512) % (expected.length - 700);
      const content = Buffer.alloc(700, round + 1);
      round += 1;
      content.copy(expected, at);
      await device.write(60 * MiB + at, content);
    }
    await merging;
    assert.ok((await readAll(device, 60 * MiB, expected.length)).equals(expected));
    await device.close();
    assert.equal((await layersIn(folder)).length, 1);
    const again = await engine.openVolume('v');
    assert.ok((await readAll(again, 60 * MiB, expected.length)).equals(expected));
    await again.close();
  });
});

test('a snapshot that is open keeps its bytes when its name goes', async () => {
  await withEngine(async (engine, folder) => {
    const device = await engine.openVolume('v');
    await device.write(0, Buffer.alloc(sector, 1));
    await snapshot(engine, 's');
    const open = await engine.openSnapshot('s');
    await device.write(0, Buffer.alloc(sector, 2));
    await engine.deleteSnapshot('s');
    await engine.settled();
    await assert.rejects(engine.openSnapshot('s'), { code: 'not_found' });
    assert.equal((await readAll(open, 0, 1))[0], 1);
    assert.equal((await layersIn(folder)).length, 2);
    await open.close();
    await engine.settled();
    assert.equal((await layersIn(folder)).length, 1);
    assert.equal((await readAll(device, 0, 1))[0], 2);
    await device.close();
  });
});

test('a small layer goes into the files of a large one, under open views', async () => {
  await withEngine(async (engine, folder) => {
    const device = await engine.openVolume('v');
    const expected = Buffer.alloc(4 * MiB, 1);
    await device.write(62 * MiB, expected);
    await snapshot(engine, 'large');
    await device.write(63 * MiB + 10, Buffer.alloc(sector, 2));
    await device.zero(64 * MiB, 2 * sector);
    await snapshot(engine, 'small');
    expected.fill(2, MiB + 10, MiB + 10 + sector);
    expected.fill(0, 2 * MiB, 2 * MiB + 2 * sector);
    const large = must(await engine.findSnapshot('large'), 'the snapshot').layerId;
    const inode = (await stat(join(folder, 'layers', large, 'data'))).ino;
    const view = await engine.openSnapshot('small');
    assert.ok((await readAll(view, 62 * MiB, expected.length)).equals(expected));
    await engine.deleteSnapshot('large');
    await engine.settled();
    const facts = must(await engine.findSnapshot('small'), 'the snapshot');
    assert.deepEqual(facts.chain, [facts.layerId]);
    const files = await readdir(join(folder, 'layers', facts.layerId));
    const data = must(
      files.find((name) => name.startsWith('data')),
      'the data file',
    );
    assert.equal(files.length, 3);
    assert.equal((await stat(join(folder, 'layers', facts.layerId, data))).ino, inode);
    assert.ok((await readAll(view, 62 * MiB, expected.length)).equals(expected));
    assert.ok((await readAll(device, 62 * MiB, expected.length)).equals(expected));
    await view.close();
    await device.close();
  });
});

test('a layer with several children stays until it has one', async () => {
  await withEngine(async (engine, folder) => {
    const device = await engine.openVolume('v');
    await device.write(0, Buffer.alloc(sector, 1));
    await snapshot(engine, 's');
    await engine.createVolume({ volumeId: 'clone', lengthBytes, from: { snapshotId: 's' } });
    await engine.deleteSnapshot('s');
    await engine.settled();
    assert.equal((await layersIn(folder)).length, 3);
    const clone = await engine.openVolume('clone');
    await device.write(0, Buffer.alloc(sector, 2));
    assert.equal((await readAll(clone, 0, 1))[0], 1);
    await clone.write(sector, Buffer.alloc(sector, 3));
    assert.equal((await readAll(device, sector, 1))[0], 0);
    await device.close();
    await engine.deleteVolume('v');
    await engine.settled();
    assert.equal((await layersIn(folder)).length, 1);
    assert.equal((await readAll(clone, 0, 1))[0], 1);
    assert.equal((await readAll(clone, sector, 1))[0], 3);
    await clone.close();
  });
});

test('the end of a volume that was freed gives its space back', async () => {
  await withEngine(async (engine, folder) => {
    const device = await engine.openVolume('v');
    await device.write(0, Buffer.alloc(sector, 1));
    await device.write(100 * MiB, Buffer.alloc(MiB, 1));
    await device.flush();
    const [layer] = await layersIn(folder);
    const path = join(folder, 'layers', must(layer, 'the head'), 'data');
    assert.equal((await stat(path)).size, 101 * MiB);
    await device.trim(50 * MiB, 20 * MiB);
    await device.trim(90 * MiB, 20 * MiB);
    await device.flush();
    await engine.settled();
    assert.equal((await stat(path)).size, sector);
    assert.equal((await readAll(device, 100 * MiB, 1))[0], 0);
    await device.close();
  });
});
