/** Folders that were written once stay readable, by the engine and by others. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cp, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type TestContext, test } from 'node:test';
import { MiB } from '../../src/base/bytes.ts';
import { checkFolder } from '../../src/inspect/check.ts';
import { openVolumeEngine } from '../../src/volume/open-engine.ts';
import type { OpenedEngine } from '../../src/volume/open-engine.ts';
import { needs } from '../peer.ts';
import { goldenContent, goldenLengthBytes, makeGoldenFolder } from './golden-folder.ts';

const golden = fileURLToPath(new URL('./golden', import.meta.url));
const reader = fileURLToPath(new URL('./read_volume.py', import.meta.url));

async function scratch(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'firn-golden-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

async function filesOf(folder: string): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) found.set(relative(folder, path), await readFile(path));
  }
  return found;
}

function imageOf(name: string): Buffer {
  const image = Buffer.alloc(goldenLengthBytes);
  for (const [sector, fill] of Object.entries(goldenContent[name] ?? {})) {
    image.fill(fill, Number(sector) * 4096, (Number(sector) + 1) * 4096);
  }
  return image;
}

async function readAll(engine: OpenedEngine, name: string): Promise<Buffer> {
  const isSnapshot = (await engine.findSnapshot(name)) !== undefined;
  const device = await (isSnapshot ? engine.openSnapshot(name) : engine.openVolume(name));
  const image = Buffer.alloc(device.lengthBytes);
  for (let at = 0; at < image.length; at += MiB) {
    await device.read(at, image.subarray(at, Math.min(at + MiB, image.length)));
  }
  await device.close();
  return image;
}

const python = (folder: string, name: string): Buffer =>
  execFileSync('python3', [reader, folder, name], { maxBuffer: 256 * MiB });

test('the same steps write the golden folder again, to the byte', async (t) => {
  const folder = await scratch(t);
  await makeGoldenFolder(folder);
  assert.deepEqual(await filesOf(folder), await filesOf(golden));
});

test('the engine reads the golden folder, and a check finds nothing', async (t) => {
  const folder = await scratch(t);
  await cp(golden, folder, { recursive: true });
  assert.deepEqual((await checkFolder(folder)).findings, []);
  const engine = await openVolumeEngine({ folder });
  for (const name of Object.keys(goldenContent)) {
    assert.ok((await readAll(engine, name)).equals(imageOf(name)), name);
  }
  await engine.close();
});

test('a reader made from the document alone reads it', needs('python3'), () => {
  for (const name of ['first', 'volume']) {
    assert.ok(python(golden, name).equals(imageOf(name)), name);
  }
});

test('the same reader reads what the engine makes and merges', needs('python3'), async (t) => {
  const folder = await scratch(t);
  const engine = await openVolumeEngine({ folder });
  const lengthBytes = 70 * MiB + 512;
  await engine.createVolume({ volumeId: 'v', lengthBytes });
  const device = await engine.openVolume('v');
  const snapshots = ['a', 'b', 'c', 'd'];
  for (const [round, snapshotId] of snapshots.entries()) {
    for (const at of [round * 10_000, 64 * MiB - 5000 - round * 3000, lengthBytes - 9000]) {
      await device.write(at, Buffer.alloc(8100, 1 + round));
    }
    await device.zero(round * 20_000 + 4096, 30_000);
    await engine.createSnapshots([{ volumeId: 'v', snapshotId }]);
  }
  await device.write(MiB, Buffer.alloc(100, 9));
  await device.close();
  await engine.deleteSnapshot('a');
  await engine.deleteSnapshot('c');
  await engine.settled();
  const expected = new Map<string, Buffer>();
  for (const name of ['b', 'd', 'v']) expected.set(name, await readAll(engine, name));
  await engine.close();
  for (const [name, image] of expected) assert.ok(python(folder, name).equals(image), name);
});
