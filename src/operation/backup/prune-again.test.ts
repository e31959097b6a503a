/** A backup that is deleted while something still reads it: its space comes back all the same. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { max, openScene, type Scene } from '../operation-fixture.ts';
import { askBackup, makeVolume, writeAt } from '../requests-fixture.ts';
import { deleteBackup } from './delete-backup.ts';
import { pruneAgain } from './prune-repository.ts';

async function packsOf(scene: Scene): Promise<number> {
  const store = await scene.root.open('volumebackups', { create: false });
  return (await Array.fromAsync(store.list('packs/'))).length;
}

test('what a reader kept from being pruned is pruned when the reader has ended', async (t) => {
  const scene = await openScene(t);
  const due: Promise<void>[] = [];
  scene.repositories.onPruneDue((container) => due.push(pruneAgain(scene, container)));
  const volume = await makeVolume(scene);
  await writeAt(scene, volume.id, 0, 'precious');
  const { id } = await askBackup(scene, { volumeId: volume.id });
  await scene.work();
  const repository = await scene.repositories.open('volumebackups', { create: false });
  const sound = await repository.openReader(await repository.readManifest(id));
  const outliving = await repository.openReader(await repository.readManifest(id));
  await repository.planPrune();
  sound.close();
  assert.equal(due.length, 0, 'the backup is there still');

  await deleteBackup(scene, max, id, { force: false });
  await scene.work();
  assert.ok((await packsOf(scene)) > 0, 'it is being read');
  assert.equal(due.length, 0);
  outliving.close();
  outliving.close();
  assert.equal(due.length, 1);
  await Promise.all(due);
  await scene.work();
  assert.equal(await packsOf(scene), 0);
});
