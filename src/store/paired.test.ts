import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOperatingError, OperatingError } from '../base/errors.ts';
import { FaultyStore } from './fault.ts';
import { MemoryStore, openMemoryRoot } from './memory.ts';
import { openPairedRoot } from './paired.ts';
import { storeContract } from './store-contract.ts';
import type { Store, StoreRoot } from './store.ts';
import { wrapRoot } from './wrap-root.ts';

storeContract('memory, paired', async () => {
  const [first, copy] = [openMemoryRoot(), openMemoryRoot()];
  const root = openPairedRoot({ first, copy, onProblem: (error) => assert.fail(String(error)) });
  return { root, dispose: async () => undefined };
});

const away = new OperatingError('unavailable', 'away');

interface Pair {
  readonly store: Store;
  readonly first: MemoryStore;
  readonly copy: MemoryStore;
  /** Which of the two does not answer. */
  broken: 'first' | 'copy' | undefined;
  readonly problems: unknown[];
}

async function openPair(): Promise<Pair> {
  const roots = { first: openMemoryRoot(), copy: openMemoryRoot() };
  const pair: { broken: Pair['broken'] } = { broken: undefined };
  const breakable = (which: 'first' | 'copy'): StoreRoot =>
    wrapRoot(
      roots[which],
      (store) =>
        new FaultyStore(store, () =>
          pair.broken === which ? { kind: 'fail', error: away } : undefined,
        ),
    );
  const problems: unknown[] = [];
  const root = openPairedRoot({
    first: breakable('first'),
    copy: breakable('copy'),
    onProblem: (error) => void problems.push(error),
  });
  const store = await root.open('box', { create: true });
  const [first, copy] = [
    await roots.first.open('box', { create: false }),
    await roots.copy.open('box', { create: false }),
  ];
  assert.ok(first instanceof MemoryStore && copy instanceof MemoryStore);
  return Object.assign(pair, { store, first, copy, problems });
}

test('the copy stands in for what the first has lost, or when it is away', async () => {
  const pair = await openPair();
  const { store, first } = pair;
  await store.put('a', [Buffer.from('one')]);
  await store.put('b', [Buffer.from('two')]);
  first.objects.delete('a');
  assert.equal(Buffer.from(await store.get('a')).toString(), 'one');
  assert.equal(await store.sizeOf('a'), 3);
  const names = async (): Promise<string[]> =>
    (await Array.fromAsync(store.list(''))).map(({ name }) => name).sort();
  assert.deepEqual(await names(), ['a', 'b']);
  pair.broken = 'first';
  assert.deepEqual(await names(), ['a', 'b']);
  assert.equal(Buffer.from(await store.get('b')).toString(), 'two');
  pair.broken = 'copy';
  assert.deepEqual(await names(), ['b']);
});

test('nothing is removed from one alone, and what is put may reach the copy later', async () => {
  const pair = await openPair();
  const { store, first, copy } = pair;
  await store.put('a', [Buffer.from('one')]);
  for (const broken of ['first', 'copy'] as const) {
    pair.broken = broken;
    const refused = store.remove('a');
    await assert.rejects(refused, (error) => isOperatingError(error, 'unavailable'));
    assert.ok(first.objects.has('a'));
  }
  pair.broken = 'copy';
  await store.put('c', [Buffer.from('three')]);
  assert.deepEqual([first.objects.has('c'), copy.objects.has('c')], [true, false]);
  assert.deepEqual(pair.problems, [away]);
  pair.broken = undefined;
  await store.remove('a');
  assert.deepEqual([first.objects.has('a'), copy.objects.has('a')], [false, false]);
});
