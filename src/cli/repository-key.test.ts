import assert from 'node:assert/strict';
import {
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { createRepository } from '../repository/repository.ts';
import { readKeyFile } from '../server/key-file.ts';
import { openStoreRoot } from '../store/open-root.ts';
import { runCli } from './program.ts';

const passphrase = 'correct horse battery staple';

async function scene(t: TestContext) {
  const data = await mkdtemp(join(tmpdir(), 'firn-cli-key-'));
  t.after(() => rm(data, { recursive: true }));
  await mkdir(join(data, 'backups'));
  const { key: wrappingKey } = await readKeyFile(join(data, 'firn.key'), { create: true });
  const url = pathToFileURL(join(data, 'backups')).href;
  const store = await openStoreRoot(url).open('nightly', { create: true });
  await createRepository(store, { wrappingKey });
  await store.close();
  const run = async (args: readonly string[], environment = {}): Promise<string> => {
    let text = '';
    const output = { write: (part: string | Uint8Array) => (text += String(part)) };
    const serve = (): Promise<never> => assert.fail('nothing is served');
    const context = { environment, stdout: output, stderr: output, serve };
    const code = await runCli(['--data', data, 'repository', 'key', ...args], context);
    return `${code} ${text}`;
  };
  return { data, url, run };
}

test('a recovery sheet makes the key file again', async (t) => {
  const { data, url, run } = await scene(t);
  const sheet = (await run(['export'])).replace(/^0 /, '');
  assert.match(sheet, /nightly \([0-9a-f-]{36}\)/);
  assert.ok(sheet.includes(url));
  const path = join(data, 'sheet.txt');
  await writeFile(path, sheet);
  const keyPath = join(data, 'again.key');
  assert.match(await run(['import', path, '--key-file', keyPath]), /^0 /);
  assert.deepEqual(await readFile(keyPath), await readFile(join(data, 'firn.key')));
  assert.equal((await stat(keyPath)).mode & 0o777, 0o600);
  await writeFile(path, sheet.replace(/(3: )[A-Z2-7]{4}/, '$1AAAA'));
  assert.match(await run(['import', path]), /^1 .*line 3 of the key has a wrong character/);
  assert.match(await run(['import']), /^1 .*name either a sheet or a --passphrase-file/);
});

test('a passphrase opens the store when the key file is lost', async (t) => {
  const { data, run } = await scene(t);
  const environment = { FIRN_PASSPHRASE: passphrase };
  assert.match(await run(['add-passphrase'], { FIRN_PASSPHRASE: 'short' }), /^1 .*12 characters/);
  const added = await run(['add-passphrase'], environment);
  const keyId = /nightly: the passphrase is key ([0-9a-f]{32})/.exec(added)?.[1] ?? '';
  const keyPath = join(data, 'new.key');
  const file = join(data, 'passphrase');
  await writeFile(file, `${passphrase}\n`);
  const imported = await run(['import', '--passphrase-file', file, '--key-file', keyPath]);
  assert.match(imported, /^0 .*opens 1 repositories now/);
  assert.equal((await run(['list', '--key-file', keyPath])).split('\n').length, 5);
  assert.match(await run(['remove', keyId, '--container', 'nightly']), /^0 /);
  const again = await run(['import', '--passphrase-file', file, '--key-file', keyPath]);
  assert.match(again, /^1 .*the passphrase at hand does not open/);
});

test('the key is rotated, and the old key file opens nothing any more', async (t) => {
  const { data, run } = await scene(t);
  const oldPath = join(data, 'old.key');
  await writeFile(oldPath, await readFile(join(data, 'firn.key')), { mode: 0o600 });
  assert.match(await run(['rotate']), /^0 .*holds a new key/);
  assert.match(await run(['list']), /nightly +[0-9a-f]{32} +key-file +yes/);
  assert.match(await run(['export', '--key-file', oldPath]), /^1 .*does not open/);
  const FIRN_KEY = (await readFile(join(data, 'firn.key'), 'utf8')).trim();
  assert.match(await run(['export'], { FIRN_KEY }), /^0 /);
  assert.match(await run(['rotate'], { FIRN_KEY }), /^1 .*the key comes from FIRN_KEY/);
});

test('a key that was replaced is gone from the copy in a second store as well', async (t) => {
  const { data, run } = await scene(t);
  const copyFolder = join(data, 'copy');
  await cp(join(data, 'backups'), copyFolder, { recursive: true });
  const copy = ['--store-copy', pathToFileURL(copyFolder).href];
  const keysIn = (folder: string): Promise<string[]> => readdir(join(folder, 'nightly', 'keys'));
  const before = await keysIn(copyFolder);
  assert.equal(before.length, 1);
  await rename(copyFolder, `${copyFolder}-away`);
  assert.match(await run(['rotate', ...copy]), /^1 /);
  await rename(`${copyFolder}-away`, copyFolder);
  assert.match(await run(['rotate', ...copy]), /^0 .*holds a new key/);
  const after = await keysIn(copyFolder);
  assert.equal(after.length, 1);
  assert.notDeepEqual(after, before);
  assert.deepEqual(await keysIn(join(data, 'backups')), after);
});
