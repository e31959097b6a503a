import assert from 'node:assert/strict';
import { test } from 'node:test';
import { writeAt } from '../../operation/requests-fixture.ts';
import { objectIn, openStorage, textIn } from '../block-storage-v3/storage-fixture.ts';

test('a prune is foretold, and the space of a backup is known', async (t) => {
  const { ask, scene } = await openStorage(t);
  const made = await ask({ method: 'POST', path: '/volumes', body: { volume: { size: 1 } } });
  const volumeId = textIn(objectIn(made.body, 'volume'), 'id');
  await scene.work();
  await writeAt(scene, volumeId, 0, 'precious');
  const body = { backup: { volume_id: volumeId, name: 'one' } };
  const asked = await ask({ method: 'POST', path: '/backups', body });
  const id = textIn(objectIn(asked.body, 'backup'), 'id');
  const path = `/firn/v1/backups/${id}`;
  assert.equal(objectIn((await ask({ path })).body, 'backup')['space'], null);
  await scene.work();
  const space = objectIn(objectIn((await ask({ path })).body, 'backup'), 'space');
  assert.ok(Number(space['exclusive_bytes']) > 100);
  assert.deepEqual([space['shared_bytes'], space['patch_bytes']], [0, 0]);

  const prune = { method: 'POST', path: '/firn/v1/repositories/volumebackups/prune' } as const;
  const dry = { ...prune, body: { dry_run: true } };
  assert.equal((await ask(dry)).status, 403);
  const nothing = objectIn((await ask({ ...dry, who: 'ann' })).body, 'prune');
  assert.deepEqual([nothing['bytes_freed'], nothing['packs_removed']], [0, 0]);
  const repository = await scene.repositories.open('volumebackups', { create: false });
  await repository.deleteBackup(id);
  const something = objectIn((await ask({ ...dry, who: 'ann' })).body, 'prune');
  assert.equal(something['packs_removed'], 1);
  assert.equal(something['bytes_freed'], something['bytes_total']);
  // What the store lacks and the catalogue has keeps a prune from doing anything.
  assert.equal((await ask({ method: 'DELETE', path: `/backups/${id}` })).status, 202);
  assert.equal((await ask({ ...prune, who: 'ann' })).status, 202);
  await scene.work();
  const after = objectIn((await ask({ ...dry, who: 'ann' })).body, 'prune');
  assert.equal(after['bytes_total'], 0);
  const wrong = { ...prune, who: 'ann', path: '/firn/v1/repositories/nowhere/prune' } as const;
  assert.equal((await ask(wrong)).status, 404);
});
