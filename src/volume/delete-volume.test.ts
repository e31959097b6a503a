import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { KiB, MiB } from '../base/bytes.ts';
import { type BeforeOperation, hookedFileOperations, systemError } from './failing-files.ts';
import type { OpenedEngine } from './open-engine.ts';
import { openVolumeEngine } from './open-engine.ts';

/** A volume of several layers, each of which holds something. */
async function makeVolume(engine: OpenedEngine): Promise<void> {
  await engine.createVolume({ volumeId: 'v', lengthBytes: 4 * MiB });
  const device = await engine.openVolume('v');
  for (let layer = 0; layer < 4; layer += 1) {
    await device.write(layer * MiB, Buffer.alloc(4 * KiB, layer + 1));
    await engine.createSnapshots([{ volumeId: 'v', snapshotId: `s${layer}` }]);
  }
  await device.close();
  await engine.settled();
}

/**
 * Deletes a volume on a file system that does nothing more from the `last`-th change of names on;
 * answers whether it came so far.
 */
async function deleteWithEnd(folder: string, last: number): Promise<boolean> {
  let changes = 0;
  let isDeleting = false;
  const before: BeforeOperation = (operation) => {
    if (!isDeleting || !['rename', 'remove', 'syncFolder'].includes(operation)) return;
    changes += 1;
    if (changes >= last) throw systemError('EIO');
  };
  const engine = await openVolumeEngine({
    folder,
    fs: hookedFileOperations(before),
    report: () => undefined,
  });
  await makeVolume(engine);
  isDeleting = true;
  await engine.deleteVolume('v').catch(() => undefined);
  await engine.settled().catch(() => undefined);
  isDeleting = false;
  return changes >= last;
}

test('a volume goes with all of its layers, at whatever point that was cut off', async () => {
  let isCut = true;
  for (let last = 1; isCut; last += 1) {
    const folder = await mkdtemp(join(tmpdir(), 'firn-delete-'));
    isCut = await deleteWithEnd(folder, last);
    const engine = await openVolumeEngine({ folder });
    await engine.deleteVolume('v');
    await engine.settled();
    assert.deepEqual(await readdir(join(folder, 'layers')), [], `cut off at change ${last}`);
    await engine.close();
    await rm(folder, { recursive: true });
    assert.ok(last < 100);
  }
});

test('what two volumes share stays until the last of them is gone', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'firn-delete-'));
  const engine = await openVolumeEngine({ folder });
  await makeVolume(engine);
  await engine.createVolume({
    volumeId: 'w',
    lengthBytes: 4 * MiB,
    from: { snapshotId: 's1' },
  });
  await engine.deleteVolume('v');
  await engine.settled();
  const clone = await engine.openVolume('w');
  const target = Buffer.alloc(4 * KiB);
  await clone.read(MiB, target);
  assert.deepEqual(target, Buffer.alloc(4 * KiB, 2));
  await clone.close();
  assert.ok((await readdir(join(folder, 'layers'))).length > 0);
  await engine.deleteVolume('w');
  await engine.settled();
  assert.deepEqual(await readdir(join(folder, 'layers')), []);
  await engine.close();
  await rm(folder, { recursive: true });
});
