import assert from 'node:assert/strict';
import { randomFillSync } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { KiB } from '../base/bytes.ts';
import { isOperatingError } from '../base/errors.ts';
import { pageBuffer, pageBytes } from '../base/page-memory.ts';
import { directoryError } from './directory-errors.ts';
import { openDirectoryRoot } from './directory.ts';
import { openStoreRoot } from './open-root.ts';

async function withFolder(act: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'firn-store-'));
  try {
    await act(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

describe('a directory store', () => {
  it('whose folder vanished is unavailable, and is not made anew', async () => {
    await withFolder(async (folder) => {
      const root = openDirectoryRoot(join(folder, 'disk'));
      await assert.rejects(root.containers(), code('unavailable'));
      await assert.rejects(root.open('c', { create: true }), code('unavailable'));
      await mkdir(join(folder, 'disk'));
      const store = await root.open('c', { create: true });
      await store.put('a/b', [Buffer.from('1')]);
      await rm(join(folder, 'disk'), { recursive: true });
      await assert.rejects(store.put('a/c', []), code('unavailable'));
      await assert.rejects(store.get('a/b'), code('unavailable'));
      await assert.rejects(store.sizeOf('a/b'), code('unavailable'));
      await assert.rejects(store.remove('a/b'), code('unavailable'));
      await assert.rejects(Array.fromAsync(store.list('')), code('unavailable'));
      assert.deepEqual(await readdir(folder), []);
    });
  });

  it('never shows what is half written, and sweeps it when it is old', async () => {
    await withFolder(async (folder) => {
      const nowMs = Date.UTC(2026, 0, 10);
      const root = openDirectoryRoot(folder, { clock: { now: () => nowMs } });
      const store = await root.open('c', { create: true });
      await store.put('packs/whole', [Buffer.from('1')]);
      const place = join(folder, 'c', 'packs');
      for (const [name, day] of [
        ['NEW-old.tmp', 1],
        ['NEW-young.tmp', 10],
      ] as const) {
        await writeFile(join(place, name), 'half');
        await utimes(join(place, name), new Date(2026, 0, day), new Date(2026, 0, day));
      }
      const listed = await Array.fromAsync(store.list(''));
      assert.deepEqual(listed, [{ name: 'packs/whole', sizeBytes: 1 }]);
      assert.deepEqual((await readdir(place)).sort(), ['NEW-young.tmp', 'whole']);
    });
  });

  for (const parent of [tmpdir(), '/dev/shm'].filter((folder) => existsSync(folder))) {
    it(`in ${parent} long objects from whole pages are there, however they are read`, async (t) => {
      const folder = await mkdtemp(join(parent, 'firn-store-'));
      t.after(() => rm(folder, { recursive: true }));
      const store = await openDirectoryRoot(folder).open('c', { create: true });
      const long = pageBuffer(1024 * KiB + 1);
      randomFillSync(long);
      const whole = Buffer.concat([long, Buffer.from('and the rest')]);
      await store.put('a', [long, whole.subarray(long.length)]);
      assert.ok(whole.equals(await store.get('a')));
      const memory = pageBuffer(1024 * KiB + 3 * pageBytes);
      for (const [offsetBytes, end] of [
        [0, whole.length],
        [1, 700 * KiB],
        [4 * KiB, 400 * KiB],
        [500 * KiB - 1, whole.length],
        [3, 9],
      ] as const) {
        const range = { offsetBytes, lengthBytes: end - offsetBytes };
        const expected = whole.subarray(offsetBytes, end);
        for (const into of [memory, memory.subarray(1), memory.subarray(0, range.lengthBytes)]) {
          assert.ok(expected.equals(await store.get('a', { range, into })), `${offsetBytes}`);
        }
      }
      const beyond = { offsetBytes: 600 * KiB, lengthBytes: whole.length - 600 * KiB + 1 };
      await assert.rejects(store.get('a', { range: beyond, into: memory }), code('corrupt'));
      await assert.rejects(store.get('b', { range: beyond, into: memory }), code('not_found'));
    });
  }

  it('leaves nothing behind when a put fails', async () => {
    await withFolder(async (folder) => {
      const store = await openDirectoryRoot(folder).open('c', { create: true });
      await store.put('a', [Buffer.from('1')]);
      await assert.rejects(store.put('a', [Buffer.from('2')]), code('exists'));
      assert.deepEqual(await readdir(join(folder, 'c')), ['a']);
    });
  });

  it('says what a system error means', () => {
    const cases = [
      ['ENOSPC', 'no_space', 'the store file:///x is full'],
      ['EDQUOT', 'no_space', 'the disk quota of the store file:///x is used up'],
      ['EROFS', 'read_only', 'the store file:///x is mounted read-only'],
      ['EACCES', 'read_only', 'does not let Firn write packs/a (EACCES): look at owner'],
      ['EPERM', 'read_only', 'chattr -i'],
      ['ESTALE', 'unavailable', 'does not answer'],
      ['EIO', 'io', 'could not write packs/a'],
    ] as const;
    for (const [errno, expected, message] of cases) {
      const error = Object.assign(new Error(`${errno}: something`), { code: errno });
      const meaning = directoryError(error, 'file:///x', 'write packs/a');
      assert.ok(isOperatingError(meaning, expected), errno);
      assert.ok(meaning.message.includes(message), meaning.message);
    }
  });
});

describe('a store URL', () => {
  it('names a folder, or is refused', async () => {
    await withFolder(async (folder) => {
      const root = openStoreRoot(`file://${folder}`);
      assert.equal(root.url, `file://${folder}`);
      await root.open('c', { create: true });
      assert.deepEqual(await root.containers(), ['c']);
    });
    for (const url of ['/srv/x', 'ftp://host/x', 'file://host/x', 'file:///x?y', '']) {
      assert.throws(() => openStoreRoot(url), code('invalid_input'));
    }
  });
});

function code(expected: string): (error: unknown) => boolean {
  return (error) => isOperatingError(error) && error.code === expected;
}
