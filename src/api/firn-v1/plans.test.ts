import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listIn, objectIn, openStorage, textIn } from '../block-storage-v3/storage-fixture.ts';

const plan = {
  name: 'nightly',
  schedule: '30 2 * * *',
  time_zone: 'Europe/Berlin',
  selection: { metadata: { tier: 'gold' } },
  retention: { daily: 7, within_days: 2 },
};

test('plans are made, shown, changed and deleted, with their next runs', async (t) => {
  const { ask } = await openStorage(t);
  const path = '/firn/v1/plans';
  const made = await ask({ method: 'POST', path, body: { plan } });
  assert.equal(made.status, 201);
  const shown = objectIn(made.body, 'plan');
  const id = textIn(shown, 'id');
  assert.deepEqual(
    [shown['action'], shown['enabled'], shown['retention'], shown['spread_minutes']],
    ['backup', true, { daily: 7, within_days: 2 }, 10],
  );
  const [first, second] = shown['next_runs'] as string[];
  assert.match(first ?? '', /^\d{4}-\d\d-\d\dT0[01]:30:00/);
  assert.notEqual(first, second);
  assert.deepEqual(listIn((await ask({ path, who: 'rea' })).body, 'plans')[0], shown);
  assert.equal((await ask({ path: `${path}/${id}`, who: 'bob' })).status, 404);
  assert.equal((await ask({ method: 'POST', path, body: { plan }, who: 'rea' })).status, 403);
  assert.equal((await ask({ method: 'POST', path, body: { plan } })).status, 409);
  const change = { plan: { enabled: false, schedule: 'weekly' } };
  const changed = await ask({ method: 'PATCH', path: `${path}/${id}`, body: change });
  const after = objectIn(changed.body, 'plan');
  assert.deepEqual(
    [after['enabled'], after['schedule'], after['name']],
    [false, 'weekly', 'nightly'],
  );
  const run = { method: 'POST', path: `${path}/${id}/run`, body: {} } as const;
  assert.equal((await ask(run)).status, 400);
  for (const bad of [
    { ...plan, name: 'x', schedule: 'often' },
    { ...plan, name: 'x', retention: { daily: 0 } },
    { ...plan, name: 'x', surprise: 1 },
    { ...plan, name: 'x', selection: { volumes: ['no-uuid'] } },
    { ...plan, name: 'x', time_zone: 'Mars/Olympus' },
  ]) {
    const refused = await ask({ method: 'POST', path, body: { plan: bad } });
    assert.equal(refused.status, 400, JSON.stringify(refused.body));
  }
  const odd = await ask({ method: 'DELETE', path: `${path}/${id}?made=perhaps` });
  assert.equal(odd.status, 400);
  assert.equal((await ask({ method: 'DELETE', path: `${path}/${id}` })).status, 204);
  assert.equal((await ask({ path: `${path}/${id}` })).status, 404);
});

test('what if, protection, volumes of a plan, and holds', async (t) => {
  const { ask, scene } = await openStorage(t);
  const body = { volume: { size: 1, name: 'web', metadata: { tier: 'gold' } } };
  const volume = objectIn((await ask({ method: 'POST', path: '/volumes', body })).body, 'volume');
  const id = textIn(volume, 'id');
  await scene.work();
  const ask2 = { plan, until: new Date(scene.clock.now() + 10 * 86_400_000).toISOString() };
  const path = '/firn/v1/plans/what-if';
  const judged = objectIn((await ask({ method: 'POST', path, body: ask2 })).body, 'what_if');
  assert.deepEqual([judged['volume_count'], judged['kept_count']], [1, 7]);
  assert.deepEqual(judged['freed'], { backup_count: 0, bytes_min: 0, bytes_max: 0 });
  const items = listIn(judged, 'items');
  assert.deepEqual([items.at(-1)?.['future'], items.at(-1)?.['keep']], [true, true]);

  const made = await ask({ method: 'POST', path: '/firn/v1/plans', body: { plan } });
  const planId = textIn(objectIn(made.body, 'plan'), 'id');
  const under = await ask({ path: `/firn/v1/plans/${planId}/volumes`, who: 'rea' });
  assert.equal(listIn(under.body, 'volumes')[0]?.['volume_id'], id);
  const [protection] = listIn((await ask({ path: '/firn/v1/protection' })).body, 'protection');
  assert.deepEqual(
    [protection?.['name'], protection?.['shield'], protection?.['last_backup']],
    ['web', 'unprotected', null],
  );
  assert.deepEqual(listIn((await ask({ path: '/firn/v1/plan-runs' })).body, 'runs'), []);

  const hold = `/firn/v1/volumes/${id}/hold`;
  assert.equal((await ask({ path: hold })).status, 404);
  const put = { method: 'PUT', path: hold, body: { reason: 'audit' } } as const;
  assert.equal((await ask({ ...put, who: 'rea' })).status, 403);
  assert.equal((await ask({ ...put, who: 'bob' })).status, 404);
  const held = objectIn((await ask(put)).body, 'hold');
  assert.deepEqual([held['kind'], held['id'], held['reason']], ['volume', id, 'audit']);
  const refused = await ask({ method: 'DELETE', path: `/volumes/${id}` });
  assert.equal(refused.status, 400);
  assert.match(JSON.stringify(refused.body), /a hold on volume .*audit.*Release it first/);
  assert.equal(listIn((await ask({ path: '/firn/v1/holds' })).body, 'holds').length, 1);
  assert.equal((await ask({ method: 'DELETE', path: hold })).status, 204);
  assert.equal((await ask({ method: 'DELETE', path: `/volumes/${id}` })).status, 202);
});
