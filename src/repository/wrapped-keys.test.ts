import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, it } from 'node:test';
import * as fc from 'fast-check';
import { must } from '../base/assert.ts';
import { isOperatingError } from '../base/errors.ts';
import { MemoryStore } from '../store/memory.ts';
import { readHeader } from './header.ts';
import type { RepositoryKeys } from './keys.ts';
import { decodeRecoveryCode, encodeRecoveryCode } from './recovery-code.ts';
import { createRepository, openRepository } from './repository.ts';
import {
  addPassphrase,
  addWrappingKey,
  keyIdOf,
  listWrappedKeys,
  removeWrappedKey,
} from './wrapped-keys.ts';

const cheap = { logN: 10, r: 8, p: 1 };
const passphrase = 'correct horse battery staple';

function code(expected: string): (error: unknown) => boolean {
  return (error) => isOperatingError(error) && error.code === expected;
}

describe('the keys of a repository', () => {
  const wrappingKey = randomBytes(32);
  let store: MemoryStore;
  let keys: RepositoryKeys;
  beforeEach(async () => {
    store = new MemoryStore('memory:test');
    await createRepository(store, { wrappingKey });
    keys = await readHeader(store, { wrappingKey });
  });

  it('are rotated: the new one opens it, the old one does not any more', async () => {
    const next = randomBytes(32);
    await addWrappingKey(store, keys, next);
    await addWrappingKey(store, keys, next);
    assert.deepEqual((await readHeader(store, { wrappingKey })).masterKey, keys.masterKey);
    await removeWrappedKey(store, keys.repositoryId, keyIdOf(wrappingKey, keys.repositoryId));
    assert.deepEqual((await readHeader(store, { wrappingKey: next })).masterKey, keys.masterKey);
    await assert.rejects(readHeader(store, { wrappingKey }), code('wrong_key'));
  });

  it('may be passphrases, however they are typed', async () => {
    const keyId = await addPassphrase(store, keys, `${passphrase} \u00e9`, cheap);
    const typed = { passphrase: `${passphrase} e\u0301` };
    assert.deepEqual((await readHeader(store, typed)).masterKey, keys.masterKey);
    await assert.rejects(readHeader(store, { passphrase }), code('wrong_key'));
    const kinds = (await listWrappedKeys(store, keys.repositoryId)).map(({ kind }) => kind);
    assert.deepEqual(kinds.sort(), ['key-file', 'passphrase']);
    await removeWrappedKey(store, keys.repositoryId, keyId);
    await assert.rejects(readHeader(store, typed), code('wrong_key'));
  });

  it('are put back from a local copy when the store has lost all of them', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'firn-keys-'));
    t.after(() => rm(folder, { recursive: true }));
    const gone = { code: 'corrupt', message: /has lost its wrapped keys.*put keys\/ back/ };
    const name = [...store.objects.keys()].find((each) => each.startsWith('keys/')) ?? '';
    const bytes = await store.get(name);
    const open = (key: Uint8Array) => readHeader(store, { wrappingKey: key }, folder);
    store.objects.delete(name);
    await assert.rejects(open(wrappingKey), gone, 'there is no copy yet');
    await assert.rejects(readHeader(store, { passphrase }), gone);
    await store.put(name, [bytes]);
    await open(wrappingKey);
    store.objects.delete(name);
    await assert.rejects(open(randomBytes(32)), gone);
    await assert.rejects(readHeader(store, { wrappingKey }), gone, 'elsewhere there is none');
    assert.deepEqual((await open(wrappingKey)).masterKey, keys.masterKey);
    assert.deepEqual(await store.get(name), bytes);

    const next = randomBytes(32);
    await addWrappingKey(store, keys, next);
    store.objects.delete(name);
    await assert.rejects(open(wrappingKey), code('wrong_key'), 'it was taken away');
    const [copy = ''] = await readdir(folder);
    await writeFile(join(folder, copy), bytes.subarray(1));
    store.objects.delete(`keys/${keyIdOf(next, keys.repositoryId)}`);
    await assert.rejects(open(wrappingKey), gone, 'the copy is damaged');
  });

  it('say what the lost header was, over which no new repository is made', async () => {
    const header = await store.get('repository.json');
    await store.put(`packs/00/${'0'.repeat(32)}`, [Buffer.from('a pack')]);
    store.objects.delete('repository.json');
    const made = createRepository(store, { wrappingKey });
    const words = /has lost its repository\.json: .* write it anew as (?<json>\{.*\})$/;
    const error: unknown = await made.catch((reason: unknown) => reason);
    assert.ok(isOperatingError(error, 'corrupt'));
    const { json = '' } = words.exec(error.message)?.groups ?? {};
    await store.put('repository.json', [Buffer.from(json)]);
    assert.deepEqual((await readHeader(store, { wrappingKey })).masterKey, keys.masterKey);
    const [before, after]: { repositoryId?: string }[] = [Buffer.from(header), json].map((it) =>
      JSON.parse(it.toString()),
    );
    assert.equal(after?.repositoryId, before?.repositoryId);

    for (const name of store.objects.keys()) {
      if (!name.startsWith('packs/')) store.objects.delete(name);
    }
    const without = /has lost its repository\.json: put it back from a copy of the store$/;
    const again = createRepository(store, { wrappingKey });
    await assert.rejects(again, { code: 'corrupt', message: without });
  });

  it('are wrapped anew by who has the repository open', async () => {
    const repository = await openRepository(store, { wrappingKey, workers: 1 });
    const name = [...store.objects.keys()].find((each) => each.startsWith('keys/')) ?? '';
    store.objects.delete(name);
    assert.deepEqual(await repository.mendCommon(), { mended: [name], damaged: [] });
    assert.deepEqual((await readHeader(store, { wrappingKey })).masterKey, keys.masterKey);
    assert.deepEqual(await repository.mendCommon(), { mended: [], damaged: [] });
    await repository.close();
  });

  it('are never all removed, and no weak passphrase is taken', async () => {
    const { repositoryId } = keys;
    const keyId = keyIdOf(wrappingKey, repositoryId);
    await assert.rejects(removeWrappedKey(store, repositoryId, keyId), code('conflict'));
    await assert.rejects(removeWrappedKey(store, repositoryId, '0'.repeat(32)), code('not_found'));
    await assert.rejects(addPassphrase(store, keys, 'too short', cheap), code('invalid_input'));
  });

  it('do not let a hostile repository choose what scrypt costs', async () => {
    const keyId = await addPassphrase(store, keys, passphrase, cheap);
    const name = `keys/${keyId}`;
    const object = JSON.parse(Buffer.from(must(store.objects.get(name), name)).toString());
    const hostile = [
      { logN: 40 },
      { logN: 20, r: 16 },
      { p: 1_000_000 },
      { r: 0 },
      { logN: '10' },
      { salt: '' },
      { salt: 'A'.repeat(2000) },
    ];
    for (const change of hostile) {
      const changed = { ...object, scrypt: { ...object.scrypt, ...change } };
      store.objects.set(name, Buffer.from(JSON.stringify(changed)));
      await assert.rejects(readHeader(store, { passphrase }), code('corrupt'));
    }
    const other = object.wrapped.startsWith('A') ? 'B' : 'A';
    for (const wrapped of ['', 'AAAA', object.wrapped.replace(/^./, other)]) {
      store.objects.set(name, Buffer.from(JSON.stringify({ ...object, wrapped })));
      await assert.rejects(readHeader(store, { passphrase }), code('corrupt'));
    }
  });

  it('of one repository do not open another', async () => {
    const other = new MemoryStore('memory:other');
    await createRepository(other, { wrappingKey });
    for (const [name, object] of store.objects) {
      if (name.startsWith('keys/')) other.objects.set(name, object);
    }
    const opened = await readHeader(other, { wrappingKey });
    assert.notDeepEqual(opened.masterKey, keys.masterKey);
    const [mine = ''] = [...store.objects.keys()].filter((name) => name.startsWith('keys/'));
    const [theirs = ''] = [...other.objects.keys()].filter((name) => name.startsWith('keys/'));
    other.objects.set(theirs, must(store.objects.get(mine), mine));
    await assert.rejects(readHeader(other, { wrappingKey }), code('corrupt'));
  });
});

describe('the recovery code', () => {
  it('tells the key, however it was typed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (key) => {
        const lines = encodeRecoveryCode(key);
        const typed = [
          lines.join('\n'),
          `A sheet\r\n\r\n${lines.map((line) => `  ${line.toLowerCase()}`).join('\r\n')}\r\nend`,
          lines.map((line) => line.replaceAll(' ', '').replace(':', ') ')).join('\n'),
          lines
            .map((line) => line.replaceAll(/(?<=[A-Z2-7]) /g, '-'))
            .toReversed()
            .join('\n'),
        ];
        for (const text of typed) assert.deepEqual(decodeRecoveryCode(text), key);
      }),
    );
  });

  it('finds the line with a wrong character', () => {
    const lines = encodeRecoveryCode(randomBytes(32));
    const third = must(lines[2], 'a line');
    const wrong = third.slice(0, -1) + (third.endsWith('A') ? 'B' : 'A');
    const text = lines.with(2, wrong).join('\n');
    assert.throws(() => decodeRecoveryCode(text), /line 3 of the key has a wrong character/);
    const short = lines.with(1, '2: ABCD').join('\n');
    assert.throws(() => decodeRecoveryCode(short), /line 2 of the key has not 16 characters/);
    assert.throws(() => decodeRecoveryCode('nothing'), /line 1 of the key is missing/);
  });
});
