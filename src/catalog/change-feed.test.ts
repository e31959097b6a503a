import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { newId } from '../base/ids.ts';
import { everyProject, type Catalog } from './catalog.ts';
import { catalogContract } from './catalog-contract.ts';
import { watchCatalog, type Change, type ChangeFeed } from './change-feed.ts';
import { sampleVolume } from './sample-rows.ts';
import { openSqliteCatalog } from './sqlite.ts';

async function openWatched(): Promise<{
  catalog: Catalog;
  feed: ChangeFeed;
  remove(): Promise<void>;
}> {
  const folder = await mkdtemp(join(tmpdir(), 'firn-feed-'));
  const watched = watchCatalog(await openSqliteCatalog({ path: join(folder, 'firn.db') }));
  return {
    ...watched,
    remove: async () => {
      await watched.catalog.close();
      await rm(folder, { recursive: true });
    },
  };
}

catalogContract('a watched catalogue', openWatched);

interface Told {
  readonly catalog: Catalog;
  readonly feed: ChangeFeed;
  /** What was told, one list a call. */
  readonly calls: (readonly Change[])[];
  readonly stop: () => void;
}

async function openTold(t: TestContext): Promise<Told> {
  const opened = await openWatched();
  t.after(() => opened.remove());
  const { catalog, feed } = opened;
  const calls: (readonly Change[])[] = [];
  const stop = feed.subscribe((changes) => calls.push(changes));
  return { catalog, feed, calls, stop };
}

test('each single write is told with the row, its project and its kind', async (t) => {
  const { catalog, calls } = await openTold(t);
  const volume = sampleVolume({ id: newId(), projectId: 'alpha' });
  const where = { id: volume.id, projectId: 'alpha' } as const;
  await catalog.insert('volumes', volume);
  await catalog.change('volumes', where, { status: 'deleting' });
  await catalog.change('volumes', { ...where, status: 'available' }, { status: 'error' });
  await catalog.remove('volumes', where);
  await catalog.remove('volumes', where);
  await catalog.insert('settings', { id: 'region', value: 'north' });
  const told = { table: 'volumes', id: volume.id, projectId: 'alpha' };
  assert.deepEqual(calls, [
    [{ ...told, kind: 'insert' }],
    [{ ...told, kind: 'change' }],
    [{ ...told, kind: 'remove' }],
    [{ table: 'settings', id: 'region', kind: 'insert' }],
  ]);
});

test('a transaction is told at once and only after its commit', async (t) => {
  const { catalog, calls } = await openTold(t);
  const volumes = [1, 2].map(() => sampleVolume({ id: newId() }));
  await catalog.transact(async (transaction) => {
    for (const volume of volumes) await transaction.insert('volumes', volume);
    await new Promise(setImmediate);
    assert.deepEqual(calls, []);
  });
  assert.deepEqual(
    calls.map((changes) => changes.map(({ id }) => id)),
    [volumes.map(({ id }) => id)],
  );
});

test('what is told is there for whoever reads then', async (t) => {
  const { catalog, feed } = await openTold(t);
  const volume = sampleVolume({ id: newId() });
  const seen = new Promise<number>((resolve, reject) => {
    feed.subscribe(([change]) => {
      const where = { id: change?.id ?? '', projectId: everyProject } as const;
      catalog.count('volumes', where).then(resolve, reject);
    });
  });
  await catalog.insert('volumes', volume);
  assert.equal(await seen, 1);
});

test('what is undone is not told', async (t) => {
  const { catalog, calls } = await openTold(t);
  const volume = sampleVolume({ id: newId() });
  const failing = catalog.transact(async (transaction) => {
    await transaction.insert('volumes', volume);
    throw new Error('no');
  });
  await assert.rejects(failing, /no/);
  await catalog.insert('volumes', volume);
  await assert.rejects(catalog.insert('volumes', volume), { code: 'exists' });
  assert.equal(calls.length, 1);
});

test('all rows that a removal takes are told, however many', async (t) => {
  const { catalog, calls } = await openTold(t);
  const ids = Array.from({ length: 2001 }, () => newId());
  await catalog.transact(async (transaction) => {
    for (const id of ids) await transaction.insert('volumes', sampleVolume({ id }));
  });
  assert.equal(await catalog.remove('volumes', { projectId: everyProject }), 2001);
  const removed = calls[1]?.map(({ id, kind }) => `${kind} ${id}`);
  assert.deepEqual(
    removed,
    ids.toSorted().map((id) => `remove ${id}`),
  );
});

test('who has left hears nothing more, and each hears for itself', async (t) => {
  const { catalog, feed, calls, stop } = await openTold(t);
  let othersCount = 0;
  const listener = (): void => {
    othersCount += 1;
  };
  const leave = feed.subscribe(listener);
  feed.subscribe(listener);
  await catalog.insert('settings', { id: 'a', value: 1 });
  leave();
  stop();
  await catalog.insert('settings', { id: 'b', value: 1 });
  assert.deepEqual([calls.length, othersCount], [1, 3]);
});
