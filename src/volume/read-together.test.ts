import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Reading } from '../layer/file-operations.ts';
import { readTogether, type WantedRead } from './block-device.ts';
import { openVolumeEngine } from './open-engine.ts';

const sector = 4096;
const blockBytes = 16 * sector;

test('blocks of which several layers hold parts are read together as by themselves', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'firn-together-'));
  const engine = await openVolumeEngine({ folder });
  t.after(async () => {
    await engine.close();
    await rm(folder, { recursive: true });
  });
  const lengthBytes = 64 * blockBytes;
  await engine.createVolume({ volumeId: 'v', lengthBytes });
  const device = await engine.openVolume('v');
  await device.write(0, Buffer.alloc(32 * blockBytes, 1));
  await engine.createSnapshots([{ volumeId: 'v', snapshotId: 'one' }]);
  for (let block = 0; block < 40; block += 3) {
    await device.write(block * blockBytes + (block % 16) * sector, Buffer.alloc(sector, 2));
    await device.zero(block * blockBytes + ((block + 5) % 16) * sector, sector);
  }
  await engine.createSnapshots([{ volumeId: 'v', snapshotId: 'two' }]);
  await device.write(0, Buffer.alloc(8 * blockBytes, 3));
  const snapshot = await engine.openSnapshot('two');
  const reads: WantedRead[] = Array.from({ length: 60 }, (_, n) => ({
    offsetBytes: n * blockBytes + (n % 2) * 100,
    target: Buffer.alloc(n % 7 === 0 ? 3 * blockBytes : blockBytes, 9),
  }));
  await readTogether(snapshot, reads);
  for (const { offsetBytes, target } of reads) {
    const expected = Buffer.alloc(target.length);
    await snapshot.read(offsetBytes, expected);
    assert.ok(expected.equals(target), `at ${offsetBytes}`);
  }
  await snapshot.close();
  await device.close();
});

test('what cannot be had at once is read with a wait, and a failure is told', async () => {
  const waited: number[] = [];
  const device = {
    immediate: {
      read: (offsetBytes: number): Reading => (offsetBytes % 2 === 0 ? 'done' : 'refused'),
      write: () => false,
      settle: () => undefined,
    },
    read: async (offsetBytes: number) => {
      waited.push(offsetBytes);
      if (offsetBytes > 100) throw new Error('made to fail');
    },
  };
  const reads = [0, 1, 2, 3].map((offsetBytes) => ({ offsetBytes, target: Buffer.alloc(1) }));
  await readTogether(device, reads);
  assert.deepEqual(waited, [1, 3]);
  const bad = { offsetBytes: 101, target: Buffer.alloc(1) };
  await assert.rejects(readTogether(device, [...reads, bad]), /made to fail/);
});
