import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { FileOperations } from '../layer/file-operations.ts';
import { nodeFileOperations } from '../layer/node-file-operations.ts';
import type { OpenedEngine } from './open-engine.ts';
import { openVolumeEngine } from './open-engine.ts';

const sector = 4096;

/** A disk whose syncs of data end when the test says so. */
async function open(t: TestContext, synced: Promise<void>): Promise<OpenedEngine> {
  const folder = await mkdtemp(join(tmpdir(), 'firn-begin-'));
  const fs: FileOperations = {
    ...nodeFileOperations,
    open: async (path, mode) => {
      const file = await nodeFileOperations.open(path, mode);
      if (!path.endsWith('/data')) return file;
      const datasync = file.datasync.bind(file);
      return Object.assign(file, { datasync: () => synced.then(datasync) });
    },
  };
  const engine = await openVolumeEngine({ folder, fs });
  t.after(async () => {
    await engine.close();
    await rm(folder, { recursive: true });
  });
  return engine;
}

test('the instant is over long before the disk has everything', async (t) => {
  const { promise: synced, resolve } = Promise.withResolvers<void>();
  const engine = await open(t, synced);
  await engine.createVolume({ volumeId: 'v', lengthBytes: 4 * sector });
  const device = await engine.openVolume('v');
  await device.write(0, Buffer.alloc(sector, 1));
  const wanted = [{ volumeId: 'v', snapshotId: 's' }];
  await engine.beginSnapshots(wanted);
  assert.equal(await engine.findSnapshot('s'), undefined);
  await device.write(0, Buffer.alloc(sector, 2));
  const made = engine.createSnapshots(wanted);
  resolve();
  assert.equal((await made)[0]?.snapshotId, 's');
  const snapshot = await engine.openSnapshot('s');
  const target = Buffer.alloc(sector);
  await snapshot.read(0, target);
  assert.deepEqual(target, Buffer.alloc(sector, 1));
  await snapshot.close();
  await device.close();
});

test('what is known before the instant is refused at once', async (t) => {
  const engine = await open(t, Promise.resolve());
  const wanted = [{ volumeId: 'none', snapshotId: 's' }];
  await assert.rejects(engine.beginSnapshots(wanted), { code: 'not_found' });
});

test('after a failed sync there is no snapshot, and asking for it says why', async (t) => {
  const failing = Promise.withResolvers<void>();
  const engine = await open(t, failing.promise);
  await engine.createVolume({ volumeId: 'v', lengthBytes: 4 * sector });
  const device = await engine.openVolume('v');
  await device.write(0, Buffer.alloc(sector, 1));
  const wanted = [{ volumeId: 'v', snapshotId: 's' }];
  await engine.beginSnapshots(wanted);
  failing.reject(Object.assign(new Error('EIO: made to fail'), { code: 'EIO' }));
  await assert.rejects(engine.createSnapshots(wanted), { code: 'io' });
  assert.equal(await engine.findSnapshot('s'), undefined);
  // Whoever leaves the volume last is told as well: this device, or work in the background.
  await device.close().catch(({ code }: { code?: unknown }) => assert.equal(code, 'io'));
});

test('a freeze waits for no write: what is under way ends in the snapshot', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'firn-begin-'));
  const { promise: written, resolve: letWrite } = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  let holds = true;
  const fs: FileOperations = {
    ...nodeFileOperations,
    open: async (path, mode) => {
      const file = await nodeFileOperations.open(path, mode);
      if (!path.endsWith('/data') || !holds) return file;
      const write = file.write.bind(file);
      return Object.assign(file, {
        writeNow: () => false,
        write: (content: Uint8Array, at: number) => {
          begun.resolve();
          return written.then(() => write(content, at));
        },
      });
    },
  };
  const engine = await openVolumeEngine({ folder, fs });
  t.after(async () => {
    await engine.close();
    await rm(folder, { recursive: true });
  });
  await engine.createVolume({ volumeId: 'v', lengthBytes: 8 * sector });
  const device = await engine.openVolume('v');
  const target = Buffer.alloc(2 * sector);
  await device.read(0, target);
  const underWay = device.write(0, Buffer.alloc(2 * sector, 1));
  const waiting = device.write(sector, Buffer.alloc(sector, 2));
  await begun.promise;
  holds = false;
  const wanted = [{ volumeId: 'v', snapshotId: 's' }];
  await engine.beginSnapshots(wanted);
  await device.write(4 * sector, Buffer.alloc(sector, 3));
  assert.equal(await engine.findSnapshot('s'), undefined, 'it is not whole yet');
  letWrite();
  await Promise.all([underWay, waiting]);
  await engine.createSnapshots(wanted);
  await device.flush();
  const whole = Buffer.alloc(5 * sector);
  await device.read(0, whole);
  const expected = [1, 2, 0, 0, 3].map((byte) => Buffer.alloc(sector, byte));
  assert.ok(whole.equals(Buffer.concat(expected)));
  const snapshot = await engine.openSnapshot('s');
  await snapshot.read(0, whole);
  const before = [1, 1, 0, 0, 0].map((byte) => Buffer.alloc(sector, byte));
  assert.ok(whole.equals(Buffer.concat(before)));
  await snapshot.close();
  await device.close();
});
