import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isOperatingError, OperatingError } from '../base/errors.ts';
import { readHeader, readRepositoryId } from '../repository/header.ts';
import { createRepository } from '../repository/repository.ts';
import { listWrappedKeys } from '../repository/wrapped-keys.ts';
import { FaultyStore } from '../store/fault.ts';
import { MemoryStore } from '../store/memory.ts';
import { keyInEnvironment, readKeyFile, writeKeyFile } from './key-file.ts';
import { type EachRepository, rotateKey } from './rotate-key.ts';

test('a rotation that breaks off at any operation of the store is ended by the next', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'firn-rotate-'));
  t.after(() => rm(folder, { recursive: true }));
  const error = new OperatingError('unavailable', 'the store is gone');
  let left = 0;
  for (let failing = 1; left === 0; failing += 1) {
    const keyPath = join(folder, `${failing}`, 'firn.key');
    await mkdir(join(folder, `${failing}`));
    const { key: first } = await readKeyFile(keyPath, { create: true });
    const stores = [new MemoryStore('memory:a'), new MemoryStore('memory:b')];
    for (const store of stores) await createRepository(store, { wrappingKey: first });
    let count = 0;
    const faulty = stores.map(
      (store) =>
        new FaultyStore(store, () => {
          count += 1;
          return count >= failing
            ? { kind: count % 2 === 0 ? 'fail' : 'fail-after', error }
            : undefined;
        }),
    );
    const each = (of: readonly (MemoryStore | FaultyStore)[]): EachRepository => {
      return async (work) => {
        for (const store of of) await work(store);
      };
    };
    try {
      await rotateKey(keyPath, each(faulty));
      left = failing;
    } catch (thrown) {
      assert.ok(isOperatingError(thrown, 'unavailable'), String(thrown));
      // Whatever has happened, the key file opens every repository.
      const { key } = await readKeyFile(keyPath, { create: false });
      for (const store of stores) await readHeader(store, { wrappingKey: key });
      await rotateKey(keyPath, each(stores));
    }
    const { key: last } = await readKeyFile(keyPath, { create: false });
    assert.notDeepEqual(last, first);
    for (const store of stores) {
      await readHeader(store, { wrappingKey: last });
      assert.equal((await listWrappedKeys(store, await readRepositoryId(store))).length, 1);
    }
    assert.deepEqual(await readdir(join(folder, `${failing}`)), ['firn.key']);
    assert.equal((await stat(keyPath)).mode & 0o777, 0o600);
  }
  assert.ok(left > 10, `${left} operations were made to fail`);
});

test('a key file is never replaced by another key, and a variable holds a whole key', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'firn-key-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'firn.key');
  const key = new Uint8Array(32).fill(7);
  await writeKeyFile(path, key);
  await writeKeyFile(path, key);
  const other = new Uint8Array(32).fill(8);
  await assert.rejects(writeKeyFile(path, other), (error) => isOperatingError(error, 'exists'));
  assert.deepEqual(Uint8Array.from((await readKeyFile(path, { create: false })).key), key);
  const text = Buffer.from(key).toString('base64');
  assert.deepEqual(keyInEnvironment({ FIRN_KEY: ` ${text}\n` }), Buffer.from(key));
  assert.equal(keyInEnvironment({}), undefined);
  assert.throws(
    () => keyInEnvironment({ FIRN_KEY: text.slice(1) }),
    /FIRN_KEY does not hold a key/,
  );
});
