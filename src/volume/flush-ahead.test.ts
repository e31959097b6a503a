/** A volume goes on, whatever is done to it, while its head flushes in the background. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { KiB, MiB, TiB } from '../base/bytes.ts';
import type { FileOperations, OpenFile } from '../layer/file-operations.ts';
import { nodeFileOperations } from '../layer/node-file-operations.ts';
import type { BlockDevice } from './block-device.ts';
import type { OpenedEngine } from './open-engine.ts';
import { openVolumeEngine } from './open-engine.ts';

const sector = 4 * KiB;
/** What one page of a map describes. */
const pageSpan = 64 * MiB;
const lengthBytes = 4 * TiB;
/** Some three hundred pages, of which half are flushed. */
const limits = { changedBytes: 100 * KiB, logBytes: MiB };

/** Files whose syncs wait while they are told to. */
class Gate {
  syncs = 0;
  #open = Promise.resolve();
  #release: () => void = () => undefined;

  close(): void {
    const gate = Promise.withResolvers<void>();
    this.#open = gate.promise;
    this.#release = gate.resolve;
  }

  release(): void {
    this.#release();
  }

  operations(): FileOperations {
    const open: FileOperations['open'] = async (path, mode) => {
      const file = await nodeFileOperations.open(path, mode);
      const gated: OpenFile = {
        read: (target, position) => file.read(target, position),
        write: (content, position) => file.write(content, position),
        datasync: async () => {
          this.syncs += 1;
          await this.#open;
          await file.datasync();
        },
        truncate: (length) => file.truncate(length),
        punch: (position, length) => file.punch(position, length),
        sizeBytes: () => file.sizeBytes(),
        allocatedBytes: () => file.allocatedBytes(),
        close: () => file.close(),
      };
      return gated;
    };
    return { ...nodeFileOperations, open };
  }
}

function contentOf(index: number): Buffer {
  return Buffer.alloc(sector, 1 + (index % 250));
}

/** Each write is at a page of its own, so the changes take as much memory as they can. */
function placeOf(index: number): number {
  return index * pageSpan + ((index * 61) % 16_000) * sector;
}

async function begin(t: TestContext) {
  const parent = await mkdtemp(join(tmpdir(), 'firn-ahead-'));
  t.after(() => rm(parent, { recursive: true }));
  const gate = new Gate();
  const folder = join(parent, 'volumes');
  const engine = await openVolumeEngine({ folder, fs: gate.operations(), limits });
  await engine.createVolume({ volumeId: 'v', lengthBytes });
  const device = await engine.openVolume('v');
  const before = gate.syncs;
  gate.close();
  let count = 0;
  while (gate.syncs === before) {
    assert.ok(count < 1000, 'a flush begins by itself');
    await device.write(placeOf(count), contentOf(count));
    count += 1;
  }
  return { folder, gate, engine, device, count };
}

async function assertHolds(device: BlockDevice, count: number): Promise<void> {
  const target = Buffer.alloc(sector);
  for (let index = 0; index < count; index += 1) {
    await device.read(placeOf(index), target);
    assert.ok(target.equals(contentOf(index)), `write ${index}`);
  }
}

async function reopen(folder: string, work: (engine: OpenedEngine) => Promise<void>) {
  const engine = await openVolumeEngine({ folder });
  await work(engine);
  await engine.close();
}

test('writes and snapshots during a flush in the background, and a merge after it', async (t) => {
  const { folder, gate, engine, device, count } = await begin(t);
  await assertHolds(device, count);
  await device.write(placeOf(count), contentOf(count));
  let isTaken = false;
  const taking = engine.createSnapshots([{ volumeId: 'v', snapshotId: 's' }]).finally(() => {
    isTaken = true;
  });
  await nextTurn();
  await device.write(placeOf(count + 1), contentOf(count + 1));
  await device.write(placeOf(0) + sector, contentOf(7));
  assert.ok(!isTaken, 'a snapshot is there when its layer is durable');
  gate.release();
  await taking;
  await assertHolds(device, count + 2);
  await engine.deleteSnapshot('s');
  await engine.settled();
  await assertHolds(device, count + 2);
  await device.close();
  await engine.close();
  await reopen(folder, async (again) => {
    const found = await again.openVolume('v');
    await assertHolds(found, count + 2);
    await found.close();
  });
});

test('who closes a volume waits for a flush in the background; then it can go', async (t) => {
  const { folder, gate, engine, device, count } = await begin(t);
  let isClosed = false;
  const closing = device.close().finally(() => {
    isClosed = true;
  });
  await nextTurn();
  assert.ok(!isClosed);
  gate.release();
  await closing;
  await engine.close();
  await reopen(folder, async (again) => {
    const found = await again.openVolume('v');
    await assertHolds(found, count);
    await found.close();
    await again.deleteVolume('v');
  });
});
