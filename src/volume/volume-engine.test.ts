import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { GiB, KiB, MiB, TiB } from '../base/bytes.ts';
import { must } from '../base/assert.ts';
import { newId } from '../base/ids.ts';
import type { SnapshotFacts } from './engine.ts';
import type { OpenedEngine } from './open-engine.ts';
import { openVolumeEngine } from './open-engine.ts';

const sector = 4 * KiB;

async function withFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'firn-engine-'));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function withEngine(work: (engine: OpenedEngine) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    const engine = await openVolumeEngine({ folder, clock: { now: () => 0 } });
    try {
      await work(engine);
    } finally {
      await engine.close();
    }
  });
}

test('making what is there, and removing what is gone, changes nothing', async () => {
  await withEngine(async (engine) => {
    const options = { volumeId: 'v', lengthBytes: GiB };
    await engine.createVolume(options);
    await engine.createVolume(options);
    await assert.rejects(engine.createVolume({ ...options, lengthBytes: MiB }), { code: 'exists' });
    const snapshot = { volumeId: 'v', snapshotId: 's' };
    const [facts] = await engine.createSnapshots([snapshot]);
    assert.ok(facts !== undefined);
    assert.deepEqual(await engine.createSnapshots([snapshot]), [facts]);
    assert.deepEqual(await engine.findSnapshot('s'), facts);
    await engine.createVolume({ volumeId: 'w', lengthBytes: GiB });
    await assert.rejects(engine.createSnapshots([{ volumeId: 'w', snapshotId: 's' }]), {
      code: 'exists',
    });
    await engine.aliasSnapshot({ snapshotId: 's', aliasId: 't' });
    await engine.aliasSnapshot({ snapshotId: 's', aliasId: 't' });
    assert.equal((await engine.findSnapshot('t'))?.layerId, facts.layerId);
    await engine.deleteSnapshot('s');
    await engine.deleteSnapshot('s');
    assert.equal(await engine.findSnapshot('s'), undefined);
    assert.equal((await engine.findSnapshot('t'))?.layerId, facts.layerId);
    await engine.deleteVolume('v');
    await engine.deleteVolume('v');
    assert.equal(await engine.findSnapshot('t'), undefined);
  });
});

test('what is not there, or not allowed, is refused', async () => {
  await withEngine(async (engine) => {
    const from = { snapshotId: 'none' };
    await assert.rejects(engine.openVolume('none'), { code: 'not_found' });
    await assert.rejects(engine.openSnapshot('none'), { code: 'not_found' });
    await assert.rejects(engine.createVolume({ volumeId: 'v', lengthBytes: GiB, from }), {
      code: 'not_found',
    });
    await engine.createVolume({ volumeId: 'v', lengthBytes: GiB });
    await assert.rejects(engine.extendVolume('v', MiB), { code: 'invalid_input' });
    await assert.rejects(
      engine.createVolume({ volumeId: 'c', lengthBytes: MiB, from: { volumeId: 'v' } }),
      { code: 'invalid_input' },
    );
    const device = await engine.openVolume('v');
    await assert.rejects(engine.deleteVolume('v'), { code: 'invalid_state' });
    await device.close();
    await engine.deleteVolume('v');
  });
});

test('a clone may be larger than its source, and its tail is absent', async () => {
  await withEngine(async (engine) => {
    await engine.createVolume({ volumeId: 'v', lengthBytes: MiB + 100 });
    const source = await engine.openVolume('v');
    await source.write(MiB, Buffer.alloc(100, 1));
    const from = { volumeId: 'v' };
    await engine.createVolume({ volumeId: 'c', lengthBytes: GiB, from });
    await source.write(MiB, Buffer.alloc(100, 2));
    const clone = await engine.openVolume('c');
    const target = Buffer.alloc(sector);
    await clone.read(MiB, target);
    assert.deepEqual(target, Buffer.concat([Buffer.alloc(100, 1), Buffer.alloc(sector - 100)]));
    assert.deepEqual((await clone.extents(0, GiB)).at(-1)?.kind, 'absent');
    await source.close();
    await clone.close();
  });
});

test('sixteen snapshots at the same time, under writes, each hold one instant', async () => {
  await withEngine(async (engine) => {
    await engine.createVolume({ volumeId: 'v', lengthBytes: 2 * TiB });
    const device = await engine.openVolume('v');
    let last = 0;
    const ending = new AbortController();
    const writing = (async () => {
      while (!ending.signal.aborted) {
        last += 1;
        const content = Buffer.alloc(sector);
        content.writeUInt32LE(last);
        await device.write((last % 2) * TiB, content);
      }
    })();
    const ids = Array.from({ length: 16 }, () => newId());
    await Promise.all(
      ids.map((snapshotId) => engine.createSnapshots([{ volumeId: 'v', snapshotId }])),
    );
    ending.abort();
    await writing;
    for (const id of ids) {
      const snapshot = await engine.openSnapshot(id);
      const [even, odd] = [Buffer.alloc(4), Buffer.alloc(4)];
      await snapshot.read(0, even);
      await snapshot.read(TiB, odd);
      // The writes are one after the other, so of two neighbours the later is never alone.
      assert.equal(Math.abs(even.readUInt32LE() - odd.readUInt32LE()) <= 1, true);
      await snapshot.close();
    }
    await device.close();
  });
});

test('changed extents are what a comparison of all bytes finds', async () => {
  await withEngine(async (engine) => {
    await engine.createVolume({ volumeId: 'v', lengthBytes: 128 * MiB });
    const device = await engine.openVolume('v');
    await device.write(0, Buffer.alloc(8 * sector, 1));
    await engine.createSnapshots([{ volumeId: 'v', snapshotId: 'first' }]);
    const first = must(await engine.findSnapshot('first'), 'the snapshot');
    await device.write(sector, Buffer.alloc(sector, 2));
    await engine.createSnapshots([{ volumeId: 'v', snapshotId: 'between' }]);
    await device.zero(4 * sector, 2 * sector);
    await device.write(64 * MiB - sector, Buffer.alloc(2 * sector, 3));
    await engine.extendVolume('v', 256 * MiB);
    await device.write(200 * MiB, Buffer.alloc(10, 4));
    await engine.createSnapshots([{ volumeId: 'v', snapshotId: 'last' }]);
    await device.write(0, Buffer.alloc(sector, 9));
    const query = { snapshotId: 'last', sinceLayerId: first.layerId };
    const expected = [
      { offsetBytes: sector, lengthBytes: sector, kind: 'data' },
      { offsetBytes: 4 * sector, lengthBytes: 2 * sector, kind: 'zero' },
      { offsetBytes: 64 * MiB - sector, lengthBytes: 2 * sector, kind: 'data' },
      { offsetBytes: 200 * MiB, lengthBytes: sector, kind: 'data' },
    ];
    assert.deepEqual(await engine.changedExtents(query), expected);
    await engine.deleteSnapshot('between');
    await engine.settled();
    assert.deepEqual(await engine.changedExtents(query), expected);
    await engine.deleteSnapshot('first');
    await engine.settled();
    assert.equal(await engine.changedExtents(query), undefined);
    await device.close();
  });
});

test('a damaged record stops its volume only, and nothing is given back meanwhile', async () => {
  await withFolder(async (folder) => {
    const first = await openVolumeEngine({ folder });
    for (const volumeId of ['good', 'bad', 'headless']) {
      await first.createVolume({ volumeId, lengthBytes: GiB });
      const device = await first.openVolume(volumeId);
      await device.write(0, Buffer.from(volumeId));
      await device.close();
    }
    const wanted = [{ volumeId: 'headless', snapshotId: 's' }];
    const [{ layerId }] = (await first.createSnapshots(wanted)) as [SnapshotFacts];
    await first.close();
    await writeFile(join(folder, 'volumes', 'bad.json'), '{"formatVersion":1,"id":"bad"');
    await writeFile(join(folder, 'layers', layerId, 'layer.json'), 'null');
    const layers = await readdir(join(folder, 'layers'));
    await mkdir(join(folder, 'layers', `${newId()}.tmp`));
    const engine = await openVolumeEngine({ folder });
    await assert.rejects(engine.openVolume('bad'), { code: 'corrupt' });
    await assert.rejects(engine.openVolume('headless'), { code: 'corrupt' });
    await assert.rejects(engine.createVolume({ volumeId: 'bad', lengthBytes: GiB }), {
      code: 'corrupt',
    });
    const device = await engine.openVolume('good');
    const target = Buffer.alloc(4);
    await device.read(0, target);
    assert.equal(target.toString(), 'good');
    await device.close();
    await engine.settled();
    assert.deepEqual((await readdir(join(folder, 'layers'))).sort(), layers.sort());
    await engine.close();
  });
});
