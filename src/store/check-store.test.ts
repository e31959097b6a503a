import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OperatingError } from '../base/errors.ts';
import { checkStore, type StoreFinding } from './check-store.ts';
import { MemoryStore } from './memory.ts';
import type { Store } from './store.ts';

async function findingsOf(store: Store): Promise<StoreFinding[]> {
  const found: StoreFinding[] = [];
  for await (const finding of checkStore(store)) found.push(finding);
  return found;
}

async function left(store: Store): Promise<number> {
  let count = 0;
  for await (const _ of store.list('')) count += 1;
  return count;
}

/** A store of which some verbs are others. */
function spoiled(verbs: Partial<Store>): { store: Store; inner: MemoryStore } {
  const inner = new MemoryStore('memory:test');
  const store: Store = {
    url: inner.url,
    put: (...given) => inner.put(...given),
    get: (...given) => inner.get(...given),
    sizeOf: (...given) => inner.sizeOf(...given),
    list: (...given) => inner.list(...given),
    remove: (...given) => inner.remove(...given),
    close: () => inner.close(),
    ...verbs,
  };
  return { store, inner };
}

const broken = (found: readonly StoreFinding[]): string[] =>
  found.filter(({ problem }) => problem !== undefined).map(({ check }) => check);

test('a good store keeps every promise, and nothing is left in it', async () => {
  const store = new MemoryStore('memory:test');
  await store.put('others', [Buffer.from('1')]);
  const found = await findingsOf(store);
  assert.equal(found.length, 9);
  assert.deepEqual(broken(found), []);
  assert.match(found[0]?.note ?? '', /^\d+ MB\/s$/);
  assert.equal(await left(store), 1);
});

test('each broken promise is named', async () => {
  const flips = spoiled({
    get: async (name, options) => {
      const bytes = Uint8Array.from(await flips.inner.get(name, options));
      bytes[7] = (bytes[7] ?? 0) ^ 1;
      return bytes;
    },
  });
  assert.deepEqual(broken(await findingsOf(flips.store)), [
    'it is read back, byte for byte',
    'parts of it are read',
    'a name that is taken stays whole',
  ]);
  const blind = spoiled({ async *list() {} });
  assert.deepEqual(broken(await findingsOf(blind.store)), ['it is listed at once']);
  const keeps = spoiled({ remove: async () => undefined });
  assert.deepEqual(broken(await findingsOf(keeps.store)), ['it is removed, also twice']);
});

test('a store that keeps versions of what is removed says so', async () => {
  const { store } = spoiled({ keepsRemoved: async () => 'it keeps versions' });
  const found = await findingsOf(store);
  assert.deepEqual(broken(found), []);
  assert.match(found.at(-1)?.note ?? '', /^not at once: it keeps versions$/);
});

test('a store that refuses says so at every promise', async () => {
  const denied = new OperatingError('denied', 'The store does not know these credentials.');
  const { store } = spoiled({
    put: () => Promise.reject(denied),
    get: () => Promise.reject(denied),
    sizeOf: () => Promise.reject(denied),
    remove: () => Promise.reject(denied),
  });
  const found = await findingsOf(store);
  assert.equal(broken(found).length, 8);
  assert.equal(found[0]?.problem, denied.message);
});
