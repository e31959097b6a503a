/** `firn repository` on a machine that has nothing but the store and the key. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { must } from '../base/assert.ts';
import { isZero } from '../base/bytes.ts';
import { connectNbd } from '../client/nbd.ts';
import type { Manifest } from '../repository/manifest.ts';
import { backUpModel, ModelVolume } from '../repository/model-volume.ts';
import { createRepository, openRepository } from '../repository/repository.ts';
import { openStoreRoot } from '../store/open-root.ts';
import { runCli } from './program.ts';

const blockBytes = 64 * 1024;
const key = Buffer.alloc(32, 5);
let folder: string;
let flags: string[];
let manifest: Manifest;
let content: Buffer;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'firn-bare-'));
  await mkdir(join(folder, 'store'));
  const url = pathToFileURL(join(folder, 'store')).href;
  const root = openStoreRoot(url);
  const store = await root.open('box', { create: true });
  await createRepository(store, { wrappingKey: key });
  const repository = await openRepository(store, { wrappingKey: key });
  const volume = new ModelVolume(1040);
  for (const block of [0, 1, 2, 40, 1030, 1039]) volume.write(block * 16, 16, block * 50 + 1);
  manifest = await backUpModel(repository, volume);
  await repository.close();
  content = Buffer.alloc(volume.lengthBytes);
  for (let block = 0; block < 1040; block += 1) {
    const part = new Uint8Array(blockBytes);
    volume.readBlock(block, part);
    content.set(part, block * blockBytes);
  }
  await writeFile(join(folder, 'key'), `${key.toString('base64')}\n`);
  flags = ['--store', url, '--key-file', join(folder, 'key')];
});
after(() => rm(folder, { recursive: true }));

type Outcome = Promise<{ code: number; out: string; err: string }>;

function run(...args: string[]): Outcome {
  return runIn({}, ...args);
}

async function runIn(environment: Record<string, string>, ...args: string[]): Outcome {
  let out = '';
  let err = '';
  const code = await runCli(['repository', ...args], {
    environment,
    stdout: { write: (text) => (out += text.toString()) },
    stderr: { write: (text) => (err += text.toString()) },
    serve: () => assert.fail('nothing is served'),
  });
  return { code, out, err };
}

test('backups are listed, verified, and restored to a sparse file', async () => {
  const listed = await run('list', ...flags);
  assert.equal(listed.code, 0, listed.err);
  assert.match(listed.out, new RegExp(`^${manifest.backupId} .*65\\.0 MiB$`, 'm'));
  assert.equal((await run('verify', ...flags)).code, 0);
  assert.equal((await run('verify', manifest.backupId, ...flags)).code, 0);
  const target = join(folder, 'disk.raw');
  const restored = await run('restore', manifest.backupId, target, ...flags);
  assert.equal(restored.code, 0, restored.err);
  assert.ok((await readFile(target)).equals(content));
  assert.ok((await stat(target)).blocks * 512 < 2 ** 20, 'holes stay holes');
  const again = await run('restore', manifest.backupId, target, ...flags);
  assert.deepEqual([again.code, /is there already/.test(again.err)], [1, true]);
});

test('a wrong key, store or backup is an error in a sentence', async () => {
  await writeFile(join(folder, 'other'), `${Buffer.alloc(32, 6).toString('base64')}\n`);
  const [, url = ''] = flags;
  const wrongKey = ['--store', url, '--key-file', join(folder, 'other')];
  assert.match((await run('list', ...wrongKey)).err, /^firn: the key at hand does not open/);
  const wrongStore = ['--store', `${url}-gone`, '--key-file', join(folder, 'key')];
  assert.equal((await run('list', ...wrongStore)).code, 1);
  assert.match((await run('verify', 'nobody', ...flags)).err, /there is no backup nobody/);
  assert.equal((await run('list', '--store', url)).code, 1);
});

test('store and key are found as by a service: file, environment, passphrase', async () => {
  const [, url = '', , keyFile = ''] = flags;
  const config = join(folder, 'firn.yaml');
  await writeFile(config, `store:\n  url: ${url}\nkey_file: ${keyFile}\n`);
  const byConfig = await run('verify', '--config', config);
  assert.equal(byConfig.code, 0, byConfig.err);
  const store = { FIRN_STORE: url, FIRN_DATA: join(folder, 'no-data') };
  const FIRN_KEY = key.toString('base64');
  const byVariables = await runIn({ ...store, FIRN_KEY }, 'verify', manifest.backupId);
  assert.equal(byVariables.code, 0, byVariables.err);
  const passphrase = join(folder, 'passphrase');
  await writeFile(passphrase, 'a long enough sentence\nand more\n');
  const added = await run('key', 'add-passphrase', ...flags, '--passphrase-file', passphrase);
  assert.equal(added.code, 0, added.err);
  const listed = await runIn(store, 'list', '--passphrase-file', passphrase);
  assert.match(listed.out, new RegExp(manifest.backupId), listed.err);
  const given = await runIn({ ...store, FIRN_PASSPHRASE: 'a long enough sentence' }, 'verify');
  assert.equal(given.code, 0, given.err);
  const wrong = await runIn({ ...store, FIRN_PASSPHRASE: 'another long sentence' }, 'verify');
  assert.equal(wrong.code, 1);
  assert.match(wrong.err, /the passphrase at hand does not open/);
  const none = await runIn(store, 'verify');
  assert.match(none.err, /key/);
  assert.equal(none.code, 1);
});

test('damage is found, named with its bytes, and ends with 1', async () => {
  const store = await openStoreRoot(must(flags[1], 'the store')).open('box', { create: false });
  for await (const { name } of store.list('packs/')) {
    const path = join(folder, 'store', 'box', name);
    const bytes = await readFile(path);
    bytes[50] = (bytes[50] ?? 0) ^ 4;
    await writeFile(`${path}.new`, bytes);
    await rm(path, { force: true });
    await writeFile(path, bytes);
    await rm(`${path}.new`);
  }
  const found = await run('verify', ...flags);
  assert.equal(found.code, 1);
  // Which block lies first in the pack is by chance; it is one that holds data.
  const range = new RegExp(`^backup ${manifest.backupId}: bytes (\\d+)–(\\d+): `, 'm');
  const [, first, last] = (range.exec(found.out) ?? assert.fail(found.out)).map(Number);
  assert.ok(first !== undefined && first % blockBytes === 0, found.out);
  assert.equal(last, first + blockBytes - 1);
  assert.ok(!isZero(content.subarray(first, last + 1)));
  const unhealed = await run('verify', '--heal', ...flags);
  assert.equal(unhealed.code, 1);
  assert.match(unhealed.out, /^not healed: object packs\/\S+: the block .* is damaged$/m);
  assert.match(unhealed.out, new RegExp(`^not healed: backup ${manifest.backupId}: bytes`, 'm'));
  assert.match(unhealed.err, /not healed: there is no other copy of the store/);
  const target = join(folder, 'damaged.raw');
  const refused = await run('restore', manifest.backupId, target, ...flags);
  assert.equal(refused.code, 1);
  await assert.rejects(stat(target), { code: 'ENOENT' });
  for await (const { name } of store.list('packs/')) {
    const path = join(folder, 'store', 'box', name);
    const bytes = await readFile(path);
    bytes[50] = (bytes[50] ?? 0) ^ 4;
    await writeFile(path, bytes);
  }
  await store.close();
});

test('a backup is mounted over NBD, read-only', async () => {
  const bin = join(import.meta.dirname, '../../bin/firn.ts');
  const args = [bin, 'repository', 'mount', manifest.backupId, '--cache', '1', ...flags];
  const server = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const [first] = (await once(server.stdout, 'data')) as [Buffer];
    const device = await connectNbd({ uri: first.toString().trim() });
    try {
      assert.equal(device.lengthBytes, content.length);
      const part = Buffer.alloc(3 * blockBytes);
      await device.read(39 * blockBytes, part);
      assert.ok(part.equals(content.subarray(39 * blockBytes, 42 * blockBytes)));
      await assert.rejects(device.write(0, Buffer.alloc(4096)));
      const extents = await device.extents(0, device.lengthBytes);
      assert.equal(extents.filter(({ kind }) => kind === 'data').length, 4);
    } finally {
      await device.disconnect();
    }
  } finally {
    server.kill('SIGTERM');
    const [code] = await once(server, 'exit');
    assert.equal(code, 0);
  }
});

/** Flips a bit of an object in the store below a folder. */
async function damage(folderOfStore: string, name: string, at: number): Promise<void> {
  const path = join(folderOfStore, 'box', name);
  const bytes = await readFile(path);
  bytes[at] = (bytes[at] ?? 0) ^ 4;
  await rm(path, { force: true });
  await writeFile(path, bytes);
}

test('a copy of the store is verified by itself, healed, and read in its stead', async () => {
  const [here, there] = [join(folder, 'first'), join(folder, 'second')];
  for (const place of [here, there]) await cp(join(folder, 'store'), place, { recursive: true });
  const urlOf = (path: string): string => pathToFileURL(path).href;
  const given = ['--store', urlOf(here), '--store-copy', urlOf(there), ...flags.slice(2)];
  const names = (await readdir(join(here, 'box'), { recursive: true })).filter((name) =>
    /^(packs|backups)\/.+[0-9a-f-]{32}/.test(name),
  );
  const pack = must(
    names.find((name) => name.startsWith('packs/')),
    'a pack',
  );
  const described = `backups/${manifest.backupId}`;
  assert.equal((await run('verify', ...given)).code, 0);

  // Damage in each, at different places of one pack, and what is lost in one alone.
  await damage(here, pack, 50);
  await damage(there, pack, 2000);
  await rm(join(here, 'box', described));
  const found = await run('verify', ...given);
  assert.equal(found.code, 1);
  assert.match(found.out, new RegExp(`^object ${described}: .* is lost$`, 'm'));
  assert.match(found.out, new RegExp(`^object ${pack}: `, 'm'));
  assert.match(found.out, new RegExp(`^object ${pack} in the copy: `, 'm'));
  const single = await run('verify', manifest.backupId, ...given);
  assert.match(single.out, new RegExp(`^object ${described}: `, 'm'));
  const healed = await run('verify', '--heal', ...given);
  assert.equal(healed.code, 0, healed.out + healed.err);
  assert.match(healed.out, new RegExp(`^healed ${pack}: `, 'm'));
  assert.match(healed.out, new RegExp(`^healed ${described}: `, 'm'));
  for (const place of [here, there]) {
    assert.equal((await run('verify', '--store', urlOf(place), ...flags.slice(2))).code, 0);
  }

  // The first store is gone, and its copy has everything.
  await rm(here, { recursive: true });
  const target = join(folder, 'from-copy.raw');
  const restored = await run('restore', manifest.backupId, target, ...given);
  assert.equal(restored.code, 0, restored.err);
  assert.match(restored.err, /One of the two stores is away/);
  assert.ok((await readFile(target)).equals(content));
});

test('a store that has lost all its manifests is not called sound', async () => {
  const place = join(folder, 'undescribed');
  await cp(join(folder, 'store'), place, { recursive: true });
  await rm(join(place, 'box', 'backups'), { recursive: true });
  const given = ['--store', pathToFileURL(place).href, ...flags.slice(2)];
  for (const verb of ['verify', 'list']) {
    const { code, err } = await run(verb, ...given);
    assert.equal(code, 1, verb);
    if (verb === 'list') assert.match(err, /^firn: the descriptions of all backups .* are lost/);
    else assert.match(err, /^firn: damaged: 0 backups, 1 objects$/m);
  }
  const { out } = await run('verify', ...given);
  assert.match(out, /^object backups\/: the descriptions .* put backups\/ back from a copy/m);
});

test('an import that finds nothing says what it looked for, and makes nothing', async () => {
  const source = join(folder, 'not-cinder');
  await mkdir(source);
  await writeFile(join(source, 'a-file'), 'of somebody else');
  const place = join(folder, 'import');
  await mkdir(place);
  const given = ['--store', pathToFileURL(place).href, ...flags.slice(2)];
  const importNow = (): Outcome => run('import-cinder', pathToFileURL(source).href, ...given);
  const none = await importNow();
  assert.equal(none.code, 1);
  assert.match(none.err, /none of its 1 objects has a name that ends with _backup_ID_metadata/);
  const named = 'volume_x/20250101_az_nova_backup_22222222-2222-4222-8222-222222222222_metadata';
  await mkdir(join(source, 'volume_x'));
  await writeFile(join(source, named), 'cut short');
  const broken = await importNow();
  assert.equal(broken.code, 1);
  assert.match(broken.err, /none of the 1 backups of Cinder in .* can be taken over: volume_x/);
  assert.deepEqual(await readdir(place), []);
});

/** A disk of the kernel's over a file; undefined with the reason where that cannot be had. */
function loopDevice(file: string): { path: string } | { path: undefined; reason: string } {
  if (process.getuid?.() !== 0) return { path: undefined, reason: 'only root makes loop devices' };
  const made = spawnSync('losetup', ['--find', '--show', file], { encoding: 'utf8' });
  if (made.status === 0) return { path: made.stdout.trim() };
  return { path: undefined, reason: `no loop devices here: ${made.error?.message ?? made.stderr}` };
}

test('a backup is restored over a block device, zeros included', async (t) => {
  const file = join(folder, 'disk');
  const behind = Buffer.alloc(1024 * 1024, 'behind');
  await writeFile(file, Buffer.concat([Buffer.alloc(content.length, 'old'), behind]));
  const loop = loopDevice(file);
  if (loop.path === undefined) return t.skip(loop.reason);
  try {
    const restored = await run('restore', manifest.backupId, loop.path, ...flags);
    assert.equal(restored.code, 0, restored.err);
  } finally {
    spawnSync('losetup', ['--detach', loop.path]);
  }
  const found = await readFile(file);
  assert.ok(found.subarray(0, content.length).equals(content));
  assert.ok(found.subarray(content.length).equals(behind), 'what lies behind it stays');

  await writeFile(file, Buffer.alloc(content.length - 4096, 'old'));
  const small = loopDevice(file);
  if (small.path === undefined) return t.skip(small.reason);
  try {
    const refused = await run('restore', manifest.backupId, small.path, ...flags);
    assert.deepEqual([refused.code, /smaller than the backup/.test(refused.err)], [1, true]);
  } finally {
    spawnSync('losetup', ['--detach', small.path]);
  }
  assert.ok((await readFile(file)).equals(Buffer.alloc(content.length - 4096, 'old')));
});
