import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openScene } from '../operation-fixture.ts';
import { askBackup, makeVolume } from '../requests-fixture.ts';
import { byId } from '../scope.ts';
import { keepProgress } from './keep-progress.ts';

const figures = (bytesDone: number) => ({ bytesDone, bytesTotal: 100, bytesStored: 7 });

test('progress is kept twice a second at most', async (t) => {
  const scene = await openScene(t);
  const { id: backupId } = await askBackup(scene, { volumeId: (await makeVolume(scene)).id });
  let nowMs = 0;
  const clock = { now: () => nowMs };
  const onLost = (): void => assert.fail('the row is there');
  const keeper = keepProgress({ catalog: scene.catalog, clock, backupId, onLost });
  const kept = async (): Promise<number | undefined> => {
    await keeper.settle();
    return (await scene.catalog.find('backups', byId(backupId)))?.bytesDone;
  };
  keeper.report(figures(1));
  assert.equal(await kept(), 1);
  nowMs = 499;
  keeper.report(figures(2));
  assert.equal(await kept(), 1);
  nowMs = 500;
  keeper.report(figures(3));
  assert.equal(await kept(), 3);
});

test('a row that is not creating any more ends the work', async (t) => {
  const scene = await openScene(t);
  const { id: backupId } = await askBackup(scene, { volumeId: (await makeVolume(scene)).id });
  await scene.catalog.change('backups', byId(backupId), { status: 'deleting' });
  let lost = false;
  const onLost = (): void => {
    lost = true;
  };
  const keeper = keepProgress({ ...scene, backupId, onLost });
  keeper.report(figures(1));
  await keeper.settle();
  assert.equal(lost, true);
});
