/** What a layer does when much of it is not durable: it flushes ahead, and few have to wait. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { KiB, MiB, TiB } from '../base/bytes.ts';
import { newId } from '../base/ids.ts';
import type { FileOperations, OpenFile } from './file-operations.ts';
import { FilePool } from './file-pool.ts';
import { Holes } from './holes.ts';
import { createLayerFolder } from './layer-folder.ts';
import type { LayerLimits } from './layer.ts';
import { Layer } from './layer.ts';
import { kindAt, pageSectors } from './map-page.ts';
import { nodeFileOperations } from './node-file-operations.ts';
import { absent, data, sectorBytes } from './sector.ts';

const sectors = TiB / sectorBytes;
const content = Buffer.alloc(sectorBytes, 1);

/** A layer of 1 TiB whose syncs are counted, and wait or fail as they are told. */
class Scene {
  syncs = 0;
  /** What a sync waits for. */
  gate: Promise<void> | undefined;
  reports: unknown[] = [];
  readonly layer: Layer;
  readonly #pool: FilePool;

  private constructor(folder: string, id: string, limits: LayerLimits | undefined) {
    const record = { id, parent: null, lengthBytes: TiB, dataFile: 'data', mapFile: 'map' };
    this.#pool = new FilePool(
      this.#operations(),
      8,
      new Holes((error) => this.reports.push(error)),
    );
    this.layer = new Layer(join(folder, id), record, this.#pool, { isNew: true, limits });
  }

  static async make(t: TestContext, limits?: LayerLimits): Promise<Scene> {
    const folder = await mkdtemp(join(tmpdir(), 'firn-limits-'));
    t.after(() => rm(folder, { recursive: true }));
    const id = newId();
    const record = { id, parent: null, lengthBytes: TiB, dataFile: 'data', mapFile: 'map' };
    await createLayerFolder(nodeFileOperations, folder, record);
    return new Scene(folder, id, limits);
  }

  /** The layer as another process would open it. */
  reopened(): Layer {
    return new Layer(this.layer.folder, this.layer.record, this.#pool);
  }

  async write(sector: number): Promise<void> {
    await this.layer.write(sector * sectorBytes, content);
    await this.layer.mark(sector, sector + 1, data);
  }

  #operations(): FileOperations {
    const open: FileOperations['open'] = async (path, mode) => {
      const file = await nodeFileOperations.open(path, mode);
      const datasync = async (): Promise<void> => {
        this.syncs += 1;
        await this.gate;
        await file.datasync();
      };
      const hooked: OpenFile = {
        read: (target, position) => file.read(target, position),
        write: (bytes, position) => file.write(bytes, position),
        datasync,
        truncate: (length) => file.truncate(length),
        punch: (position, length) => file.punch(position, length),
        sizeBytes: () => file.sizeBytes(),
        allocatedBytes: () => file.allocatedBytes(),
        close: () => file.close(),
      };
      if (file.writeNow === undefined) return hooked;
      return {
        ...hooked,
        writeNow: (bytes, position) => file.writeNow?.(bytes, position) === true,
      };
    };
    return { ...nodeFileOperations, open };
  }
}

async function kindOf(layer: Layer, sector: number): Promise<number> {
  const page = await layer.map.readPage(Math.floor(sector / pageSectors));
  return page === undefined ? absent : kindAt(page, sector % pageSectors);
}

/** The same places in every run, all over the layer. */
function placeOf(index: number): number {
  return Math.floor(((index * 0.618_033_988_749) % 1) * sectors);
}

test('20,000 writes at random places of 1 TiB wait for no sync, in little memory', async (t) => {
  const scene = await Scene.make(t);
  const { layer } = scene;
  await layer.map.open();
  const count = 20_000;
  for (let index = 0; index < count; index += 1) {
    const sector = placeOf(index);
    const isNow = layer.writeNow(sector * sectorBytes, content);
    if (!isNow || !layer.markNow([{ first: sector, end: sector + 1 }])) await scene.write(sector);
    assert.ok(!layer.isFull);
  }
  assert.equal(scene.syncs, 0);
  assert.ok(layer.map.changedBytes < 8 * MiB);
  for (let index = 0; index < count; index += 97) {
    assert.equal(await kindOf(layer, placeOf(index)), data);
    assert.equal(await kindOf(layer, placeOf(index) ^ 1), absent);
  }
  await layer.close();
});

for (const limits of [
  { changedBytes: 64 * KiB, logBytes: MiB },
  { changedBytes: MiB, logBytes: 4 * KiB },
]) {
  const what = limits.logBytes > limits.changedBytes ? 'memory' : 'log';
  test(`a flush begins at half of the limit of the ${what}, and few wait`, async (t) => {
    const scene = await Scene.make(t, limits);
    const { layer } = scene;
    const gate = Promise.withResolvers<void>();
    scene.gate = gate.promise;
    let count = 0;
    while (scene.syncs === 0) {
      await scene.write(placeOf(count));
      count += 1;
    }
    assert.ok(!layer.isFull);
    await layer.makeRoom();
    const ahead = count;
    while (!layer.isFull) {
      await scene.write(placeOf(count));
      count += 1;
    }
    assert.ok(count > ahead * 1.5, 'much can be written while the flush is under way');
    assert.equal(scene.syncs, 1);
    assert.equal(layer.writeNow(0, content), false);
    let hasRoom = false;
    const waiting = layer.makeRoom().finally(() => {
      hasRoom = true;
    });
    await new Promise(setImmediate);
    assert.ok(!hasRoom);
    scene.gate = undefined;
    gate.resolve();
    await waiting;
    assert.ok(!layer.isFull);
    // What was written meanwhile is durable only after the next flush.
    await layer.flush();
    const reopened = scene.reopened();
    for (let index = 0; index < count; index += 1) {
      assert.equal(await kindOf(reopened, placeOf(index)), data);
    }
    await reopened.close();
    await layer.close();
  });
}

async function beginFlush(scene: Scene): Promise<PromiseWithResolvers<void>> {
  const gate = Promise.withResolvers<void>();
  scene.gate = gate.promise;
  for (let index = 0; scene.syncs === 0; index += 1) await scene.write(placeOf(index));
  return gate;
}

const small = { changedBytes: 32 * KiB, logBytes: MiB };

test('whoever closes a layer waits for a flush in the background, and loses nothing', async (t) => {
  const scene = await Scene.make(t, small);
  const gate = await beginFlush(scene);
  let isClosed = false;
  const closing = scene.layer.close().finally(() => {
    isClosed = true;
  });
  await new Promise(setImmediate);
  assert.ok(!isClosed);
  scene.gate = undefined;
  gate.resolve();
  await closing;
  const reopened = scene.reopened();
  assert.equal(await kindOf(reopened, placeOf(0)), data);
  await reopened.close();
  assert.deepEqual(scene.reports, []);
});

test('after a flush in the background has failed, a layer changes no more', async (t) => {
  const scene = await Scene.make(t, small);
  const { layer } = scene;
  const gate = await beginFlush(scene);
  gate.reject(new Error('made to fail'));
  while (layer.failure === undefined) await new Promise(setImmediate);
  scene.gate = undefined;
  await assert.rejects(scene.write(77), { code: 'io' });
  await assert.rejects(layer.flush(), { code: 'io' });
  assert.equal(layer.writeNow(77 * sectorBytes, content), false);
  await new Promise(setImmediate);
  assert.equal(scene.reports.length, 1);
  assert.equal(await kindOf(layer, placeOf(0)), data, 'reads go on');
  await layer.recover();
  assert.equal(await kindOf(layer, placeOf(0)), absent, 'the files count');
  await scene.write(77);
  await layer.flush();
  assert.equal(await kindOf(layer, 77), data);
  await layer.close();
});

test('a layer recovers only when a flush in the background has ended', async (t) => {
  const scene = await Scene.make(t, small);
  const gate = await beginFlush(scene);
  const recovering = scene.layer.recover();
  await new Promise(setImmediate);
  scene.gate = undefined;
  gate.resolve();
  await recovering;
  assert.equal(
    await kindOf(scene.layer, placeOf(0)),
    data,
    'what that flush has made durable stays',
  );
  await scene.layer.close();
});
