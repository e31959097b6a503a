import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { KiB, MiB } from '../base/bytes.ts';
import type { FileOperations } from '../layer/file-operations.ts';
import { nodeFileOperations } from '../layer/node-file-operations.ts';
import { hookedFileOperations, systemError } from './failing-files.ts';
import type { OpenedEngine } from './open-engine.ts';
import { openVolumeEngine } from './open-engine.ts';
import { VolatileFiles } from './volatile-files.ts';

/** What the engine does after a file operation of which nobody knows whether it was done. */
const sector = 4 * KiB;
const lengthBytes = 8 * MiB;

async function newFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'firn-doubt-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

function open(folder: string, fs: FileOperations): Promise<OpenedEngine> {
  return openVolumeEngine({ folder, fs, report: () => undefined });
}

async function writeSector(engine: OpenedEngine, volumeId: string, at: number): Promise<void> {
  const device = await engine.openVolume(volumeId);
  await device.write(at * sector, Buffer.alloc(sector, at + 1));
  await device.close();
}

async function assertSectors(folder: string, volumeId: string, count: number): Promise<void> {
  const engine = await openVolumeEngine({ folder });
  const device = await engine.openVolume(volumeId);
  const found = Buffer.alloc(sector);
  for (let at = 0; at < count; at += 1) {
    await device.read(at * sector, found);
    assert.ok(found.equals(Buffer.alloc(sector, at + 1)), `sector ${at}`);
  }
  await device.close();
  await engine.settled();
  await engine.close();
}

test('a volume whose removal failed is as durable as before', async (t) => {
  const folder = await newFolder(t);
  let isFailing = false;
  const fs = hookedFileOperations((operation, path) => {
    if (isFailing && operation === 'syncFolder' && path.endsWith('volumes')) {
      throw systemError('EIO');
    }
  });
  const engine = await open(folder, fs);
  await engine.createVolume({ volumeId: 'v', lengthBytes });
  await writeSector(engine, 'v', 0);
  isFailing = true;
  await assert.rejects(engine.deleteVolume('v'), { code: 'io' });
  isFailing = false;
  await engine.createSnapshots([{ volumeId: 'v', snapshotId: 's' }]);
  await writeSector(engine, 'v', 1);
  await engine.settled();
  await engine.close();
  await assertSectors(folder, 'v', 2);
});

test('no layer is removed that a record in doubt may lead to', async (t) => {
  const folder = await newFolder(t);
  let inDoubt = '';
  let writes = 0;
  const fs: FileOperations = {
    ...nodeFileOperations,
    writeDurably: async (path, content) => {
      if (inDoubt === '' || !path.includes(inDoubt)) {
        await nodeFileOperations.writeDurably(path, content);
        return;
      }
      writes += 1;
      // The first one is done and fails all the same; then the disk is gone.
      if (writes === 1) await nodeFileOperations.writeDurably(path, content);
      throw systemError('EIO');
    },
  };
  const engine = await open(folder, fs);
  await engine.createVolume({ volumeId: 'v', lengthBytes });
  for (const [at, snapshotId] of ['a', 'b', 'c'].entries()) {
    await writeSector(engine, 'v', at);
    await engine.createSnapshots([{ volumeId: 'v', snapshotId }]);
  }
  inDoubt = (await engine.findSnapshot('c'))?.layerId ?? '';
  await engine.deleteSnapshot('b');
  await assert.rejects(engine.settled(), { code: 'io' });
  await engine.deleteSnapshot('a');
  await assert.rejects(engine.settled(), { code: 'io' });
  await engine.close();
  await assertSectors(folder, 'v', 3);
});

test('a snapshot that was refused and then acknowledged stays', async (t) => {
  const folder = await newFolder(t);
  const writing = Promise.withResolvers<void>();
  const mayFail = Promise.withResolvers<void>();
  let isFailing = false;
  const fs: FileOperations = {
    ...nodeFileOperations,
    writeDurably: async (path, content) => {
      if (isFailing && path.endsWith('v.json')) {
        isFailing = false;
        writing.resolve();
        await mayFail.promise;
        throw systemError('ENOSPC');
      }
      await nodeFileOperations.writeDurably(path, content);
    },
  };
  const engine = await open(folder, fs);
  await engine.createVolume({ volumeId: 'v', lengthBytes });
  const device = await engine.openVolume('v');
  isFailing = true;
  const options = { volumeId: 'v', snapshotId: 's' };
  const refused = assert.rejects(engine.createSnapshots([options]), { code: 'no_space' });
  await writing.promise;
  // Its commit follows the one that fails, and takes the refused name along.
  const flushed = device.flush();
  for (let turn = 0; turn < 10; turn += 1) await setImmediate();
  mayFail.resolve();
  await refused;
  await flushed;
  await engine.createSnapshots([options]);
  await device.flush();
  await device.close();
  await engine.close();
  const again = await openVolumeEngine({ folder });
  assert.ok((await again.findSnapshot('s')) !== undefined);
  await again.close();
});

test('a merge that fails does not stop the others', async (t) => {
  const folder = await newFolder(t);
  let failing = '';
  const fs = hookedFileOperations((operation, path) => {
    if (failing !== '' && operation === 'write' && path.includes(failing)) {
      throw systemError('EIO');
    }
  });
  const engine = await open(folder, fs);
  for (const volumeId of ['v', 'w']) {
    await engine.createVolume({ volumeId, lengthBytes });
    for (const [at, name] of ['a', 'b'].entries()) {
      await writeSector(engine, volumeId, at);
      await engine.createSnapshots([{ volumeId, snapshotId: `${volumeId}-${name}` }]);
    }
  }
  failing = (await engine.findSnapshot('v-b'))?.layerId ?? '';
  await engine.deleteSnapshot('v-a');
  await assert.rejects(engine.settled(), { code: 'io' });
  await engine.deleteSnapshot('w-a');
  await assert.rejects(engine.settled(), { code: 'io' });
  assert.equal((await engine.findSnapshot('v-b'))?.chain.length, 2);
  assert.equal((await engine.findSnapshot('w-b'))?.chain.length, 1);
  await engine.close();
});

test('a record that may not be durable is made so before it is trusted', async (t) => {
  const folder = await newFolder(t);
  const calls: string[] = [];
  let isFailing = false;
  const fs = hookedFileOperations((operation, path) => {
    calls.push(`${operation} ${path.endsWith('volumes') ? 'volumes' : ''}`.trim());
    if (isFailing && operation === 'datasync') throw systemError('EIO');
  });
  const engine = await open(folder, fs);
  await engine.createVolume({ volumeId: 'v', lengthBytes });
  const device = await engine.openVolume('v');
  await device.write(0, Buffer.alloc(sector, 1));
  isFailing = true;
  await assert.rejects(device.flush(), { code: 'io' });
  calls.length = 0;
  await assert.rejects(device.close(), { code: 'io' });
  isFailing = false;
  const [synced, read] = [calls.lastIndexOf('syncFolder volumes'), calls.lastIndexOf('readText')];
  assert.ok(synced >= 0 && synced < read, calls.join(', '));
  await engine.close();
});

for (const file of ['data', 'map']) {
  test(`a frozen layer goes on after a failed sync of its ${file}, while it is read`, async (t) => {
    const folder = await newFolder(t);
    let failing = '';
    const files = new VolatileFiles(
      hookedFileOperations((operation, path) => {
        if (failing !== '' && operation === 'datasync' && path.includes(failing)) {
          throw systemError('EIO');
        }
      }),
    );
    const engine = await open(folder, files.operations);
    await engine.createVolume({ volumeId: 'v', lengthBytes });
    for (const [at, snapshotId] of ['a', 'b'].entries()) {
      await writeSector(engine, 'v', at);
      await engine.createSnapshots([{ volumeId: 'v', snapshotId }]);
    }
    await writeSector(engine, 'v', 2);
    const view = await engine.openSnapshot('b');
    const assertView = async (): Promise<void> => {
      const found = Buffer.alloc(sector);
      for (const at of [0, 1]) {
        await view.read(at * sector, found);
        assert.ok(found.equals(Buffer.alloc(sector, at + 1)), `sector ${at}`);
      }
    };
    await assertView();
    failing = join((await engine.findSnapshot('b'))?.layerId ?? '', file);
    await engine.deleteSnapshot('a');
    await assert.rejects(engine.settled(), { code: 'io' });
    await assertView();
    failing = '';
    await engine.settled();
    assert.equal((await engine.findSnapshot('b'))?.chain.length, 1, 'merged without a restart');
    await assertView();
    const copy = `${folder}-after`;
    t.after(() => rm(copy, { recursive: true }));
    execFileSync('cp', ['-a', '--sparse=always', folder, copy]);
    files.cutPower(folder, copy, () => true);
    await view.close();
    await engine.close();
    await assertSectors(copy, 'v', 3);
  });
}

test('a head that failed leaves the layers that others read', async (t) => {
  const folder = await newFolder(t);
  let failing = '';
  const fs = hookedFileOperations((operation, path) => {
    if (failing !== '' && operation === 'datasync' && path.includes(failing)) {
      throw systemError('EIO');
    }
  });
  const engine = await open(folder, fs);
  await engine.createVolume({ volumeId: 'v', lengthBytes });
  for (const [at, snapshotId] of ['a', 'b'].entries()) {
    await writeSector(engine, 'v', at);
    await engine.createSnapshots([{ volumeId: 'v', snapshotId }]);
  }
  const view = await engine.openSnapshot('b');
  const device = await engine.openVolume('v');
  await device.write(2 * sector, Buffer.alloc(sector, 3));
  // Every layer fails: the frozen one in its merge, the head in the flush.
  failing = 'layers';
  await engine.deleteSnapshot('a');
  await assert.rejects(engine.settled(), { code: 'io' });
  await assert.rejects(device.flush(), { code: 'io' });
  const reads = Array.from({ length: 20 }, async () => {
    const found = Buffer.alloc(2 * sector);
    await view.read(0, found);
    assert.deepEqual([found[0], found[sector]], [1, 2]);
  });
  await assert.rejects(device.close(), { code: 'io' });
  await Promise.all(reads);
  failing = '';
  const found = Buffer.alloc(2 * sector);
  await view.read(0, found);
  assert.deepEqual([found[0], found[sector]], [1, 2]);
  await view.close();
  await writeSector(engine, 'v', 2);
  await engine.settled();
  await engine.close();
  await assertSectors(folder, 'v', 3);
});

test('writes in a former head whose merge failed to sync are never acknowledged', async (t) => {
  const folder = await newFolder(t);
  let held = '';
  const reached = Promise.withResolvers<void>();
  const mayFail = Promise.withResolvers<void>();
  const fs: FileOperations = {
    ...nodeFileOperations,
    open: async (path, mode) => {
      const file = await nodeFileOperations.open(path, mode);
      const datasync = file.datasync.bind(file);
      file.datasync = async () => {
        if (held === '' || !path.includes(held)) return datasync();
        held = '';
        reached.resolve();
        await mayFail.promise;
        throw systemError('EIO');
      };
      return file;
    },
  };
  const engine = await open(folder, fs);
  await engine.createVolume({ volumeId: 'v', lengthBytes });
  await writeSector(engine, 'v', 0);
  await engine.createSnapshots([{ volumeId: 'v', snapshotId: 'a' }]);
  const device = await engine.openVolume('v');
  await device.write(sector, Buffer.alloc(sector, 2));
  await engine.settled();
  const frozen = (await engine.findSnapshot('a'))?.layerId ?? '';
  const layers = await readdir(join(folder, 'layers'));
  held = layers.find((id) => id !== frozen) ?? '';
  await engine.deleteSnapshot('a');
  // The merge into the head waits in its flush, and the head is frozen meanwhile.
  await reached.promise;
  const refused = assert.rejects(engine.createSnapshots([{ volumeId: 'v', snapshotId: 'b' }]), {
    code: 'io',
  });
  for (let turn = 0; turn < 50; turn += 1) await setImmediate();
  mayFail.resolve();
  await refused;
  await assert.rejects(device.flush(), { code: 'io' });
  await assert.rejects(device.write(0, Buffer.alloc(sector, 9)), { code: 'io' });
  // Whoever leaves the volume last is told as well: not the merge, when that is over.
  await engine.settled();
  await assert.rejects(device.close(), { code: 'io' });
  await writeSector(engine, 'v', 1);
  await engine.settled();
  await engine.close();
  await assertSectors(folder, 'v', 2);
});

test('a volume whose making was refused does not appear at the next start', async (t) => {
  const folder = await newFolder(t);
  let isFailing = true;
  const fs: FileOperations = {
    ...nodeFileOperations,
    writeDurably: async (path, content) => {
      await nodeFileOperations.writeDurably(path, content);
      if (isFailing && path.endsWith('v.json')) throw systemError('EIO');
    },
  };
  const engine = await open(folder, fs);
  await assert.rejects(engine.createVolume({ volumeId: 'v', lengthBytes }), { code: 'io' });
  await engine.settled();
  const after = await openVolumeEngine({ folder: await copyOf(folder, t) });
  await assert.rejects(after.openVolume('v'), { code: 'not_found' });
  await after.close();
  isFailing = false;
  await engine.createVolume({ volumeId: 'v', lengthBytes });
  await writeSector(engine, 'v', 0);
  await engine.close();
  await assertSectors(folder, 'v', 1);
});

async function copyOf(folder: string, t: TestContext): Promise<string> {
  const copy = await newFolder(t);
  await cp(folder, copy, { recursive: true });
  return copy;
}
