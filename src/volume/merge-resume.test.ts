import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { KiB, MiB } from '../base/bytes.ts';
import { newId } from '../base/ids.ts';
import { FilePool } from '../layer/file-pool.ts';
import { createLayerFolder, readLayerRecord, sweepLayerFolder } from '../layer/layer-folder.ts';
import { Layer } from '../layer/layer.ts';
import { nodeFileOperations } from '../layer/node-file-operations.ts';
import { data, sectorBytes } from '../layer/sector.ts';
import { BackgroundPace } from './background-pace.ts';
import { hookedFileOperations, systemError } from './failing-files.ts';
import { mergeDown } from './merge-down.ts';
import { mergeUp } from './merge-up.ts';
import { openVolumeEngine } from './open-engine.ts';
import { VolatileFiles } from './volatile-files.ts';
import { copyFolder } from './copy-folder-fixture.ts';

/** Merges that were broken off go on where they were. */
async function withFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const parent = await mkdtemp(join(tmpdir(), 'firn-resume-'));
  try {
    await work(join(parent, 'volumes'));
  } finally {
    await rm(parent, { recursive: true });
  }
}

test('a merge into the head that lost power copies only what was not flushed', async () => {
  await withFolder(async (folder) => {
    const lengthBytes = 48 * MiB;
    const expected = Buffer.alloc(lengthBytes);
    for (let at = 0; at < lengthBytes; at += MiB) expected.fill(1 + at / MiB, at, at + MiB);
    let copiedBytes = 0;
    let failAt = Infinity;
    let isCounting = false;
    const hooked = hookedFileOperations((operation, path) => {
      if (!isCounting || operation !== 'write' || !path.includes('/data')) return;
      copiedBytes += 256 * KiB;
      if (copiedBytes > failAt) throw systemError('EIO');
    });
    const files = new VolatileFiles(hooked);
    const engine = await openVolumeEngine({
      folder,
      fs: files.operations,
      report: () => undefined,
    });
    await engine.createVolume({ volumeId: 'v', lengthBytes });
    const device = await engine.openVolume('v');
    for (let at = 0; at < lengthBytes; at += MiB) {
      await device.write(at, expected.subarray(at, at + MiB));
    }
    await engine.createSnapshots([{ volumeId: 'v', snapshotId: 's' }]);
    [isCounting, failAt] = [true, 40 * MiB];
    await engine.deleteSnapshot('s');
    await assert.rejects(engine.settled(), { code: 'io' });
    const copy = `${folder}-after`;
    copyFolder(folder, copy);
    files.cutPower(folder, copy, () => true);
    isCounting = false;
    await device.close();
    await engine.close();
    [isCounting, failAt, copiedBytes] = [true, Infinity, 0];
    const after = await openVolumeEngine({ folder: copy, fs: hooked });
    await after.settled();
    assert.ok(copiedBytes <= 16 * MiB, `${copiedBytes} bytes were copied again`);
    assert.equal((await readdir(join(copy, 'layers'))).length, 1);
    const found = await after.openVolume('v');
    const content = Buffer.alloc(lengthBytes);
    for (let at = 0; at < lengthBytes; at += MiB) {
      await found.read(at, content.subarray(at, at + MiB));
    }
    assert.ok(content.equals(expected));
    await found.close();
    await after.close();
  });
});

interface Pair {
  readonly pool: FilePool;
  readonly parent: Layer;
  readonly child: Layer;
}

const regionBytes = 64 * MiB;
const regions = 6;

/** Opens the two layers of a folder, as a start does. */
async function openPair(folder: string, ids: readonly string[], pool: FilePool): Promise<Pair> {
  const layers: Layer[] = [];
  for (const id of ids) {
    const record = await readLayerRecord(pool.operations, folder, id);
    await sweepLayerFolder(pool.operations, folder, record);
    layers.push(new Layer(join(folder, id), record, pool));
  }
  const [parent, child] = layers;
  assert.ok(parent && child);
  return { pool, parent, child };
}

/** A parent with a sector at the start of each region, and a child with the one after it. */
async function makePair(folder: string, pool: FilePool): Promise<string[]> {
  const ids = [newId(), newId()];
  await pool.operations.makeFolder(folder);
  for (const [index, id] of ids.entries()) {
    const parent = index === 0 ? null : (ids[0] ?? null);
    const lengthBytes = regions * regionBytes;
    const record = { id, parent, lengthBytes, dataFile: 'data', mapFile: 'map' };
    await createLayerFolder(pool.operations, folder, record);
    const layer = new Layer(join(folder, id), record, pool);
    for (let region = 0; region < regions; region += 1) {
      const sector = (region * regionBytes) / sectorBytes + index;
      await layer.write(sector * sectorBytes, Buffer.alloc(sectorBytes, 10 * index + region));
      await layer.mark(sector, sector + 1, data);
    }
    await layer.flush();
    await layer.close();
  }
  return ids;
}

function downOf(pair: Pair, stopAfter: number): Promise<boolean> {
  let left = stopAfter;
  return mergeDown({
    ...pair,
    pace: new BackgroundPace(() => 0),
    goOn: () => (left -= 1) >= 0,
    onSwitch: () => undefined,
    noteBytes: sectorBytes,
  });
}

async function assertMerged(child: Layer): Promise<void> {
  const found = Buffer.alloc(2 * sectorBytes);
  for (let region = 0; region < regions; region += 1) {
    await child.read(region * regionBytes, found);
    assert.equal(found[0], region);
    assert.equal(found[sectorBytes], 10 + region);
  }
}

test('a merge down that lost power goes on from its last note', async () => {
  await withFolder(async (folder) => {
    let writes = 0;
    const hooked = hookedFileOperations((operation, path) => {
      if (operation === 'write' && path.includes('/data')) writes += 1;
    });
    const files = new VolatileFiles(hooked);
    const pool = new FilePool(files.operations);
    const ids = await makePair(folder, pool);
    const first = await openPair(folder, ids, pool);
    assert.equal(await downOf(first, 4), false);
    const copy = `${folder}-after`;
    copyFolder(folder, copy);
    files.cutPower(folder, copy, () => true);
    await first.parent.close();
    await first.child.close();
    writes = 0;
    const second = await openPair(copy, ids, new FilePool(hooked));
    assert.equal(await downOf(second, Infinity), true);
    assert.ok(writes > 0 && writes <= 3, `${writes} of ${regions} sectors were copied again`);
    await assertMerged(second.child);
    await second.child.close();
    const again = await readLayerRecord(nodeFileOperations, copy, second.child.id);
    const reopened = new Layer(second.child.folder, again, new FilePool(nodeFileOperations));
    await assertMerged(reopened);
    await reopened.close();
  });
});

test('a note of progress does not count once another merge has written there', async () => {
  await withFolder(async (folder) => {
    const pool = new FilePool(nodeFileOperations);
    const ids = await makePair(folder, pool);
    const pair = await openPair(folder, ids, pool);
    assert.equal(await downOf(pair, 4), false);
    // Something older is merged into the parent, over what was copied into its file.
    const id = newId();
    const lengthBytes = regions * regionBytes;
    const record = { id, parent: null, lengthBytes, dataFile: 'data', mapFile: 'map' };
    await createLayerFolder(nodeFileOperations, folder, record);
    const older = new Layer(join(folder, id), record, pool);
    await older.write(sectorBytes, Buffer.alloc(sectorBytes, 99));
    await older.mark(1, 2, data);
    await older.flush();
    await mergeUp({
      parent: older,
      child: pair.parent,
      live: undefined,
      operations: nodeFileOperations,
      pace: new BackgroundPace(() => 0),
      goOn: () => true,
    });
    assert.equal(await downOf(pair, Infinity), true);
    await assertMerged(pair.child);
    for (const layer of [older, pair.parent, pair.child]) await layer.close();
  });
});
