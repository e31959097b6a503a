import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { newId, newSecret } from '../base/ids.ts';
import { isOperatingError } from '../base/errors.ts';
import { connectNbd } from '../client/nbd.ts';
import { blockDeviceContract } from '../volume/block-device-contract.ts';
import type { BlockDevice } from '../volume/block-device.ts';
import type { DataPlaneEvents } from './data-plane.ts';
import { startDataPlane } from './start-data-plane.ts';

const folder = await mkdtemp(join(tmpdir(), 'firn-dataplane-'));
const faults: unknown[] = [];
const events: DataPlaneEvents = {
  onNbd: () => undefined,
  onFault: (error) => faults.push(error),
};
const plane = await startDataPlane({ folder: join(folder, 'volumes') }, events);
const { engine } = plane;

after(async () => {
  await plane.close();
  await rm(folder, { recursive: true });
  assert.deepEqual(faults, []);
});

async function openSnapshotOf(volumeId: string): Promise<BlockDevice> {
  const snapshotId = newId();
  await engine.createSnapshots([{ volumeId, snapshotId }]);
  return engine.openSnapshot(snapshotId);
}

blockDeviceContract('a volume of another thread', async ({ lengthBytes, readOnly }) => {
  const volumeId = newId();
  await engine.createVolume({ volumeId, lengthBytes });
  return readOnly ? openSnapshotOf(volumeId) : engine.openVolume(volumeId);
});

test('memory that both threads see is read into and written from without a copy', async () => {
  const volumeId = newId();
  await engine.createVolume({ volumeId, lengthBytes: 1 << 20 });
  const device = await engine.openVolume(volumeId);
  const content = new Uint8Array(new SharedArrayBuffer(300_000), 1000, 200_000).fill(5);
  await device.write(77, content);
  const target = new Uint8Array(new SharedArrayBuffer(200_000));
  await device.read(77, target);
  assert.deepEqual(Buffer.from(target), Buffer.from(content));
  await engine.extendVolume(volumeId, 2 << 20);
  assert.equal(device.lengthBytes, 2 << 20);
  await device.close();
});

test('many reads cross together, into one shared memory or into any', async () => {
  const volumeId = newId();
  await engine.createVolume({ volumeId, lengthBytes: 1 << 20 });
  const device = await engine.openVolume(volumeId);
  for (let n = 0; n < 4; n += 1) await device.write(n * 8192, Buffer.alloc(8192, n + 1));
  const targets = (memory: ArrayBuffer | SharedArrayBuffer): Uint8Array[] =>
    [0, 5000, 12_000].map((start) => new Uint8Array(memory, start, 4096));
  for (const memory of [new SharedArrayBuffer(20_000), new ArrayBuffer(20_000)]) {
    const into = targets(memory);
    const reads = into.map((target, n) => ({ offsetBytes: 24_000 - n * 8192, target }));
    await device.readAll?.(reads);
    for (const [n, target] of into.entries()) {
      const expected = Buffer.concat([Buffer.alloc(576, 3 - n), Buffer.alloc(3520, 4 - n)]);
      assert.deepEqual(Buffer.from(target), expected);
    }
    assert.equal(new Uint8Array(memory)[4096], 0, 'between them nothing is touched');
  }
  await device.readAll?.([]);
  await device.close();
});

test('operating errors and those of the system arrive as what they are', async () => {
  await assert.rejects(engine.openVolume(newId()), (error) => isOperatingError(error, 'not_found'));
  await assert.rejects(engine.createVolume({ volumeId: newId(), lengthBytes: -1 }), {
    code: 'invalid_input',
    field: 'lengthBytes',
  });
  const path = join(folder, 'no-such-folder', 'nbd.sock');
  await assert.rejects(plane.listenUnix(path), { code: 'EACCES', address: path });
});

test('a folder that cannot be opened is refused with the reason', async () => {
  await assert.rejects(startDataPlane({ folder: '/dev/null/volumes' }, events), /\/dev\/null/);
});

test('exports are served until they are removed', async () => {
  const [volumeId, snapshotId] = [newId(), newId()];
  const [writable, frozen] = [newSecret(), newSecret()];
  await engine.createVolume({ volumeId, lengthBytes: 1 << 20 });
  await engine.createSnapshots([{ volumeId, snapshotId }]);
  await plane.exports.add(writable, { source: { volumeId }, readOnly: false });
  await plane.exports.add(frozen, { source: { snapshotId }, readOnly: false });
  const path = join(folder, 'nbd.sock');
  await plane.listenUnix(path);
  const [disk, still] = await Promise.all([
    connectNbd({ uri: `nbd+unix:///${writable}?socket=${path}` }),
    connectNbd({ uri: `nbd+unix:///${frozen}?socket=${path}` }),
  ]);
  await disk.write(0, Buffer.alloc(4096, 1));
  const target = Buffer.alloc(4096, 9);
  await still.read(0, target);
  assert.deepEqual(target, Buffer.alloc(4096));
  await assert.rejects(still.write(0, Buffer.alloc(4096)));
  const counts = async (names: string[]): Promise<number[]> =>
    (await plane.exports.clients(names)).map(({ count }) => count);
  assert.deepEqual(await counts([writable, frozen, 'none']), [1, 1, 0]);
  await plane.exports.remove(writable);
  await assert.rejects(disk.read(0, target));
  assert.deepEqual(await counts([writable, frozen]), [0, 1]);
  await still.disconnect();
});
