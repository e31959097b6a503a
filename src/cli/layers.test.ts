/** `firn layers` as an operator types it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  mkdir,
  mkdtemp,
  open,
  readFile,
  readdir,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { GiB, MiB } from '../base/bytes.ts';
import { TestFolder, sector } from '../inspect/folder-fixture.ts';
import { takeDataFolder } from '../server/data-folder.ts';
import { runCli } from './program.ts';

let sound: TestFolder;
let scratch: string;
before(async () => {
  sound = await TestFolder.make();
  scratch = await mkdtemp(join(tmpdir(), 'firn-layers-'));
});
after(async () => {
  await sound.remove();
  await rm(scratch, { recursive: true });
});

interface Outcome {
  readonly code: number;
  readonly out: Buffer;
  readonly err: string;
}

async function run(folder: string, ...args: string[]): Promise<Outcome> {
  const out: Buffer[] = [];
  let err = '';
  const code = await runCli(['layers', ...args, '--data', folder], {
    environment: {},
    stdout: {
      write: (text, onDone) => {
        out.push(Buffer.from(text));
        onDone?.();
      },
    },
    stderr: { write: (text) => (err += text.toString()) },
    serve: () => assert.fail('nothing is served'),
  });
  return { code, out: Buffer.concat(out), err };
}

async function withCopy(work: (folder: TestFolder) => Promise<void>): Promise<void> {
  const folder = await sound.copy();
  try {
    await work(folder);
  } finally {
    await folder.remove();
  }
}

async function readStart(path: string): Promise<Buffer> {
  const file = await open(path);
  const target = Buffer.alloc(MiB);
  await file.read(target, 0, MiB, 0);
  await file.close();
  return target;
}

test('list shows volumes, snapshots and the tree of layers', async () => {
  const { code, out, err } = await run(sound.folder, 'list');
  assert.deepEqual([code, err], [0, '']);
  const text = out.toString();
  assert.match(text, /^VOLUME +SIZE +STATE +LAYERS +SNAPSHOTS +HEAD\n/);
  assert.match(text, /\nv +1\.0 GiB +sound +3 +2 +[0-9a-f-]{36}\n/);
  assert.match(text, /\ns1 +1\.0 GiB +v /);
  const branch = /\n[├└]─ [0-9a-f-]{36} +head +1\.0 GiB +4\.0 KiB +\S+ KiB +volume clone\n/;
  assert.match(text, branch);
  const json = JSON.parse((await run(sound.folder, 'list', '--json')).out.toString());
  const base = json.layers.find(
    (layer: { parent: unknown; id: string }) =>
      layer.parent === null && json.volumes[0].chain.includes(layer.id),
  );
  assert.equal(base.dataBytes, MiB + sector);
  assert.ok(base.hostBytes >= base.dataBytes && base.hostBytes < 2 * MiB);
  assert.deepEqual(base.names, [{ volumeId: 'v', snapshotId: 's1' }]);
});

test('check ends with 0, 1 and 2', async () => {
  await withCopy(async (folder) => {
    const clean = await run(folder.folder, 'check');
    assert.deepEqual([clean.code, clean.err], [0, '']);
    assert.match(clean.out.toString(), /3 volumes, 2 snapshots, 5 layers\nNothing is wrong\.\n$/);
    await writeFile(folder.path('volumes', 'half.tmp'), '');
    assert.equal((await run(folder.folder, 'check')).code, 0, 'a leftover is no damage');
    await truncate(folder.layer(await folder.head('other'), 'data'), 0);
    const { code, out, err } = await run(folder.folder, 'check');
    assert.equal(code, 1);
    assert.match(err, /^firn: 1 fault was found\n$/);
    assert.match(out.toString(), /damage: data-cut-off\n  layers\/\S+\/data\n/);
    assert.match(out.toString(), /- volume other: 64\.0 KiB, bytes 1048576–1114111\n/);
    assert.match(out.toString(), /Repair: none is safe\.\n/);
    const json = JSON.parse((await run(folder.folder, 'check', '--json')).out.toString());
    assert.equal(json.findings[0].code, 'data-cut-off');
  });
  const none = await run(join(scratch, 'nothing'), 'check');
  assert.equal(none.code, 2);
  assert.match(none.err, /^firn: \S+nothing holds no volumes: name a data folder/);
});

test('repair shows what it would do, does it when told, and says what is left', async () => {
  await withCopy(async (folder) => {
    await writeFile(folder.path('volumes', 'half.tmp'), '');
    const plan = await run(folder.folder, 'repair');
    assert.equal(plan.code, 0);
    assert.match(plan.out.toString(), /^remove: volumes\/half\.tmp\n/);
    assert.ok((await readdir(folder.path('volumes'))).includes('half.tmp'));
    const done = await run(folder.folder, 'repair', '--apply');
    assert.equal(done.code, 0);
    assert.match(done.out.toString(), /Done: remove volumes\/half\.tmp\n.*\nNothing is wrong\.\n$/);
    assert.match(
      (await run(folder.folder, 'repair')).out.toString(),
      /^There is nothing to repair/,
    );
    await rm(folder.layer(await folder.head('other'), 'data'));
    const left = await run(folder.folder, 'repair', '--apply');
    assert.equal(left.code, 1);
    assert.match(left.out.toString(), /This cannot be repaired:\n\ndamage: missing-data\n/);
  });
});

test('while a service runs, check goes on and repair does not', async () => {
  const data = join(scratch, 'data');
  await mkdir(join(data, 'volumes'), { recursive: true });
  execFileSync('cp', ['-a', '--sparse=always', `${sound.folder}/.`, join(data, 'volumes')]);
  const taken = await takeDataFolder(data);
  const check = await run(data, 'check');
  assert.equal(check.code, 0);
  assert.match(check.err, /^A running Firn has this folder open/);
  const repair = await run(data, 'repair', '--apply');
  assert.equal(repair.code, 2);
  assert.match(repair.err, /cannot be repaired while a Firn runs on it/);
  assert.match((await run(data, 'export', 'v', '-')).err, /a running Firn changes/);
  taken.release();
  assert.deepEqual((await run(data, 'check')).err, '');
});

test('export writes whole, sparse images, and no file twice', async () => {
  for (const [name, of] of [
    ['v', { volumeId: 'v' }],
    ['clone', { volumeId: 'clone' }],
    ['s1', { snapshotId: 's1' }],
    ['s2', { snapshotId: 's2' }],
  ] as const) {
    const path = join(scratch, `${name}.raw`);
    const { code, err } = await run(sound.folder, 'export', name, path);
    assert.equal(code, 0, err);
    const facts = await stat(path);
    assert.equal(facts.size, GiB);
    assert.ok(facts.blocks * 512 < 2 * MiB);
    assert.ok((await readStart(path)).equals(await sound.read(of)));
  }
  const again = await run(sound.folder, 'export', 'v', join(scratch, 'v.raw'));
  assert.match(again.err, /v\.raw is there already/);
  assert.equal(again.code, 1);
  const { out } = await run(sound.folder, 'export', 'other', '-');
  assert.ok(
    out.equals(
      Buffer.concat([
        Buffer.alloc(MiB),
        Buffer.alloc(64 * 1024, 5),
        Buffer.alloc(2 * MiB - 64 * 1024),
      ]),
    ),
  );
  const layer = await run(sound.folder, 'export', '--layer', await sound.head('other'), '-');
  assert.ok(layer.out.equals(out));
});

test('export goes around damage elsewhere, and over its own only when forced', async () => {
  await withCopy(async (folder) => {
    const whole = (await run(folder.folder, 'export', 'other', '-')).out;
    await writeFile(folder.path('volumes', 'v.json'), '{');
    const head = await folder.head('other');
    assert.ok((await run(folder.folder, 'export', 'other', '-')).out.equals(whole));
    await truncate(folder.layer(head, 'data'), MiB + 15 * sector);
    const path = join(scratch, 'other.raw');
    const refused = await run(folder.folder, 'export', 'other', path);
    assert.equal(refused.code, 1);
    assert.match(refused.err, /4\.0 KiB of other are lost \(4\.0 KiB, bytes 1110016–1114111\)/);
    const forced = await run(folder.folder, 'export', 'other', path, '--force');
    assert.equal(forced.code, 0);
    assert.match(forced.err, /zeros in the image: 4\.0 KiB, bytes 1110016–1114111\n$/);
    whole.fill(0, MiB + 15 * sector, MiB + 16 * sector);
    assert.ok((await readFile(path)).equals(whole));
    assert.match((await run(folder.folder, 'export', 'v', '-')).err, /cannot be read; its layers/);
    await rm(folder.layer(head, 'map'));
    const lost = await run(folder.folder, 'export', 'other', '-', '--force');
    assert.match(lost.err, /zeros in the image: 3\.0 MiB, bytes 0–3145727\n$/);
    assert.deepEqual(
      (await readdir(scratch)).filter((name) => name.endsWith('.tmp')),
      [],
    );
  });
});
