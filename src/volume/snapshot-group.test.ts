import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { until } from '../../test/interop/until.ts';
import { must } from '../base/assert.ts';
import { KiB, MiB } from '../base/bytes.ts';
import { isOperatingError } from '../base/errors.ts';
import type { BlockDevice } from './block-device.ts';
import { hookedFileOperations, systemError } from './failing-files.ts';
import type { OpenedEngine } from './open-engine.ts';
import { openVolumeEngine } from './open-engine.ts';
import { VolatileFiles } from './volatile-files.ts';

/** Snapshots of several volumes at one instant. */
const sector = 4 * KiB;
const lengthBytes = 8 * MiB;
const names = ['a', 'b'];
const group = names.map((volumeId) => ({ volumeId, snapshotId: `${volumeId}-s` }));

async function newFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'firn-group-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

async function makeVolumes(engine: OpenedEngine): Promise<Map<string, BlockDevice>> {
  const devices = new Map<string, BlockDevice>();
  for (const volumeId of names) {
    await engine.createVolume({ volumeId, lengthBytes });
    devices.set(volumeId, await engine.openVolume(volumeId));
  }
  return devices;
}

async function readNumber(device: BlockDevice): Promise<number> {
  const target = Buffer.alloc(4);
  await device.read(0, target);
  return target.readUInt32LE();
}

async function readSnapshot(engine: OpenedEngine, snapshotId: string): Promise<number> {
  const device = await engine.openSnapshot(snapshotId);
  try {
    return await readNumber(device);
  } finally {
    await device.close();
  }
}

function counterOf(value: number): Buffer {
  const content = Buffer.alloc(sector);
  content.writeUInt32LE(value);
  return content;
}

test('a writer that goes from volume to volume is never ahead of itself', async (t) => {
  const engine = await openVolumeEngine({ folder: await newFolder(t) });
  const devices = await makeVolumes(engine);
  const [a, b] = [must(devices.get('a'), 'a'), must(devices.get('b'), 'b')];
  const ending = new AbortController();
  let written = 0;
  const writing = (async () => {
    for (let counter = 1; !ending.signal.aborted; counter += 1) {
      await a.write(0, counterOf(counter));
      await b.write(0, counterOf(counter));
      written = counter;
    }
  })();
  // Writers beside it, whose requests are under way at every instant.
  const noise = names.map(async (name, index) => {
    for (let at = 1; !ending.signal.aborted; at += 1) {
      const place = MiB * (1 + index) + (at % 16) * 32 * KiB;
      await devices.get(name)?.write(place, Buffer.alloc(32 * KiB, at % 256));
      if (at % 16 === 0) await setTimeout(1);
    }
  });
  const seen: number[] = [];
  for (let count = 0; count < 8; count += 1) {
    const before = written;
    await until('the writer goes on', () => written > before);
    const wanted = names.map((volumeId) => ({ volumeId, snapshotId: `${volumeId}-${count}` }));
    // The order of the list must not matter.
    await engine.createSnapshots(count % 2 === 0 ? wanted : wanted.toReversed());
    const first = await readSnapshot(engine, `a-${count}`);
    const second = await readSnapshot(engine, `b-${count}`);
    assert.ok(first === second || first === second + 1, `a has ${first}, b has ${second}`);
    seen.push(first);
  }
  ending.abort();
  await Promise.all([writing, ...noise]);
  assert.equal(engine.freezeTimes.count, seen.length);
  for (const [index, value] of seen.entries()) {
    assert.ok(index === 0 || value > must(seen[index - 1], 'a count'), 'the writer went on');
  }
  for (const device of devices.values()) await device.close();
  await engine.close();
});

test('many volumes, doubles in the list, and two names of one volume', async (t) => {
  const engine = await openVolumeEngine({ folder: await newFolder(t) });
  const ids = Array.from({ length: 40 }, (_, index) => `v${index}`);
  for (const volumeId of ids) await engine.createVolume({ volumeId, lengthBytes });
  const wanted = ids.map((volumeId) => ({ volumeId, snapshotId: `${volumeId}-s` }));
  const double = { volumeId: 'v7', snapshotId: 'another' };
  // Calls that want the same volumes in another order do not wait for each other for ever.
  const [facts] = await Promise.all([
    engine.createSnapshots([...wanted, double, ...wanted.slice(0, 3)]),
    engine.createSnapshots(
      ids.toReversed().map((volumeId) => ({ volumeId, snapshotId: `${volumeId}-t` })),
    ),
  ]);
  assert.equal(facts.length, 44);
  assert.deepEqual(facts[0], facts[41]);
  assert.equal(facts[40]?.layerId, facts[7]?.layerId);
  assert.deepEqual(await engine.createSnapshots(wanted), facts.slice(0, 40));
  assert.deepEqual(await engine.createSnapshots([]), []);
  await engine.close();
});

test('when one snapshot cannot be made, none is', async (t) => {
  const engine = await openVolumeEngine({ folder: await newFolder(t) });
  const devices = await makeVolumes(engine);
  await assert.rejects(engine.createSnapshots([...group, { volumeId: 'none', snapshotId: 'x' }]), {
    code: 'not_found',
  });
  await assert.rejects(
    engine.createSnapshots([...group, { volumeId: 'a', snapshotId: 'no name' }]),
    { code: 'invalid_input' },
  );
  const snapshotId = 'a-s';
  await assert.rejects(engine.createSnapshots([...group, { volumeId: 'b', snapshotId }]), {
    code: 'exists',
  });
  await engine.createSnapshots([{ volumeId: 'b', snapshotId }]);
  await assert.rejects(engine.createSnapshots(group), { code: 'exists' });
  await engine.deleteSnapshot(snapshotId);
  await engine.createSnapshots(group.slice(0, 1));
  // One of them is of an instant that is over.
  await assert.rejects(engine.createSnapshots(group), { code: 'exists' });
  for (const each of group.slice(1)) {
    assert.equal(await engine.findSnapshot(each.snapshotId), undefined);
  }
  for (const device of devices.values()) await device.close();
  await engine.close();
});

/** Makes the volumes, takes a group while all hold 1, writes 2, and flushes that. */
async function takeGroup(engine: OpenedEngine, done: string[]): Promise<void> {
  const devices = await makeVolumes(engine);
  for (const device of devices.values()) await device.write(0, counterOf(1));
  done.push('made');
  await engine.createSnapshots(group);
  done.push('group');
  for (const [name, device] of devices) {
    await device.write(0, counterOf(2));
    await device.flush();
    done.push(name);
  }
  await engine.deleteSnapshot('b-s');
  done.push('deleted');
  for (const device of devices.values()) await device.close();
}

/** The group is there or it is not; and it is when it was acknowledged, and can be taken if not. */
async function checkGroup(folder: string, done: readonly string[]): Promise<void> {
  const engine = await openVolumeEngine({ folder });
  try {
    const found = await Promise.all(group.map((each) => engine.findSnapshot(each.snapshotId)));
    const there = found.filter((facts) => facts !== undefined).length;
    if (done.includes('deleted')) assert.equal(there, 1);
    else if (done.includes('b')) assert.ok(found[0] !== undefined, 'only the other is deleted');
    else assert.ok(there === 0 || there === 2, `${there} of the group are there`);
    if (done.includes('group')) assert.ok(there >= 1, 'what was acknowledged is there');
    for (const facts of found) {
      if (facts !== undefined) assert.equal(await readSnapshot(engine, facts.snapshotId), 1);
    }
    for (const name of names.filter((each) => done.includes(each))) {
      const device = await engine.openVolume(name);
      assert.equal(await readNumber(device), 2, 'what was flushed is there');
      await device.close();
    }
    if (there === 0 && done.includes('made')) {
      const layers = (await engine.createSnapshots(group)).map((facts) => facts.layerId);
      const again = (await engine.createSnapshots(group)).map((facts) => facts.layerId);
      assert.deepEqual(again, layers);
    }
    await engine.settled();
  } finally {
    await engine.close();
  }
}

test(
  'a power cut at any step leaves a group whole or not there',
  { timeout: 900_000 },
  async (t) => {
    const parent = await newFolder(t);
    for (let cut = 1; ; cut += 1) {
      const folder = join(parent, String(cut));
      const files = new VolatileFiles();
      const done: string[] = [];
      let count = 0;
      const fs = hookedFileOperations(() => {
        if (done.includes('made')) count += 1;
        if (count >= cut) throw systemError('EIO');
      }, files.operations);
      let engine: OpenedEngine | undefined;
      try {
        engine = await openVolumeEngine({ folder, fs, report: () => undefined });
        await takeGroup(engine, done);
      } catch (error) {
        assert.ok(isOperatingError(error), String(error));
      }
      const acknowledged = [...done];
      const copy = `${folder}-cut`;
      // The copy blocks this process, so it is of one moment.
      execFileSync('cp', ['-a', '--sparse=always', folder, copy]);
      files.cutPower(folder, copy, () => cut % 3 !== 0);
      await engine?.close().catch((error: unknown) => assert.ok(isOperatingError(error)));
      await checkGroup(copy, acknowledged);
      await rm(folder, { recursive: true });
      await rm(copy, { recursive: true });
      if (count < cut) return;
    }
  },
);

test(
  'whichever operation fails once, no half of a group is seen',
  { timeout: 900_000 },
  async (t) => {
    const parent = await newFolder(t);
    for (let failing = 1; ; failing += 1) {
      const folder = join(parent, String(failing));
      const done: string[] = [];
      let count = 0;
      const engine = await openVolumeEngine({
        folder,
        fs: hookedFileOperations(() => {
          if (done.includes('made')) count += 1;
          if (count === failing) throw systemError('ENOSPC');
        }),
        report: () => undefined,
      });
      try {
        await takeGroup(engine, done);
      } catch (error) {
        assert.ok(isOperatingError(error), String(error));
        const found = await Promise.all(group.map((each) => engine.findSnapshot(each.snapshotId)));
        const there = found.filter((facts) => facts !== undefined).length;
        if (!done.includes('b')) assert.equal(there, done.includes('group') ? 2 : 0);
      }
      await engine.close().catch((error: unknown) => assert.ok(isOperatingError(error)));
      await checkGroup(folder, done);
      await rm(folder, { recursive: true });
      if (count < failing) return;
    }
  },
);

test('records that wait to be written are written before anything else changes', async (t) => {
  const folder = await newFolder(t);
  let isFailing = false;
  const order: string[] = [];
  const fs = hookedFileOperations((operation, path) => {
    if (isFailing && operation === 'writeDurably' && path.endsWith('b.json')) {
      throw systemError('ENOSPC');
    }
    if (path.includes('volumes')) order.push(`${operation} ${path.slice(folder.length + 9)}`);
  });
  const engine = await openVolumeEngine({ folder, fs, report: () => undefined });
  const devices = await makeVolumes(engine);
  for (const device of devices.values()) await device.write(0, counterOf(1));
  isFailing = true;
  await engine.createSnapshots(group);
  assert.equal(await readSnapshot(engine, 'b-s'), 1);
  // A crash now leaves the file, and a start makes the records from it.
  await engine.settled().catch((error: unknown) => assert.ok(isOperatingError(error)));
  execFileSync('cp', ['-a', folder, `${folder}-crash`]);
  t.after(() => rm(`${folder}-crash`, { recursive: true }));
  await checkGroup(`${folder}-crash`, ['made', 'group']);
  assert.ok(!(await readdir(join(`${folder}-crash`, 'volumes'))).includes('records.pending'));
  await assert.rejects(engine.deleteSnapshot('a-s'), { code: 'no_space' });
  assert.ok((await engine.findSnapshot('a-s')) !== undefined);
  isFailing = false;
  order.length = 0;
  await engine.deleteSnapshot('a-s');
  const [written, removed, synced, deleted] = [
    order.indexOf('writeDurably b.json'),
    order.indexOf('remove records.pending'),
    order.indexOf('syncFolder '),
    order.lastIndexOf('writeDurably a.json'),
  ] as [number, number, number, number];
  assert.ok(
    written >= 0 && written < removed && removed < synced && synced < deleted,
    order.join(', '),
  );
  for (const device of devices.values()) await device.close();
  await engine.close();
  const again = await openVolumeEngine({ folder });
  assert.equal(await again.findSnapshot('a-s'), undefined);
  assert.equal(await readSnapshot(again, 'b-s'), 1);
  await again.close();
});

test('damaged pending records let no volume be opened', async (t) => {
  const folder = await newFolder(t);
  const engine = await openVolumeEngine({ folder });
  await engine.createVolume({ volumeId: 'a', lengthBytes });
  await engine.close();
  const path = join(folder, 'volumes', 'records.pending');
  for (const text of [
    '',
    '{"formatVersion":2,"volumes":[]}',
    '{"formatVersion":1,"volumes":[{}]}',
  ]) {
    await writeFile(path, text);
    await assert.rejects(openVolumeEngine({ folder }), { code: 'corrupt' });
    assert.equal(await readFile(path, 'utf8'), text);
  }
});
