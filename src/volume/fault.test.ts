import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { KiB, MiB } from '../base/bytes.ts';
import type { BlockDevice } from './block-device.ts';
import type { BeforeOperation } from './failing-files.ts';
import { hookedFileOperations, systemError } from './failing-files.ts';
import type { OpenedEngine } from './open-engine.ts';
import { openVolumeEngine } from './open-engine.ts';

const sector = 4 * KiB;
const lengthBytes = 70 * MiB;

async function withFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'firn-fault-'));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

function open(folder: string, before: BeforeOperation): Promise<OpenedEngine> {
  return openVolumeEngine({ folder, fs: hookedFileOperations(before), report: () => undefined });
}

async function readSector(device: BlockDevice, at: number): Promise<number> {
  const target = Buffer.alloc(sector);
  await device.read(at, target);
  const [first] = target;
  assert.ok(
    target.every((byte) => byte === first),
    'a sector is not torn',
  );
  return first ?? 0;
}

test('after a failed sync nothing is acknowledged until the volume is opened anew', async () => {
  await withFolder(async (folder) => {
    let isFailing = false;
    const engine = await open(folder, (operation) => {
      if (isFailing && operation === 'datasync') throw systemError('EIO');
    });
    await engine.createVolume({ volumeId: 'v', lengthBytes });
    const device = await engine.openVolume('v');
    await device.write(0, Buffer.alloc(sector, 1));
    await device.flush();
    await device.write(0, Buffer.alloc(sector, 2));
    await device.write(sector, Buffer.alloc(sector, 2));
    isFailing = true;
    await assert.rejects(device.flush(), { code: 'io' });
    isFailing = false;
    await assert.rejects(device.flush(), { code: 'io' });
    await assert.rejects(device.write(0, Buffer.alloc(1)), { code: 'io' });
    await assert.rejects(device.zero(0, sector), { code: 'io' });
    await assert.rejects(engine.createSnapshots([{ volumeId: 'v', snapshotId: 's' }]), {
      code: 'io',
    });
    assert.equal(await engine.findSnapshot('s'), undefined);
    assert.equal(await readSector(device, sector), 2);
    await assert.rejects(device.close(), { code: 'io' });
    const again = await engine.openVolume('v');
    assert.ok([1, 2].includes(await readSector(again, 0)));
    assert.equal(await readSector(again, sector), 0, 'a mark that never became durable is gone');
    await again.write(0, Buffer.alloc(sector, 3));
    await again.flush();
    await again.close();
    await engine.close();
  });
});

test('a full disk refuses a write, and the next one succeeds when there is room', async () => {
  await withFolder(async (folder) => {
    let isFull = false;
    const engine = await open(folder, (operation) => {
      if (isFull && operation === 'write') throw systemError('ENOSPC');
    });
    await engine.createVolume({ volumeId: 'v', lengthBytes });
    const device = await engine.openVolume('v');
    isFull = true;
    await assert.rejects(device.write(0, Buffer.alloc(sector, 1)), { code: 'no_space' });
    assert.equal(await readSector(device, 0), 0);
    isFull = false;
    await device.write(0, Buffer.alloc(sector, 2));
    await device.flush();
    assert.equal(await readSector(device, 0), 2);
    await device.close();
    await engine.close();
  });
});

test('a snapshot whose record cannot be written is not there, and the volume goes on', async () => {
  await withFolder(async (folder) => {
    let isFull = false;
    const engine = await open(folder, (operation, path) => {
      if (isFull && operation === 'writeDurably' && path.endsWith('v.json')) {
        throw systemError('ENOSPC');
      }
    });
    await engine.createVolume({ volumeId: 'v', lengthBytes });
    const device = await engine.openVolume('v');
    await device.write(0, Buffer.alloc(sector, 1));
    isFull = true;
    const options = { volumeId: 'v', snapshotId: 's' };
    await assert.rejects(engine.createSnapshots([options]), { code: 'no_space' });
    assert.equal(await engine.findSnapshot('s'), undefined);
    isFull = false;
    await device.write(sector, Buffer.alloc(sector, 2));
    await device.flush();
    await engine.settled();
    await engine.createSnapshots([options]);
    await device.close();
    await engine.close();
    const again = await openVolumeEngine({ folder });
    const snapshot = await again.openSnapshot('s');
    assert.equal(await readSector(snapshot, 0), 1);
    assert.equal(await readSector(snapshot, sector), 2);
    await snapshot.close();
    await again.close();
  });
});
