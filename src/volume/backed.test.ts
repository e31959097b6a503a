/** Volumes that show a backup at once, and are filled from it while they are in use. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { seeded } from '../../demo/random.ts';
import { KiB, MiB } from '../base/bytes.ts';
import { isOperatingError } from '../base/errors.ts';
import { hydrate, hydrateAll, SampleBackup } from './backed-fixture.ts';
import type { BlockDevice } from './block-device.ts';
import { hookedFileOperations, systemError } from './failing-files.ts';
import { openVolumeEngine, type OpenedEngine } from './open-engine.ts';
import { VolatileFiles } from './volatile-files.ts';
import { copyFolder } from './copy-folder-fixture.ts';

/** Syncs need not reach a disk here: what is durable is simulated. */
const fastFolder = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
const block = 64 * KiB;
const sector = 4 * KiB;
const seed = Number(process.env['SEED'] ?? Math.floor(performance.timeOrigin) % 1_000_000);

async function newFolder(t: TestContext): Promise<string> {
  const parent = await mkdtemp(join(fastFolder, 'firn-backed-'));
  t.after(() => rm(parent, { recursive: true }));
  return join(parent, 'volumes');
}

async function readAll(device: BlockDevice): Promise<Buffer> {
  const content = Buffer.alloc(device.lengthBytes);
  for (let at = 0; at < content.length; at += 8 * MiB) {
    await device.read(at, content.subarray(at, at + 8 * MiB));
  }
  return content;
}

async function withVolume<T>(
  engine: OpenedEngine,
  volumeId: string,
  work: (device: BlockDevice) => Promise<T>,
): Promise<T> {
  const device = await engine.openVolume(volumeId);
  try {
    return await work(device);
  } finally {
    await device.close();
  }
}

test('shows its backup at once, fetches what is touched, and becomes like any other', async (t) => {
  const folder = await newFolder(t);
  const backup = new SampleBackup(67 * MiB + 3 * sector);
  const engine = await openVolumeEngine({ folder, source: backup });
  const from = { backing: backup.backing };
  const wanted = { volumeId: 'v', lengthBytes: 80 * MiB, from };
  await engine.createVolume(wanted);
  await engine.createVolume(wanted);
  await assert.rejects(engine.createVolume({ ...wanted, lengthBytes: 81 * MiB }), {
    code: 'exists',
  });
  const small = { volumeId: 'w', lengthBytes: 66 * MiB, from };
  await assert.rejects(engine.createVolume(small), { code: 'invalid_input' });
  await withVolume(engine, 'v', async (device) => {
    const part = Buffer.alloc(10_000);
    await device.read(5 * block - 4000, part);
    assert.ok(part.equals(backup.content(5 * block - 4000, part.length)));
    assert.equal(backup.blocksRead, 2);
    await device.read(5 * block - 4000, part);
    assert.equal(backup.blocksRead, 2, 'what was fetched is kept');
    const extents = await device.extents(0, 4 * block);
    assert.deepEqual(
      extents.map(({ kind, lengthBytes }) => [kind, lengthBytes / block]),
      [
        ['absent', 1],
        ['data', 2],
        ['absent', 1],
      ],
    );
  });
  const [facts] = await engine.hydration.backedLayers();
  assert.deepEqual(facts?.volumeIds, ['v']);
  await hydrateAll(engine, backup);
  assert.deepEqual(await engine.hydration.backedLayers(), []);
  await engine.settled();
  backup.isGone = true;
  const expected = Buffer.concat([
    backup.content(0, backup.backing.lengthBytes),
    Buffer.alloc(80 * MiB - backup.backing.lengthBytes),
  ]);
  assert.ok((await withVolume(engine, 'v', readAll)).equals(expected));
  await engine.close();
  const later = await openVolumeEngine({ folder });
  assert.ok((await withVolume(later, 'v', readAll)).equals(expected));
  await later.close();
});

test('without the store, what is there is served, and the rest is an error', async (t) => {
  const folder = await newFolder(t);
  const backup = new SampleBackup(130 * MiB);
  const first = await openVolumeEngine({ folder, source: backup });
  await first.createVolume({
    volumeId: 'v',
    lengthBytes: 130 * MiB,
    from: { backing: backup.backing },
  });
  await withVolume(first, 'v', (device) => device.read(block, Buffer.alloc(block)));
  await first.close();
  backup.isGone = true;
  const engine = await openVolumeEngine({ folder, source: backup });
  await withVolume(engine, 'v', async (device) => {
    const part = Buffer.alloc(block);
    await device.read(block, part);
    assert.ok(part.equals(backup.content(block, block)));
    await assert.rejects(device.read(2 * block, part), { code: 'io' });
    await device.write(2 * block, Buffer.alloc(sector, 9));
    await device.trim(4 * block, block);
    await device.flush();
    await device.read(4 * block, part);
    assert.ok(part.equals(Buffer.alloc(block)));
    await assert.rejects(device.read(2 * block, part), { code: 'io' });
    backup.isGone = false;
    await device.read(2 * block, part);
    const rest = backup.content(2 * block + sector, block - sector);
    assert.ok(part.equals(Buffer.concat([Buffer.alloc(sector, 9), rest])));
    await device.read(3 * block, part);
    assert.ok(part.equals(Buffer.alloc(block)), 'a hole');
  });
  await hydrateAll(engine, backup);
  await engine.close();
});

test(`guests use it in every way while it is filled (seed ${seed})`, async (t) => {
  const random = seeded(seed);
  const upTo = (count: number): number => Math.floor(random() * count);
  const folder = await newFolder(t);
  const backup = new SampleBackup(66 * MiB);
  const engine = await openVolumeEngine({ folder, source: backup });
  await engine.createVolume({
    volumeId: 'v0',
    lengthBytes: 66 * MiB,
    from: { backing: backup.backing },
  });
  const models = new Map([['v0', backup.content(0, 66 * MiB)]]);
  const snapshots = new Map<string, { volumeId: string; content: Buffer }>();
  const pages = [0, 64 * MiB];
  for (let step = 1; step <= 120; step += 1) {
    const names = [...models.keys()];
    const volumeId = names[upTo(names.length)] ?? 'v0';
    const model = models.get(volumeId) ?? Buffer.alloc(0);
    const offset = upTo(2) === 0 ? upTo(3 * MiB) : 63 * MiB + upTo(2 * MiB);
    const length = 1 + upTo(3 * block);
    const verb = upTo(20);
    if (verb < 6) {
      const content = Buffer.alloc(length, step + 1);
      await withVolume(engine, volumeId, (device) => device.write(offset, content));
      model.set(content, offset);
    } else if (verb < 9) {
      await withVolume(engine, volumeId, (device) => device.zero(offset, length));
      model.fill(0, offset, offset + length);
    } else if (verb < 14) {
      const part = Buffer.alloc(length);
      await withVolume(engine, volumeId, (device) => device.read(offset, part));
      assert.ok(part.equals(model.subarray(offset, offset + length)), `step ${step}`);
    } else if (verb < 16) {
      const snapshotId = `s${step}`;
      await engine.createSnapshots([{ volumeId, snapshotId }]);
      snapshots.set(snapshotId, { volumeId, content: Buffer.from(model) });
    } else if (verb === 16) {
      await engine.createVolume({
        volumeId: `v${step}`,
        lengthBytes: model.length,
        from: { volumeId },
      });
      models.set(`v${step}`, Buffer.from(model));
    } else if (verb === 17) {
      const grown = Buffer.concat([model, Buffer.alloc(MiB)]);
      await engine.extendVolume(volumeId, grown.length);
      models.set(volumeId, grown);
    } else if (verb === 18) {
      const snapshotId = [...snapshots.keys()][0];
      if (snapshotId !== undefined) await engine.deleteSnapshot(snapshotId);
      snapshots.delete(snapshotId ?? '');
    } else if (step > 60) {
      await hydrate(engine, backup, pages[upTo(2)] ?? 0);
    }
  }
  const check = async (): Promise<void> => {
    for (const [volumeId, model] of models) {
      assert.ok((await withVolume(engine, volumeId, readAll)).equals(model), volumeId);
    }
    for (const [snapshotId, { content }] of snapshots) {
      const device = await engine.openSnapshot(snapshotId);
      assert.ok((await readAll(device)).equals(content), snapshotId);
      await device.close();
    }
  };
  await check();
  await hydrateAll(engine, backup);
  backup.isGone = true;
  await check();
  await engine.settled();
  await check();
  await engine.close();
});

test(`a kill or a power cut at any step leaves nothing wrong in it (seed ${seed})`, async (t) => {
  const random = seeded(seed);
  for (let round = 0; round < 10; round += 1) {
    const folder = await newFolder(t);
    const files = new VolatileFiles();
    const backup = new SampleBackup(66 * MiB);
    const engine = await openVolumeEngine({ folder, fs: files.operations, source: backup });
    await engine.createVolume({
      volumeId: 'v',
      lengthBytes: 66 * MiB,
      from: { backing: backup.backing },
    });
    const device = await engine.openVolume('v');
    const part = Buffer.alloc(2 * block);
    for (let step = 0; step < 20; step += 1) {
      await device.read(Math.floor(random() * 64 * MiB), part);
      if (step === 5) await hydrate(engine, backup, 64 * MiB);
      const [facts] = await engine.hydration.backedLayers();
      if (step === round + 6 && facts !== undefined) {
        await engine.hydration.advance(facts.layerId, 0);
      }
    }
    if (round % 3 === 0) await hydrateAll(engine, backup);
    const copy = `${folder}-after`;
    copyFolder(folder, copy);
    if (round % 2 === 0) files.cutPower(folder, copy, () => random() < 0.5);
    else files.afterKill(folder, copy);
    await device.close();
    await engine.close();
    const after = await openVolumeEngine({ folder: copy, source: backup });
    backup.isGone = true;
    await withVolume(after, 'v', async (found) => {
      for (let at = 0; at < 66 * MiB; at += block) {
        const one = Buffer.alloc(block);
        const isThere = await found.read(at, one).then(
          () => true,
          (error: unknown) => !isOperatingError(error, 'io'),
        );
        if (isThere) assert.ok(one.equals(backup.content(at, block)), `byte ${at}`);
      }
      backup.isGone = false;
      assert.ok((await readAll(found)).equals(backup.content(0, 66 * MiB)));
    });
    await after.close();
  }
});

test('whichever call of the file system fails, it reads as its backup or not at all', async (t) => {
  for (let failing = 1; ; failing += 1) {
    assert.ok(failing < 400, 'a run makes few calls');
    const folder = await newFolder(t);
    let calls = 0;
    let isArmed = true;
    const fs = hookedFileOperations(() => {
      calls += 1;
      if (isArmed && calls === failing) throw systemError(failing % 2 === 0 ? 'EIO' : 'ENOSPC');
    });
    const backup = new SampleBackup(2 * MiB);
    const length = 2 * MiB;
    const run = async (): Promise<void> => {
      const engine = await openVolumeEngine({
        folder,
        fs,
        source: backup,
        report: () => undefined,
      });
      try {
        await engine.createVolume({
          volumeId: 'v',
          lengthBytes: length,
          from: { backing: backup.backing },
        });
        const device = await engine.openVolume('v');
        try {
          const part = Buffer.alloc(3 * block);
          for (const at of [0, MiB, MiB + 5]) {
            await device.read(at, part);
            assert.ok(part.equals(backup.content(at, part.length)), `call ${failing}`);
          }
          await hydrateAll(engine, backup);
        } finally {
          await device.close();
        }
        await engine.settled();
      } finally {
        await engine.close();
      }
    };
    const reached = await run().then(
      () => calls >= failing,
      (error: unknown) => {
        if (!isOperatingError(error)) throw error;
        return true;
      },
    );
    isArmed = false;
    const engine = await openVolumeEngine({ folder, source: backup });
    await engine.createVolume({
      volumeId: 'v',
      lengthBytes: length,
      from: { backing: backup.backing },
    });
    assert.ok((await withVolume(engine, 'v', readAll)).equals(backup.content(0, length)));
    await engine.close();
    if (!reached) break;
  }
});

test('what is read at once is there, or is not read at once', async (t) => {
  const folder = await newFolder(t);
  const backup = new SampleBackup(4 * MiB);
  const engine = await openVolumeEngine({ folder, source: backup });
  const from = { backing: backup.backing };
  await engine.createVolume({ volumeId: 'v', lengthBytes: 4 * MiB, from });
  await withVolume(engine, 'v', async (device) => {
    const target = Buffer.alloc(sector);
    const readSome = async (): Promise<number> => {
      let count = 0;
      for (let at = 0; at < 32 * block; at += 4 * sector) {
        if (device.immediate?.read(at, target) !== 'done') continue;
        assert.ok(target.equals(backup.content(at, sector)), `byte ${at}`);
        count += 1;
      }
      return count;
    };
    await readSome();
    // The file is longer then than what is there of it.
    await device.read(29 * block, target);
    await device.read(12 * block, target);
    await readSome();
    await device.read(0, Buffer.alloc(4 * MiB));
    await readSome();
  });
  await engine.close();
});
