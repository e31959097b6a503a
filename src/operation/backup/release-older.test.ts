/** What fails or is killed after a backup is there, when what only older ones need is given up. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkpointId } from '../../backup/checkpoint.ts';
import { must } from '../../base/assert.ts';
import { OperatingError } from '../../base/errors.ts';
import type { BackupRow } from '../../catalog/tables.ts';
import type { VolumeEngine } from '../../volume/engine.ts';
import { crashEverywhere } from '../crash-fixture.ts';
import { jobContext, max, openScene, type Scene } from '../operation-fixture.ts';
import { askBackup, makeVolume, readAt, writeAt } from '../requests-fixture.ts';
import { byId } from '../scope.ts';
import { createBackupJob } from './create-backup-job.ts';
import { showBackup } from './list-backups.ts';
import { restoreBackup } from './restore-backup.ts';

/** Backs a volume up after `text` was written to its beginning. */
async function backUpAs(scene: Scene, volumeId: string, text: string): Promise<BackupRow> {
  await writeAt(scene, volumeId, 0, text);
  const { id } = await askBackup(scene, { volumeId });
  await scene.work();
  return await showBackup(scene, max, id);
}

async function assertRestores(scene: Scene, backupId: string, text: string): Promise<void> {
  const started = await restoreBackup(scene, max, backupId, { volumeId: null, name: null });
  await scene.work();
  assert.equal(await readAt(scene, started.volume.id, 0, text.length), text);
}

async function hasCheckpoint({ engine }: Scene, backupId: string): Promise<boolean> {
  return (await engine.findSnapshot(checkpointId(backupId))) !== undefined;
}

/** The engine, where the removal of some names fails. */
function engineThatKeeps(engine: VolumeEngine, error: Error, names: Set<string>): VolumeEngine {
  return new Proxy(engine, {
    get(target, key): unknown {
      const value: unknown = Reflect.get(target, key);
      if (typeof value !== 'function') return value;
      if (key !== 'deleteSnapshot') return value.bind(target);
      return async (snapshotId: string) => {
        if (names.has(snapshotId)) throw error;
        await target.deleteSnapshot(snapshotId);
      };
    },
  });
}

test('a backup is available although older ones keep what only they need', async (t) => {
  const scene = await openScene(t);
  const { id: volumeId } = await makeVolume(scene);
  const first = await backUpAs(scene, volumeId, 'first');
  await writeAt(scene, volumeId, 0, 'second');
  const { id: secondId } = await askBackup(scene, { volumeId });
  const job = must(await scene.jobs.next(), 'the job');
  const error = new OperatingError('io', 'the layer cannot be removed');
  const kept = new Set([checkpointId(first.id)]);
  const failing = createBackupJob({ ...scene, engine: engineThatKeeps(scene.engine, error, kept) });

  for (const attempt of [1, 2]) {
    await assert.rejects(failing.run(job, jobContext()), error, `attempt ${attempt}`);
    assert.equal((await showBackup(scene, max, secondId)).status, 'available');
    const volume = await scene.catalog.find('volumes', byId(volumeId));
    assert.equal(volume?.status, 'available', 'what was read is free');
  }
  for (const _ of [1, 2]) await failing.fail(job, error);
  await scene.catalog.change('jobs', { id: job.id }, { state: 'failed' });
  const second = await showBackup(scene, max, secondId);
  assert.deepEqual([second.status, second.failReason], ['available', null]);
  const where = { projectId: 'alpha', resourceId: secondId };
  const messages = await scene.catalog.list('messages', { where, limit: 10 });
  assert.deepEqual(
    messages.map(({ userMessage }) => userMessage),
    [
      'create backup: The storage answered an I/O error. the layer cannot be removed. The backup ' +
        'itself is whole and available. What only older backups of the volume need on the host ' +
        'is given up after its next backup.',
    ],
  );
  assert.equal(await scene.engine.findSnapshot(secondId), undefined);
  assert.deepEqual(
    [await hasCheckpoint(scene, first.id), await hasCheckpoint(scene, secondId)],
    [true, true],
  );
  assert.equal(await scene.jobs.next(), undefined, 'nothing of it is pruned');

  const third = await backUpAs(scene, volumeId, 'third');
  assert.equal(third.parentId, secondId, 'the next one starts from it');
  for (const { id } of [first, second]) assert.equal(await hasCheckpoint(scene, id), false);
  for (const [{ id }, text] of [
    [first, 'first'],
    [second, 'second'],
    [third, 'third'],
  ] as const) {
    await assertRestores(scene, id, text);
  }
});

test('a backup that fails before it is there says so once, and not that it is made', async (t) => {
  const scene = await openScene(t);
  const { id: volumeId } = await makeVolume(scene);
  const { id } = await askBackup(scene, { volumeId });
  const job = must(await scene.jobs.next(), 'the job');
  for (const _ of [1, 2]) {
    await createBackupJob(scene).fail(job, new OperatingError('no_space', 'full'));
  }
  assert.equal((await showBackup(scene, max, id)).status, 'error');
  const where = { projectId: 'alpha', resourceId: id };
  const messages = await scene.catalog.list('messages', { where, limit: 10 });
  assert.equal(messages.length, 1);
  assert.match(messages[0]?.userMessage ?? '', /^create backup: There is no room .* Delete the/);
});

test('a later backup survives a crash, and so do those before it', (t) =>
  crashEverywhere(
    t,
    async (scene) => {
      const { id: volumeId } = await makeVolume(scene);
      const older = [await backUpAs(scene, volumeId, 'first')];
      older.push(await backUpAs(scene, volumeId, 'second'));
      await writeAt(scene, volumeId, 0, 'newest');
      return { older, volumeId, newest: await askBackup(scene, { volumeId }) };
    },
    async (scene, { older, volumeId, newest }) => {
      const found = await showBackup(scene, max, newest.id);
      assert.deepEqual([found.status, found.parentId], ['available', older[1]?.id]);
      assert.equal((await scene.catalog.find('volumes', byId(volumeId)))?.status, 'available');
      assert.equal(await scene.engine.findSnapshot(newest.id), undefined);
      assert.ok(await hasCheckpoint(scene, newest.id));
      for (const { id } of older) assert.equal(await hasCheckpoint(scene, id), false);
      await assertRestores(scene, older[0]?.id ?? '', 'first');
      await assertRestores(scene, newest.id, 'newest');
    },
  ));
