import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askBackup, makeVolume, writeAt } from '../../operation/requests-fixture.ts';
import { callerIn } from '../../operation/operation-fixture.ts';
import type { JsonObject } from '../../base/json.ts';
import { GiB, KiB } from '../../base/bytes.ts';
import {
  alpha,
  listIn,
  objectIn,
  openStorage,
  textIn,
} from '../block-storage-v3/storage-fixture.ts';
import { byId } from '../../operation/scope.ts';

const sector = 4 * KiB;

/** Which parts are not empty, with what they hold. */
function filled(view: JsonObject, field: string): Record<string, unknown> {
  const counts = view[field];
  assert.ok(Array.isArray(counts));
  return Object.fromEntries(Object.entries(counts).filter(([, bytes]) => bytes !== 0));
}

test('a volume as a picture: what it holds where, what has changed, and its history', async (t) => {
  const { ask, scene } = await openStorage(t);
  const max = callerIn(alpha);
  const { id } = await makeVolume(scene);
  await scene.catalog.change('volumes', byId(id), { projectId: alpha });
  const path = `/firn/v1/volumes/${id}/extents?buckets=8`;
  await writeAt(scene, id, 0, 'first');
  const before = objectIn((await ask({ path })).body, 'extents');
  assert.deepEqual([before['length_bytes'], before['bucket_bytes']], [GiB, GiB / 8]);
  assert.deepEqual(filled(before, 'allocated'), { 0: sector });
  assert.deepEqual([before['changed'], before['since']], [null, null]);

  const backup = await askBackup(scene, { volumeId: id }, max);
  await scene.work();
  await writeAt(scene, id, GiB / 2, 'second');
  await writeAt(scene, id, GiB / 2 + 100 * KiB, 'third');
  const after = objectIn((await ask({ path })).body, 'extents');
  assert.equal(after['since'], backup.id);
  assert.deepEqual(filled(after, 'allocated'), { 0: sector, 4: 2 * sector });
  assert.deepEqual(filled(after, 'changed'), { 4: 2 * sector });
  assert.deepEqual(filled(after, 'shared'), { 0: sector });

  const taken = await ask({
    method: 'POST',
    path: '/snapshots',
    body: { snapshot: { volume_id: id } },
  });
  const snapshotId = textIn(objectIn(taken.body, 'snapshot'), 'id');
  await scene.work();
  const since = objectIn((await ask({ path: `${path}&since=${snapshotId}` })).body, 'extents');
  assert.deepEqual([since['since'], filled(since, 'changed')], [snapshotId, {}]);

  await writeAt(scene, id, 0, 'fourth');
  const between = `${path}&since=${backup.id}&until=${snapshotId}`;
  const then = objectIn((await ask({ path: between })).body, 'extents');
  assert.deepEqual([then['since'], then['until']], [backup.id, snapshotId]);
  assert.deepEqual(filled(then, 'changed'), { 4: 2 * sector }, 'not what was written later');
  const never = await ask({ path: `${path}&until=${backup.id}` });
  assert.equal(never.status, 400, 'the backup is of no snapshot that is there');
  assert.equal((await ask({ path: `${path}&until=nothing` })).status, 404);

  const history = listIn((await ask({ path: `/firn/v1/volumes/${id}/history` })).body, 'history');
  assert.deepEqual(
    history.map((point) => [point['kind'], point['changed_bytes']]),
    [
      ['backup', 64 * KiB],
      ['snapshot', 3 * sector],
    ],
  );
});

test('pictures are for those who may see the volume, and of a sane size', async (t) => {
  const { ask, scene } = await openStorage(t);
  const { id } = await makeVolume(scene);
  await scene.catalog.change('volumes', byId(id), { projectId: alpha });
  for (const buckets of ['0', '4097', 'x', '-1']) {
    const answer = await ask({ path: `/firn/v1/volumes/${id}/extents?buckets=${buckets}` });
    assert.equal(answer.status, 400);
    assert.match(JSON.stringify(answer.body), /buckets must be an integer of 1 to 4096/);
  }
  for (const what of ['extents', 'history']) {
    const path = `/firn/v1/volumes/${id}/${what}`;
    assert.equal((await ask({ path, who: 'bob' })).status, 404);
    assert.equal((await ask({ path, who: 'rea' })).status, 200);
  }
  const unknown = await ask({ path: `/firn/v1/volumes/${id}/extents?since=nothing` });
  assert.equal(unknown.status, 404);
});
