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
  await device.close();
});
