import assert from 'node:assert/strict';
import { mkdtemp, open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { MiB, TiB } from '../base/bytes.ts';
import { newId } from '../base/ids.ts';
import { nodeFileOperations } from './node-file-operations.ts';
import { FilePool } from './file-pool.ts';
import { createLayerFolder } from './layer-folder.ts';
import { parseLayerRecord } from './layer-record.ts';
import { Layer } from './layer.ts';
import { directoryAt, directoryBytes, pageAt } from './map-format.ts';
import { absent, data, sectorBytes, zero } from './sector.ts';
import { kindAt, pageSectors } from './map-page.ts';
import { sealBlock } from './sealed-block.ts';

const lengthBytes = 4 * TiB;

async function withLayers(
  count: number,
  work: (layers: Layer[], reopen: (layer: Layer) => Layer) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'firn-layer-'));
  const pool = new FilePool(nodeFileOperations, 8);
  const layers: Layer[] = [];
  const reopen = (layer: Layer): Layer => new Layer(layer.folder, layer.record, pool);
  try {
    for (let index = 0; index < count; index += 1) {
      const id = newId();
      const record = { id, parent: null, lengthBytes, dataFile: 'data', mapFile: 'map' };
      await createLayerFolder(nodeFileOperations, folder, record);
      layers.push(new Layer(join(folder, id), record, pool));
    }
    await work(layers, reopen);
    for (const layer of layers) await layer.close();
    assert.ok(pool.openCount <= 8, 'files are closed when there are too many');
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function writeSector(layer: Layer, sector: number): Promise<void> {
  await layer.write(sector * sectorBytes, Buffer.alloc(sectorBytes, 1));
  await layer.mark(sector, sector + 1, data);
}

async function kindOf(layer: Layer, sector: number): Promise<number> {
  const page = await layer.map.readPage(Math.floor(sector / pageSectors));
  return page === undefined ? absent : kindAt(page, sector % pageSectors);
}

test('what was flushed is in the files, and a mark that was not is not', async () => {
  await withLayers(1, async ([layer], reopen) => {
    assert.ok(layer);
    const far = (3 * TiB) / sectorBytes + 5;
    await writeSector(layer, 3);
    await writeSector(layer, far);
    await layer.flush();
    await layer.mark(9, 10, zero);
    const other = reopen(layer);
    assert.equal(await kindOf(other, 3), data);
    assert.equal(await kindOf(other, far), data);
    assert.equal(await kindOf(other, 9), absent);
    assert.deepEqual([...other.map.presentPages()], [0, Math.floor(far / pageSectors)]);
    await other.close();
    await layer.flush();
    const later = reopen(layer);
    assert.equal(await kindOf(later, 9), zero);
    await later.close();
  });
});

test('a map of little in much is small, and so is what is read of it', async () => {
  await withLayers(1, async ([layer]) => {
    assert.ok(layer);
    await writeSector(layer, (4 * TiB - MiB) / sectorBytes);
    await layer.flush();
    assert.ok((await stat(join(layer.folder, 'map'))).blocks * 512 <= 64 * 1024);
    assert.equal(layer.map.hasPage(0), false);
  });
});

test('a damaged map is said to be corrupt', async () => {
  for (const [position, bytes] of [
    [0, 'FIRN-MOP'],
    [8, 'x'],
    [pageAt(0) + 7, '\xff'],
  ] as const) {
    await withLayers(1, async ([layer], reopen) => {
      assert.ok(layer);
      await writeSector(layer, 3);
      await layer.flush();
      const file = await open(join(layer.folder, 'map'), 'r+');
      await file.write(Buffer.from(bytes, 'latin1'), 0, undefined, position);
      await file.close();
      const other = reopen(layer);
      await assert.rejects(kindOf(other, 3), { code: 'corrupt' });
      await other.close();
    });
  }
});

test('a page that the directory does not name counts as absent', async () => {
  await withLayers(1, async ([layer], reopen) => {
    assert.ok(layer);
    await writeSector(layer, 3);
    await layer.flush();
    const file = await open(join(layer.folder, 'map'), 'r+');
    const empty = sealBlock(new Uint8Array(directoryBytes), directoryAt(0));
    await file.write(empty, 0, empty.length, directoryAt(0));
    await file.close();
    const other = reopen(layer);
    assert.equal(await kindOf(other, 3), absent);
    await other.close();
  });
});

test('many layers share a few open files', async () => {
  await withLayers(30, async (layers) => {
    await Promise.all(layers.map((layer, index) => writeSector(layer, index)));
    await Promise.all(layers.map((layer) => layer.flush()));
    for (const [index, layer] of layers.entries()) {
      const target = Buffer.alloc(sectorBytes);
      await layer.read(index * sectorBytes, target);
      assert.ok(target.every((byte) => byte === 1));
    }
  });
});

test('a layer that ends before its data is corrupt', async () => {
  await withLayers(1, async ([layer]) => {
    assert.ok(layer);
    await assert.rejects(layer.read(0, Buffer.alloc(sectorBytes)), { code: 'corrupt' });
  });
});

test('a record that is not what a layer has is corrupt', () => {
  const id = newId();
  const sound = {
    formatVersion: 1,
    id,
    parent: null,
    lengthBytes,
    dataFile: 'data',
    mapFile: 'map',
  };
  assert.equal(parseLayerRecord(JSON.stringify(sound), id).lengthBytes, lengthBytes);
  for (const change of [
    { formatVersion: 2 },
    { id: newId() },
    { parent: '../x' },
    { lengthBytes: -1 },
    { lengthBytes: '1' },
    { dataFile: '../data' },
    { mapFile: '' },
  ]) {
    const text = JSON.stringify({ ...sound, ...change });
    assert.throws(() => parseLayerRecord(text, id), { code: 'corrupt' });
  }
  assert.throws(() => parseLayerRecord('{', id), { code: 'corrupt' });
  assert.throws(() => parseLayerRecord('[]', id), { code: 'corrupt' });
});
