import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ann, callerIn, max, openScene } from './operation-fixture.ts';
import { deleteQuotaSet, showQuotaSet, updateQuotaSet } from './quota-sets.ts';
import { askBackup, askSnapshot, askVolume, makeVolume } from './requests-fixture.ts';

test('a volume beyond the quota is refused in words that clients know', async (t) => {
  const scene = await openScene(t);
  await updateQuotaSet(scene, ann, 'alpha', { gigabytes: 5, volumes: 2 });
  await assert.rejects(askVolume(scene, { size: 10 }), {
    code: 'quota_exceeded',
    message:
      'VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes ' +
      'quota. Requested 10G, quota is 5G and 0G has been consumed.',
  });
  await askVolume(scene);
  await askVolume(scene);
  await assert.rejects(askVolume(scene), {
    code: 'quota_exceeded',
    message:
      "VolumeLimitExceeded: Maximum number of volumes allowed (2) exceeded for quota 'volumes'.",
  });
  assert.equal(await scene.catalog.count('volumes', { projectId: 'alpha' }), 2);
});

test('requests at the same time do not pass a limit together', async (t) => {
  const scene = await openScene(t);
  await updateQuotaSet(scene, ann, 'alpha', { volumes: 3 });
  const results = await Promise.allSettled(Array.from({ length: 8 }, () => askVolume(scene)));
  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 3);
  assert.equal(await scene.catalog.count('volumes', { projectId: 'alpha' }), 3);
});

test('snapshots, backups and single volumes have their limits', async (t) => {
  const scene = await openScene(t);
  const { id: volumeId } = await makeVolume(scene);
  await updateQuotaSet(scene, ann, 'alpha', {
    snapshots: 0,
    backups: 0,
    per_volume_gigabytes: 4,
  });
  await assert.rejects(askSnapshot(scene, { volumeId }), {
    message: 'SnapshotLimitExceeded: Maximum number of snapshots allowed (0) exceeded.',
  });
  await assert.rejects(askBackup(scene, { volumeId }), {
    message: 'BackupLimitExceeded: Maximum number of backups allowed (0) exceeded.',
  });
  await assert.rejects(askVolume(scene, { size: 5 }), { code: 'quota_exceeded' });
  await updateQuotaSet(scene, ann, 'alpha', { backups: 1, backup_gigabytes: 0 });
  await assert.rejects(askBackup(scene, { volumeId }), {
    message:
      'VolumeBackupSizeExceedsAvailableQuota: Requested backup exceeds allowed Backup gigabytes ' +
      'quota. Requested 1G, quota is 0G and 0G has been consumed.',
  });
  const { usage } = await showQuotaSet(scene, max, 'alpha');
  assert.deepEqual([usage.volumes, usage.gigabytes, usage.backups], [1, 1, 0]);
});

test('limits are set by administrators, and go back to the defaults', async (t) => {
  const scene = await openScene(t);
  await assert.rejects(updateQuotaSet(scene, max, 'alpha', { volumes: 1 }), { code: 'forbidden' });
  await assert.rejects(showQuotaSet(scene, callerIn('beta'), 'alpha'), { code: 'forbidden' });
  await updateQuotaSet(scene, ann, 'alpha', { volumes: 1 });
  await updateQuotaSet(scene, ann, 'alpha', { volumes: 2 });
  assert.equal((await showQuotaSet(scene, max, 'alpha')).limits.volumes, 2);
  await deleteQuotaSet(scene, ann, 'alpha');
  assert.equal((await showQuotaSet(scene, max, 'alpha')).limits.volumes, 1000);
});
