import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  alpha,
  listIn,
  objectIn,
  openStorage,
  textIn,
} from '../block-storage-v3/storage-fixture.ts';
import { byId } from '../../operation/scope.ts';

test('progress, jobs, repositories and adoption', async (t) => {
  const storage = await openStorage(t);
  const { ask, scene } = storage;
  const made = await ask({ method: 'POST', path: '/volumes', body: { volume: { size: 1 } } });
  const volumeId = textIn(objectIn(made.body, 'volume'), 'id');
  await scene.work();
  const body = { backup: { volume_id: volumeId, name: 'one' } };
  const asked = await ask({ method: 'POST', path: '/backups', body });
  const id = textIn(objectIn(asked.body, 'backup'), 'id');
  const path = `/firn/v1/backups/${id}`;
  const before = objectIn((await ask({ path })).body, 'backup');
  assert.deepEqual([before['status'], before['percent']], ['creating', 0]);
  await scene.work();
  const after = objectIn((await ask({ path })).body, 'backup');
  assert.deepEqual(
    [after['status'], after['percent'], after['parent_id']],
    ['available', 100, null],
  );
  assert.equal((await ask({ path, who: 'bob' })).status, 404);
  assert.equal(listIn((await ask({ path: '/firn/v1/backups' })).body, 'backups').length, 1);

  const jobs = listIn((await ask({ path: '/firn/v1/jobs?kind=backup.create' })).body, 'jobs');
  assert.deepEqual([jobs.length, jobs[0]?.['subject_id'], jobs[0]?.['state']], [1, id, 'done']);
  assert.equal(Object.hasOwn(jobs[0] ?? {}, 'error'), false);
  const others = await ask({ path: '/firn/v1/jobs', who: 'bob' });
  assert.deepEqual(listIn(others.body, 'jobs'), []);

  assert.equal((await ask({ path: '/firn/v1/repositories' })).status, 403);
  await scene.root.open('of-somebody-else', { create: true });
  const repositories = await ask({ path: '/firn/v1/repositories', who: 'ann' });
  const [repository, ...more] = listIn(repositories.body, 'repositories');
  assert.deepEqual(more, [], 'a container without a repository is none of them');
  assert.deepEqual([repository?.['container'], repository?.['backup_count']], ['volumebackups', 1]);

  await scene.catalog.remove('backups', byId(id));
  const adopt = { method: 'POST', path: '/firn/v1/repository/adopt' } as const;
  assert.equal((await ask(adopt)).status, 403);
  const first = await ask({ ...adopt, who: 'ann' });
  assert.deepEqual(first.body, { adopted: [id], shared: 0, known: 0, damaged: [] });
  const again = await ask({ ...adopt, who: 'ann', body: { container: 'volumebackups' } });
  assert.deepEqual(again.body, { adopted: [], shared: 0, known: 1, damaged: [] });
  assert.equal((await scene.catalog.find('backups', byId(id)))?.projectId, alpha);
  const wrong = await ask({ ...adopt, who: 'ann', body: { container: '../x' } });
  assert.equal(wrong.status, 400);
});
