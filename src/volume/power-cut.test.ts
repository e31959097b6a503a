import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { KiB, MiB } from '../base/bytes.ts';
import { nodeFileOperations } from '../layer/node-file-operations.ts';
import type { BlockDevice } from './block-device.ts';
import type { OpenedEngine } from './open-engine.ts';
import { openVolumeEngine } from './open-engine.ts';
import { VolatileFiles } from './volatile-files.ts';
import { copyFolder } from './copy-folder-fixture.ts';

const sector = 4 * KiB;
const windowBytes = 4 * MiB;

async function withFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const parent = await mkdtemp(join(tmpdir(), 'firn-power-'));
  try {
    await work(join(parent, 'volumes'));
  } finally {
    await rm(parent, { recursive: true });
  }
}

async function readWindow(device: BlockDevice): Promise<Buffer> {
  const target = Buffer.alloc(windowBytes);
  await device.read(0, target);
  return target;
}

/** Builds layers, lets them merge, cuts the power so that all is lost that may be, and compares. */
async function mergeAndCut(build: (engine: OpenedEngine, device: BlockDevice) => Promise<void>) {
  await withFolder(async (folder) => {
    const files = new VolatileFiles();
    const engine = await openVolumeEngine({ folder, fs: files.operations });
    await engine.createVolume({ volumeId: 'v', lengthBytes: 64 * MiB });
    const device = await engine.openVolume('v');
    await build(engine, device);
    await device.flush();
    const expected = await readWindow(device);
    await engine.deleteSnapshot('s');
    await engine.settled();
    const copy = `${folder}-after`;
    copyFolder(folder, copy);
    files.cutPower(folder, copy, () => true);
    await device.close();
    await engine.close();
    const after = await openVolumeEngine({ folder: copy });
    const found = await after.openVolume('v');
    assert.ok((await readWindow(found)).equals(expected));
    await found.close();
    await after.close();
  });
}

test('a merge into the head is durable before its parent goes', async () => {
  await mergeAndCut(async (engine, device) => {
    await device.write(0, Buffer.alloc(windowBytes, 1));
    await engine.createSnapshots([{ volumeId: 'v', snapshotId: 's' }]);
    await device.write(5 * sector, Buffer.alloc(sector, 2));
  });
});

test('a merge into the files of the parent is durable before the child uses them', async () => {
  await mergeAndCut(async (engine, device) => {
    await device.write(0, Buffer.alloc(windowBytes, 1));
    await engine.createSnapshots([{ volumeId: 'v', snapshotId: 's' }]);
    await device.write(5 * sector, Buffer.alloc(sector, 2));
    await engine.createSnapshots([{ volumeId: 'v', snapshotId: 't' }]);
  });
});

test('a flush in a freeze waits for the former head, the new name and the record', async () => {
  for (const held of ['datasync', 'names', 'record'] as const) {
    await withFolder(async (folder) => {
      let hold: Promise<void> | undefined;
      /** The first data that is synced is that of the former head. */
      let heldPath: string | undefined;
      const reached = Promise.withResolvers<void>();
      const wait = async (): Promise<void> => {
        if (hold !== undefined) reached.resolve();
        await hold;
      };
      const engine = await openVolumeEngine({
        folder,
        fs: {
          ...nodeFileOperations,
          open: async (path, mode) => {
            const file = await nodeFileOperations.open(path, mode);
            const datasync = async (): Promise<void> => {
              const isData = held === 'datasync' && path.endsWith('/data');
              if (isData && (heldPath ??= path) === path) await wait();
              await file.datasync();
            };
            return {
              read: (target, position) => file.read(target, position),
              write: (content, position) => file.write(content, position),
              datasync,
              truncate: (length) => file.truncate(length),
              punch: (position, length) => file.punch(position, length),
              sizeBytes: () => file.sizeBytes(),
              allocatedBytes: () => file.allocatedBytes(),
              close: () => file.close(),
            };
          },
          syncFolder: async (path) => {
            if (held === 'names' && path.endsWith('layers')) await wait();
            await nodeFileOperations.syncFolder(path);
          },
          writeDurably: async (path, content) => {
            if (held === 'record' && path.endsWith('v.json')) await wait();
            await nodeFileOperations.writeDurably(path, content);
          },
        },
      });
      await engine.createVolume({ volumeId: 'v', lengthBytes: MiB });
      const device = await engine.openVolume('v');
      await device.write(0, Buffer.alloc(sector, 1));
      const release = Promise.withResolvers<void>();
      hold = release.promise;
      const order: string[] = [];
      const note = (what: string) => (): void => {
        order.push(what);
      };
      const freezing = engine
        .createSnapshots([{ volumeId: 'v', snapshotId: 's' }])
        .finally(note('frozen'));
      // Both are held only after the exchange of the heads.
      await reached.promise;
      await device.write(sector, Buffer.alloc(sector, 2));
      const flushing = device.flush().finally(note('flushed'));
      await Promise.race([flushing, new Promise((resolve) => setTimeout(resolve, 30))]);
      assert.deepEqual(order, []);
      hold = undefined;
      release.resolve();
      await Promise.all([freezing, flushing]);
      await device.close();
      await engine.close();
    });
  }
});
