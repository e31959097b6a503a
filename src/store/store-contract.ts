import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AssertionError } from '../base/assert.ts';
import { isOperatingError } from '../base/errors.ts';
import type { ErrorCode } from '../base/errors.ts';
import type { Store, StoredObject, StoreRoot } from './store.ts';

/** What a test of the contract works with; `dispose` removes whatever `root` left behind. */
export interface ContractRoot {
  readonly root: StoreRoot;
  readonly dispose: () => Promise<void>;
}

/** What a medium cannot do, and may do without. */
export interface ContractOptions {
  /** Puts of one name at the same time may both be told that they won; the object is whole. */
  readonly racesUntold?: boolean;
  /** A put of a name that is taken may replace the object. */
  readonly replaces?: boolean;
}

/**
 * The promises of `Store` and `StoreRoot`, each as a test, for every implementation and wrapper.
 */
export function storeContract(
  name: string,
  openRoot: () => Promise<ContractRoot>,
  options: ContractOptions = {},
): void {
  function test(title: string, act: (store: Store, root: StoreRoot) => Promise<void>): void {
    it(title, async () => {
      const { root, dispose } = await openRoot();
      try {
        const store = await root.open('contract', { create: true });
        await act(store, root);
        await store.close();
      } finally {
        await dispose();
      }
    });
  }

  describe(`store contract: ${name}`, () => {
    containerTests(test);
    objectTests(test);
    takenNameTests(test, options);
    listTests(test);
    failureTests(test);
  });
}

type Test = (title: string, act: (store: Store, root: StoreRoot) => Promise<void>) => void;

function containerTests(test: Test): void {
  test('a container that is missing is not found, and none is made', async (_store, root) => {
    await assert.rejects(root.open('missing', { create: false }), code('not_found'));
    assert.deepEqual(await root.containers(), ['contract']);
  });

  test('opening a container twice shows the same objects', async (store, root) => {
    await store.put('a', [bytes('1')]);
    const again = await root.open('contract', { create: true });
    assert.equal(text(await again.get('a')), '1');
  });

  test('containers keep their objects apart', async (store, root) => {
    const other = await root.open('other.1', { create: true });
    await store.put('a', [bytes('here')]);
    await other.put('a', [bytes('there')]);
    assert.equal(text(await store.get('a')), 'here');
    assert.deepEqual([...(await root.containers())].sort(), ['contract', 'other.1']);
  });

  test('a container name that climbs out is refused', async (_store, root) => {
    for (const bad of ['', '..', '.x', 'a/b', 'a\0', 'x'.repeat(129)]) {
      await assert.rejects(root.open(bad, { create: true }), code('invalid_input'));
      assert.throws(() => root.checkContainer(bad), code('invalid_input'));
    }
  });
}

function objectTests(test: Test): void {
  test('what was put is read back, whole and in ranges', async (store) => {
    await store.put('packs/ab/one', [bytes('hello '), bytes(''), bytes('world')]);
    assert.equal(text(await store.get('packs/ab/one')), 'hello world');
    const range = { offsetBytes: 4, lengthBytes: 3 };
    assert.equal(text(await store.get('packs/ab/one', { range })), 'o w');
    assert.equal(await store.sizeOf('packs/ab/one'), 11);
  });

  test('the answer is the same with memory to put it into', async (store) => {
    await store.put('a', [bytes('hello world')]);
    const range = { offsetBytes: 4, lengthBytes: 3 };
    const around = bytes('.....');
    assert.equal(text(await store.get('a', { range, into: around.subarray(1, 4) })), 'o w');
    assert.ok(['.....', '.o w.'].includes(text(around)), 'nothing else was written to');
    const beyond = { offsetBytes: 9, lengthBytes: 3 };
    await assert.rejects(store.get('a', { range: beyond, into: around }), code('corrupt'));
  });

  test('a range may be empty, and every byte is where it was put', async (store) => {
    await store.put('a', [Buffer.from(Array.from({ length: 256 }, (_, n) => n))]);
    const empty = { offsetBytes: 7, lengthBytes: 0 };
    assert.equal((await store.get('a', { range: empty })).length, 0);
    await assert.rejects(store.get('missing', { range: empty }), code('not_found'));
    const last = { offsetBytes: 255, lengthBytes: 1 };
    assert.deepEqual([...(await store.get('a', { range: last }))], [255]);
  });

  test('what is damaged can be replaced, and what is lost be put anew', async (store) => {
    await store.put('x/a', [bytes('damaged')]);
    for (const copy of store.copies ?? [store]) {
      await copy.put('x/a', [bytes('whole')], { replace: true });
      await copy.put('x/b', [bytes('new')], { replace: true });
      assert.equal(text(await copy.get('x/a')), 'whole');
    }
    assert.equal(text(await store.get('x/a')), 'whole');
    assert.equal(text(await store.get('x/b')), 'new');
    assert.deepEqual(await listed(store, ''), ['x/a', 'x/b']);
  });

  test('an empty object is an object', async (store) => {
    await store.put('empty', []);
    assert.equal((await store.get('empty')).length, 0);
    assert.equal(await store.sizeOf('empty'), 0);
  });

  test('a large object of many chunks is kept exactly', async (store) => {
    const chunks = Array.from({ length: 40 }, (_, n) => Buffer.alloc(100_001, n + 1));
    await store.put('large', chunks);
    assert.ok(Buffer.concat(chunks).equals(await store.get('large')));
  });

  test('chunks are not kept after put', async (store) => {
    const chunk = bytes('before');
    await store.put('a', [chunk]);
    chunk.fill(0);
    const read = await store.get('a');
    read.fill(1);
    assert.equal(text(await store.get('a')), 'before');
  });

  test('a removed object is gone, and removing it again is no error', async (store) => {
    await store.put('x/a', [bytes('1')]);
    await store.remove('x/a');
    await store.remove('x/a');
    await store.remove('never/was');
    assert.equal(await store.sizeOf('x/a'), undefined);
    await store.put('x/a', [bytes('2')]);
    assert.equal(text(await store.get('x/a')), '2');
  });
}

function takenNameTests(test: Test, { racesUntold, replaces }: ContractOptions): void {
  test('a name that is taken keeps one object, whole', async (store) => {
    await store.put('a', [bytes('first')]);
    const second = store.put('a', [bytes('second')]);
    if (replaces === true) await second;
    else await assert.rejects(second, code('exists'));
    assert.equal(text(await store.get('a')), replaces === true ? 'second' : 'first');
  });

  test('of many puts of one name at once one wins, whole', async (store) => {
    const puts = Array.from({ length: 8 }, (_, n) => store.put('a', [bytes(`put ${n}`)]));
    const outcomes = await Promise.allSettled(puts);
    const won = outcomes.flatMap((it, n) => (it.status === 'fulfilled' ? [`put ${n}`] : []));
    assert.ok(won.length >= 1);
    if (racesUntold !== true) assert.equal(won.length, 1);
    assert.ok(won.includes(text(await store.get('a'))));
  });
}

function listTests(test: Test): void {
  test('list shows every object below a prefix once, with its size', async (store) => {
    const names = ['a', 'ab', 'b/1', 'b/12', 'b/2/x', 'bc/1'];
    for (const [index, name] of names.entries()) await store.put(name, [Buffer.alloc(index)]);
    assert.deepEqual(await listed(store, ''), names);
    assert.deepEqual(await listed(store, 'a'), ['a', 'ab']);
    assert.deepEqual(await listed(store, 'b/'), ['b/1', 'b/12', 'b/2/x']);
    assert.deepEqual(await listed(store, 'b/1'), ['b/1', 'b/12']);
    assert.deepEqual(await listed(store, 'b'), ['b/1', 'b/12', 'b/2/x', 'bc/1']);
    assert.deepEqual(await listed(store, 'none/'), []);
    const sizes = await objects(store, '');
    for (const { name, sizeBytes } of sizes) assert.equal(sizeBytes, names.indexOf(name));
  });

  test('names can be asked for alone', async (store) => {
    for (const name of ['a', 'b/1', 'b/2']) await store.put(name, [bytes(name)]);
    const found = await Array.fromAsync(store.list('b/', { isSizeNeeded: () => false }));
    assert.deepEqual(found.map(({ name }) => name).sort(), ['b/1', 'b/2']);
  });

  test('many objects are listed, each once, on many pages', async (store) => {
    const names = Array.from({ length: 130 }, (_, n) => `many/${n % 7}/${n}`).sort();
    await Promise.all(names.map((name) => store.put(name, [bytes(name)])));
    assert.deepEqual(await listed(store, 'many/'), names);
  });
}

function failureTests(test: Test): void {
  test('an object that is missing is not found', async (store) => {
    await assert.rejects(store.get('missing'), code('not_found'));
    await assert.rejects(store.get('missing/too'), code('not_found'));
    assert.equal(await store.sizeOf('missing'), undefined);
  });

  test('a range that the object does not hold is corrupt', async (store) => {
    await store.put('a', [bytes('12345')]);
    const range = { offsetBytes: 3, lengthBytes: 3 };
    await assert.rejects(store.get('a', { range }), code('corrupt'));
  });

  test('a name that no store can hold is a programming error', async (store) => {
    for (const bad of ['', '/a', 'a/', 'a//b', '../a', 'a/./b', 'A', 'ä', 'x'.repeat(201)]) {
      await assert.rejects(store.put(bad, []), AssertionError);
      await assert.rejects(store.get(bad), AssertionError);
    }
  });

  test('work that was told to stop does nothing', async (store) => {
    const signal = AbortSignal.abort();
    await assert.rejects(store.put('a', [bytes('1')], { signal }), code('aborted'));
    assert.equal(await store.sizeOf('a'), undefined);
    await assert.rejects(store.get('a', { signal }), code('aborted'));
    await assert.rejects(store.remove('a', { signal }), code('aborted'));
  });
}

function code(expected: ErrorCode): (error: unknown) => boolean {
  return (error) => isOperatingError(error, expected);
}

function bytes(content: string): Uint8Array {
  return Uint8Array.from(Buffer.from(content));
}

function text(content: Uint8Array): string {
  return Buffer.from(content).toString();
}

async function objects(store: Store, prefix: string): Promise<StoredObject[]> {
  return Array.fromAsync(store.list(prefix));
}

async function listed(store: Store, prefix: string): Promise<string[]> {
  return (await objects(store, prefix)).map(({ name }) => name).sort();
}
