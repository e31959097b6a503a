import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { newId } from '../base/ids.ts';
import { idBytes } from './block.ts';
import { CacheFile } from './cache-file.ts';
import { RepositoryKeys } from './keys.ts';
import { keyOf, NodeDifferences } from './node-differences.ts';

const keys = new RepositoryKeys(randomBytes(32), newId());
/** Each node has two ids, of which one is new. */
const roomOf = (count: number): { charactersMax: number } => ({ charactersMax: count * 288 });

async function openFile(t: TestContext): Promise<() => CacheFile> {
  const folder = await mkdtemp(join(tmpdir(), 'firn-differences-'));
  t.after(() => rm(folder, { recursive: true }));
  return () => new CacheFile(folder, keys, 'differences 1');
}

function idOf(n: number): Buffer {
  return Buffer.alloc(idBytes, `id ${n}.`);
}

function note(differences: NodeDifferences, n: number): void {
  const [ids, before] = [n, n - 1].map((each) => Buffer.concat([idOf(1e6), idOf(2e6 + each)]));
  assert.ok(ids !== undefined && before !== undefined);
  differences.note(idOf(n), ids, idOf(n - 1), before);
}

function known(differences: NodeDifferences, count: number): number[] {
  const all = Array.from({ length: count }, (_, n) => n);
  const whole = new Set(Array.from({ length: count + 1 }, (_, n) => keyOf(idOf(n - 1))));
  return all.filter((n) => {
    const added = differences.addedTo(whole, idOf(n));
    assert.ok(added === undefined || idOf(2e6 + n).equals(added));
    return added !== undefined;
  });
}

test('what does not fit forgets only what no backup has had use for', async (t) => {
  const open = await openFile(t);
  const differences = new NodeDifferences(open(), roomOf(4));
  await differences.begin();
  for (let n = 0; n < 6; n += 1) note(differences, n);
  assert.deepEqual(known(differences, 6), [0, 1, 2, 3], 'the same mark needs the first ones too');
  await differences.begin();
  assert.deepEqual(known(differences, 3), [0, 1, 2]);
  for (const n of [4, 5]) note(differences, n);
  assert.deepEqual(known(differences, 6), [0, 1, 2, 4]);
});

test('a difference counts only beside the very node that it was found against', async (t) => {
  const differences = new NodeDifferences((await openFile(t))());
  await differences.begin();
  note(differences, 7);
  assert.equal(differences.addedTo(new Set([keyOf(idOf(5))]), idOf(7)), undefined);
  assert.ok(differences.addedTo(new Set([keyOf(idOf(6))]), idOf(7)) !== undefined);
});

test('the file has what is kept, and does not grow with what is not', async (t) => {
  const open = await openFile(t);
  for (let start = 0; start < 1000; start += 40) {
    const differences = new NodeDifferences(open(), roomOf(100));
    await differences.begin();
    for (let n = start; n < start + 40; n += 1) note(differences, n);
    await differences.save();
    const after = new NodeDifferences(open(), roomOf(100));
    await after.begin();
    const newest = Array.from({ length: 40 }, (_, n) => start + n);
    assert.deepEqual(known(after, start + 40).slice(-40), newest);
    const bytes = (await open().load()).reduce((sum, { length }) => sum + length, 0);
    assert.ok(bytes <= 2 * 100 * 98, `${bytes} bytes`);
  }
});
