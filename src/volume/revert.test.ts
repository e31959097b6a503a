import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { KiB, MiB } from '../base/bytes.ts';
import { isOperatingError } from '../base/errors.ts';
import { hookedFileOperations, systemError } from './failing-files.ts';
import type { OpenedEngine } from './open-engine.ts';
import { openVolumeEngine } from './open-engine.ts';
import { VolatileFiles } from './volatile-files.ts';
import { copyFolder } from './copy-folder-fixture.ts';

const sector = 4 * KiB;
const options = { volumeId: 'v', snapshotId: 's' };

async function newFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'firn-revert-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

async function write(engine: OpenedEngine, at: number, fill: number): Promise<void> {
  const device = await engine.openVolume('v');
  await device.write(at, Buffer.alloc(sector, fill));
  await device.close();
}

async function read(engine: OpenedEngine, at: number): Promise<number> {
  const device = await engine.openVolume('v');
  const target = Buffer.alloc(sector, 0xee);
  await device.read(at, target);
  await device.close();
  assert.ok(target.every((byte) => byte === target[0]));
  return target[0] ?? 0;
}

/** A volume that held 1, was snapshotted, grew, and holds 2 now. */
async function makeVolume(engine: OpenedEngine): Promise<void> {
  await engine.createVolume({ volumeId: 'v', lengthBytes: MiB });
  await write(engine, 0, 1);
  await engine.createSnapshots([options]);
  await engine.extendVolume('v', 2 * MiB);
  await write(engine, 0, 2);
  await write(engine, MiB, 2);
}

test('a volume goes back to a snapshot, keeps its size, and what it was goes', async (t) => {
  const folder = await newFolder(t);
  const engine = await openVolumeEngine({ folder });
  await makeVolume(engine);
  const still = await engine.openSnapshot('s');
  await engine.revertVolume(options);
  await engine.revertVolume(options);
  assert.equal(await read(engine, 0), 1);
  assert.equal(await read(engine, MiB), 0, 'what the snapshot does not have reads as zeros');
  await engine.settled();
  assert.equal((await readdir(join(folder, 'layers'))).length, 2);
  await write(engine, 0, 3);
  const target = Buffer.alloc(sector);
  await still.read(0, target);
  assert.equal(target[0], 1, 'the snapshot stays as it was');
  await still.close();
  await engine.close();
  const again = await openVolumeEngine({ folder });
  assert.equal(await read(again, 0), 3);
  const device = await again.openVolume('v');
  assert.equal(device.lengthBytes, 2 * MiB);
  await assert.rejects(again.revertVolume(options), { code: 'invalid_state' });
  await device.close();
  await again.createVolume({ volumeId: 'w', lengthBytes: MiB });
  for (const wrong of [
    { volumeId: 'none', snapshotId: 's' },
    { volumeId: 'v', snapshotId: 'none' },
    { volumeId: 'w', snapshotId: 's' },
  ]) {
    await assert.rejects(again.revertVolume(wrong), { code: 'not_found' });
  }
  await again.close();
});

test('a power cut while a volume goes back leaves it as it was, or gone back', async (t) => {
  const parent = await newFolder(t);
  for (let cut = 1; ; cut += 1) {
    const folder = join(parent, String(cut));
    const files = new VolatileFiles();
    let count = 0;
    let isCounting = false;
    const fs = hookedFileOperations(() => {
      if (isCounting) count += 1;
      if (count >= cut) throw systemError('EIO');
    }, files.operations);
    const engine = await openVolumeEngine({ folder, fs, report: () => undefined });
    await makeVolume(engine);
    isCounting = true;
    let isDone = false;
    try {
      await engine.revertVolume(options);
      isDone = true;
      await engine.settled();
    } catch (error) {
      assert.ok(isOperatingError(error), String(error));
    }
    const copy = `${folder}-cut`;
    // The copy blocks this process, so it is of one moment.
    copyFolder(folder, copy);
    files.cutPower(folder, copy, () => true);
    await engine.close().catch((error: unknown) => assert.ok(isOperatingError(error)));
    const after = await openVolumeEngine({ folder: copy });
    const found = await read(after, 0);
    assert.equal(await read(after, MiB), found === 1 ? 0 : 2, 'it is the one or the other');
    if (isDone) assert.equal(found, 1);
    await after.revertVolume(options);
    assert.equal(await read(after, 0), 1);
    await after.settled();
    assert.equal((await readdir(join(copy, 'layers'))).length, 2, 'nothing is left over');
    await after.close();
    if (count < cut) return;
  }
});
