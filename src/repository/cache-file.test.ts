import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { appendFile, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { newId } from '../base/ids.ts';
import { bodyBytesMax, CacheFile, type CacheKind } from './cache-file.ts';
import { RepositoryKeys } from './keys.ts';

const keys = new RepositoryKeys(randomBytes(32), newId());

async function newFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'firn-cache-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function loaded(folder: string, of = keys, kind: CacheKind = 'manifests 2') {
  return (await new CacheFile(folder, of, kind).load()).map(String);
}

/** A file of three bodies; its path. */
async function makeFile(folder: string): Promise<string> {
  const file = new CacheFile(folder, keys, 'manifests 2');
  for (const body of ['one', 'two', 'three']) await file.append(Buffer.from(body));
  const [name = ''] = await readdir(folder);
  return join(folder, name);
}

test('what was appended is there for the next process, and goes on', async (t) => {
  const folder = await newFolder(t);
  await makeFile(folder);
  const next = new CacheFile(folder, keys, 'manifests 2');
  await next.append(Buffer.from('four'));
  assert.deepEqual(await loaded(folder), ['one', 'two', 'three', 'four']);
  await next.replace([Buffer.from('five')]);
  await next.append(Buffer.from('six'));
  assert.deepEqual(await loaded(folder), ['five', 'six']);
});

test('a file that was cut short anywhere has what was before, and takes more', async (t) => {
  const folder = await newFolder(t);
  const path = await makeFile(folder);
  const content = await readFile(path);
  const ends: number[] = [];
  for (let at = 0; at < content.length; ends.push(at)) at += 4 + content.readUInt32LE(at);
  for (let length = 0; length < content.length; length += 1) {
    await writeFile(path, content.subarray(0, length));
    const whole = ['one', 'two', 'three'].slice(0, ends.filter((end) => end <= length).length);
    assert.deepEqual(await loaded(folder), whole);
    await new CacheFile(folder, keys, 'manifests 2').append(Buffer.from('new'));
    assert.deepEqual(await loaded(folder), [...whole, 'new']);
  }
});

test('no flipped bit is believed, wherever it is', async (t) => {
  const folder = await newFolder(t);
  const path = await makeFile(folder);
  const content = await readFile(path);
  for (let at = 0; at < content.length; at += 1) {
    const flipped = Buffer.from(content);
    flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
    await writeFile(path, flipped);
    const found = await loaded(folder);
    assert.ok(found.length < 3);
    assert.deepEqual(found, ['one', 'two', 'three'].slice(0, found.length));
  }
});

test('a file of other keys, another repository or another kind is not believed', async (t) => {
  const folder = await newFolder(t);
  const path = await makeFile(folder);
  const content = await readFile(path);
  const strangers = [
    new RepositoryKeys(randomBytes(32), keys.repositoryId),
    new RepositoryKeys(keys.masterKey, newId()),
  ];
  for (const stranger of strangers) {
    await writeFile(join(folder, `${stranger.repositoryId}.manifests`), content);
    assert.deepEqual(await loaded(folder, stranger), []);
  }
  await writeFile(join(folder, `${keys.repositoryId}.differences`), content);
  assert.deepEqual(await loaded(folder, keys, 'differences 1'), []);
  await writeFile(path, content);
  assert.deepEqual(await loaded(folder), ['one', 'two', 'three']);
});

test('a file that is changed under its writer is gone on with as it is', async (t) => {
  const folder = await newFolder(t);
  const path = await makeFile(folder);
  const file = new CacheFile(folder, keys, 'manifests 2');
  await file.append(Buffer.from('four'));
  await rm(path);
  await file.append(Buffer.from('anew'));
  assert.deepEqual(await loaded(folder), ['anew']);
  await appendFile(path, 'nonsense');
  await file.append(Buffer.from('more'));
  assert.deepEqual(await loaded(folder), ['anew', 'more']);
});

test('a file longer than any that is written is not read, and begins anew', async (t) => {
  const folder = await newFolder(t);
  const path = await makeFile(folder);
  await truncate(path, 256 * 1024 * 1024 + 1);
  assert.deepEqual(await loaded(folder), []);
  await new CacheFile(folder, keys, 'manifests 2').append(Buffer.from('new'));
  assert.deepEqual(await loaded(folder), ['new']);
});

test('a body has a limit, and one of that size is kept', async (t) => {
  const folder = await newFolder(t);
  const file = new CacheFile(folder, keys, 'differences 1');
  const body = randomBytes(bodyBytesMax);
  await file.append(body);
  const [found] = await new CacheFile(folder, keys, 'differences 1').load();
  assert.ok(found?.equals(body));
});

test('a writer that is killed leaves what it said was written', async (t) => {
  const folder = await newFolder(t);
  // Bodies of some pages each, so that one may be torn; every eighth time all are put anew.
  const script = `
    import { CacheFile } from ${JSON.stringify(new URL('cache-file.ts', import.meta.url).href)};
    import { RepositoryKeys } from ${JSON.stringify(new URL('keys.ts', import.meta.url).href)};
    const [folder, key, id] = process.argv.slice(1);
    const keys = new RepositoryKeys(Buffer.from(key, 'hex'), id);
    const file = new CacheFile(folder, keys, 'differences 1');
    const all = [];
    for (let n = 0; ; n += 1) {
      all.push(Buffer.alloc(40_000, String.fromCharCode(65 + (n % 26))));
      if (n % 8 === 7) await file.replace(all);
      else await file.append(all.at(-1));
      console.log(n);
    }`;
  const argv = [folder, Buffer.from(keys.masterKey).toString('hex'), keys.repositoryId];
  const flags = ['--no-warnings', '--input-type=module', '-e', script, ...argv];
  for (const killAt of [3, 20, 41]) {
    await rm(join(folder, `${keys.repositoryId}.differences`), { force: true });
    const child = spawn(process.execPath, flags, { stdio: ['ignore', 'pipe', 'inherit'] });
    const exited = once(child, 'exit');
    let told = -1;
    for await (const line of createInterface({ input: child.stdout })) {
      told = Number(line);
      if (told >= killAt) child.kill('SIGKILL');
    }
    await exited;
    const found = await loaded(folder, keys, 'differences 1');
    assert.ok(found.length > told, `${found.length} of ${told + 1}`);
    for (const [n, body] of found.entries()) {
      assert.equal(body, String.fromCharCode(65 + (n % 26)).repeat(40_000));
    }
    await new CacheFile(folder, keys, 'differences 1').append(Buffer.from('next'));
    assert.equal((await loaded(folder, keys, 'differences 1')).at(-1), 'next');
  }
});
