import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId } from '../../base/ids.ts';
import { writeAt } from '../../operation/requests-fixture.ts';
import { listIn, objectIn, openStorage, textIn } from '../block-storage-v3/storage-fixture.ts';

test('usage, attachments with their clients, and exports of snapshots', async (t) => {
  const { ask, scene } = await openStorage(t);
  const made = await ask({ method: 'POST', path: '/volumes', body: { volume: { size: 1 } } });
  const volumeId = textIn(objectIn(made.body, 'volume'), 'id');
  await scene.work();
  await writeAt(scene, volumeId, 0, 'data');
  const body = { snapshot: { volume_id: volumeId } };
  const taken = await ask({ method: 'POST', path: '/snapshots', body });
  const snapshotId = textIn(objectIn(taken.body, 'snapshot'), 'id');
  await scene.work();
  const usage = { logical_bytes: 1024 ** 3, allocated_bytes: 4096 };
  for (const subject of [`volumes/${volumeId}`, `snapshots/${snapshotId}`]) {
    const path = `/firn/v1/${subject}/usage`;
    const shown = objectIn((await ask({ who: 'rea', path })).body, 'usage');
    assert.deepEqual(shown, { ...usage, shared_bytes: 4096, exclusive_bytes: 0 });
    assert.equal((await ask({ who: 'bob', path })).status, 404);
    assert.equal((await ask({ path: path.replace(/[0-9a-f-]{36}/, newId()) })).status, 404);
  }

  const attachment = { volume_uuid: volumeId, connector: { host: 'one' } };
  const post = { method: 'POST', path: '/attachments', microversion: '3.71' } as const;
  const attached = objectIn((await ask({ ...post, body: { attachment } })).body, 'attachment');
  const secret = textIn(objectIn(attached, 'connection_info'), 'export');
  const of = `/firn/v1/volumes/${volumeId}/attachments`;
  const before = listIn((await ask({ path: of })).body, 'attachments');
  assert.deepEqual([before[0]?.['host'], before[0]?.['connections']], ['one', 0]);
  assert.deepEqual([before[0]?.['connected_since'], before[0]?.['disconnected_at']], [null, null]);
  const claim = scene.registry.claim(secret, async () => undefined);
  const after = await ask({ who: 'rea', path: of });
  const [used] = listIn(after.body, 'attachments');
  assert.equal(used?.['connections'], 1);
  assert.ok(typeof used['connected_since'] === 'string' && used['disconnected_at'] === null);
  claim?.release();
  const [left] = listIn((await ask({ path: of })).body, 'attachments');
  assert.equal(left?.['connected_since'], null);
  assert.equal(typeof left?.['disconnected_at'], 'string');
  assert.ok(!JSON.stringify(after.body).includes(secret));
  assert.equal((await ask({ who: 'bob', path: of })).status, 404);

  const path = `/firn/v1/snapshots/${snapshotId}/exports`;
  const host = { export: { host: 'one' } };
  for (const bad of [{ export: { host: 7 } }, { export: [] }, { surprise: 1 }]) {
    assert.equal((await ask({ method: 'POST', path, body: bad })).status, 400);
  }
  assert.equal((await ask({ who: 'rea', method: 'POST', path, body: host })).status, 403);
  const exported = await ask({ method: 'POST', path, body: host });
  assert.equal(exported.status, 201);
  const one = objectIn(exported.body, 'export');
  const name = textIn(one, 'uri').replace('nbd://127.0.0.1:10809/', '');
  assert.equal(scene.registry.has(name), true);
  assert.deepEqual([one['host'], one['snapshot_id'], one['connections']], ['one', snapshotId, 0]);
  assert.deepEqual(listIn((await ask({ path })).body, 'exports'), [one]);
  const seen = await ask({ who: 'rea', path });
  assert.ok(!JSON.stringify(seen.body).includes(name));
  assert.equal(listIn(seen.body, 'exports').length, 1);
  const refused = await ask({ method: 'DELETE', path: `/snapshots/${snapshotId}` });
  assert.equal(refused.status, 400);
  const end = { method: 'DELETE', path: `${path}/${textIn(one, 'id')}` } as const;
  assert.equal((await ask({ ...end, who: 'bob' })).status, 404);
  assert.equal((await ask(end)).status, 204);
  assert.equal((await ask(end)).status, 404);
  assert.equal(scene.registry.has(name), false);
});
