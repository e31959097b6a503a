/** Filters, orders and pages of lists, as clients ask for them. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { newId } from '../../base/ids.ts';
import { sampleVolume } from '../../catalog/sample-rows.ts';
import type { VolumeRow } from '../../catalog/tables.ts';
import { alpha, beta, listIn, openStorage, textIn, type Storage } from './storage-fixture.ts';
import { parseTimes } from './time-filter.ts';

const day = 24 * 3600 * 1000;
const first = Date.UTC(2026, 0, 1);

/** Volumes `disk 0`, `disk 1` …, a day apart, and one of another project. */
async function openLists(t: TestContext, facts: Partial<VolumeRow>[]): Promise<Storage> {
  const storage = await openStorage(t);
  const rows = facts.map((each, index) =>
    sampleVolume({
      id: newId(),
      projectId: alpha,
      name: `disk ${index}`,
      createdAt: first + index * day,
      ...each,
    }),
  );
  rows.push(sampleVolume({ id: newId(), projectId: beta, name: 'of beta' }));
  await storage.scene.catalog.transact(async (transaction) => {
    for (const row of rows) await transaction.insert('volumes', row);
  });
  return storage;
}

async function names(storage: Storage, query: string, microversion = '3.71', who = 'max') {
  const path = `/volumes/detail?${query}`;
  const { status, body } = await storage.ask({ who, path, microversion });
  assert.equal(status, 200, JSON.stringify(body));
  return listIn(body, 'volumes').map((row) =>
    row['name'] === null ? '' : textIn(row, 'name').replace('disk ', ''),
  );
}

const encoded = encodeURIComponent;

test('times are compared', async (t) => {
  const storage = await openLists(t, [{ updatedAt: first }, {}, {}, { updatedAt: first + 9 }]);
  const at = (ms: number): string => new Date(ms).toISOString().slice(0, 19);
  const cases: [string, string[]][] = [
    [`created_at=gt:${at(first)}`, ['3', '2', '1']],
    [`created_at=gte:${at(first)},lt:${at(first + 2 * day)}`, ['1', '0']],
    [`created_at=${at(first + day)}`, ['1']],
    [`created_at=eq:${encoded('2026-01-02T01:00:00+01:00')}`, ['1']],
    [`created_at=neq:${at(first)}`, ['3', '2', '1']],
    ['created_at=lte:2026-01-02', ['1', '0']],
    [`updated_at=lte:${at(first)}`, ['0']],
  ];
  for (const [query, expected] of cases) {
    assert.deepEqual(await names(storage, `${query}&sort=created_at:desc`), expected, query);
  }
  const late = 'created_at=gt:2100-01-01T00:00:00';
  assert.equal((await names(storage, late, '3.30')).length, 4, 'passed over');
  assert.equal((await names(storage, late, '3.31')).length, 0);
  for (const bad of ['gt:yesterday', 'over:2026-01-01', '2026-13-01', 'gt:', '']) {
    const path = `/volumes?created_at=${encoded(bad)}`;
    const answer = await storage.ask({ path, microversion: '3.60' });
    assert.equal(answer.status, 400, bad);
    assert.match(JSON.stringify(answer.body), /created_at/);
  }
  assert.deepEqual(parseTimes('created_at', 'gt:2026-01-01 00:00:00'), { above: first });
});

test('texts are found by a part, metadata in every form, since 3.34', async (t) => {
  const storage = await openLists(t, [
    { metadata: { tier: "d'or" }, description: 'a data disk' },
    { metadata: { tier: 'silver', rack: '2' }, status: 'error' },
    { imageMetadata: { os: 'debian' }, size: 4 },
  ]);
  const cases: [string, string[]][] = [
    ['name~=ISK', ['2', '1', '0']],
    ['description~=data', ['0']],
    ['status~=err', ['1']],
    ['name~=%25', []],
    [`metadata=${encoded(`{'tier': "d'or"}`)}`, ['0']],
    [`metadata=${encoded('{"tier":"silver","rack":"2"}')}`, ['1']],
    [`metadata=${encoded("{u'rack': u'3'}")}`, []],
    ['metadata=nonsense', []],
    [`glance_metadata=${encoded("{'os': 'debian'}")}`, ['2']],
    ['size=4', ['2']],
    ['size=four', []],
    ['status=error', ['1']],
  ];
  for (const [query, expected] of cases) {
    assert.deepEqual(await names(storage, query), expected, query);
  }
  assert.equal((await names(storage, 'name~=nothing', '3.30')).length, 3);
});

test('pages by marker go through everything once, in every order', async (t) => {
  const facts = Array.from({ length: 23 }, (_, index) => ({
    size: 1 + (index % 3),
    name: index % 5 === 0 ? null : `disk ${index % 7}`,
  }));
  const storage = await openLists(t, facts);
  const sorts = ['created_at:desc', 'name:asc,size:desc', 'name:desc', 'size', 'updated_at:asc'];
  for (const sort of sorts) {
    const seen: string[] = [];
    let path = `/volumes/detail?limit=5&sort=${sort}&with_count=true`;
    for (;;) {
      const { body } = await storage.ask({ path, microversion: '3.45' });
      seen.push(...listIn(body, 'volumes').map((row) => textIn(row, 'id')));
      assert.equal(body['count'], 23);
      const links = body['volumes_links'];
      if (links === undefined) break;
      const href = listIn(body, 'volumes_links')[0]?.['href'];
      assert.ok(typeof href === 'string');
      path = new URL(href).pathname + new URL(href).search;
    }
    assert.equal(new Set(seen).size, 23, sort);
    assert.equal(seen.length, 23, sort);
  }
  const offset = await names(storage, 'offset=20&limit=10&sort=created_at:asc');
  assert.equal(offset.length, 3);
});

test('all projects are listed for administrators alone', async (t) => {
  const storage = await openLists(t, [{}]);
  assert.deepEqual(await names(storage, 'all_tenants=1'), ['0']);
  assert.equal((await names(storage, 'all_tenants=True', '3.0', 'ann')).length, 2);
  const ofBeta = await names(storage, `all_tenants=1&project_id=${beta}`, '3.0', 'ann');
  assert.deepEqual(ofBeta, ['of beta']);
});

test('what no list knows is told', async (t) => {
  const storage = await openLists(t, [{}]);
  const bad = [
    'sort=colour:asc',
    'sort=name:up',
    'limit=-1',
    'limit=x',
    'offset=-1',
    'with_count=maybe',
    'all_tenants=perhaps',
  ];
  for (const query of bad) {
    const answer = await storage.ask({
      who: 'ann',
      path: `/volumes?${query}`,
      microversion: '3.71',
    });
    assert.equal(answer.status, 400, query);
  }
  const gone = newId();
  const answer = await storage.ask({ who: 'ann', path: `/volumes?marker=${gone}` });
  assert.equal(answer.status, 404);
  assert.match(JSON.stringify(answer.body), new RegExp(`Volume ${gone} could not be found`));
});
