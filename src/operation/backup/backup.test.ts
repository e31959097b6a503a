import assert from 'node:assert/strict';
import { test } from 'node:test';
import { must } from '../../base/assert.ts';
import { checkpointId } from '../../backup/checkpoint.ts';
import { OperatingError } from '../../base/errors.ts';
import { newId } from '../../base/ids.ts';
import { sampleImage } from '../../catalog/sample-rows.ts';
import type { BackupRow, VolumeRow } from '../../catalog/tables.ts';
import { createAttachment } from '../attachment/create-attachment.ts';
import { deleteAttachment } from '../attachment/delete-attachment.ts';
import { ann, bob, max, openScene, type Scene } from '../operation-fixture.ts';
import {
  askBackup,
  askSnapshot,
  askVolume,
  makeVolume,
  readAt,
  writeAt,
} from '../requests-fixture.ts';
import { byId } from '../scope.ts';
import { deleteSnapshot } from '../snapshot/delete-snapshot.ts';
import { deleteVolume } from '../volume/delete-volume.ts';
import { createRepository } from '../../repository/repository.ts';
import { adoptBackups } from './adopt-backups.ts';
import { createBackupJob } from './create-backup-job.ts';
import { deleteBackup } from './delete-backup.ts';
import { showBackup } from './list-backups.ts';
import { restoreBackupJob } from './restore-backup-job.ts';
import { restoreBackup } from './restore-backup.ts';
import { resetBackupStatus, updateBackup } from './update-backup.ts';

const gently = { cascade: false, force: false };

async function volumeNow(scene: Scene, id: string): Promise<VolumeRow> {
  return must(await scene.catalog.find('volumes', byId(id)), 'the volume');
}

async function attach(scene: Scene, volumeId: string): Promise<string> {
  const rest = { instanceId: null, connector: { host: 'h' }, mode: null, completeAtOnce: true };
  return (await createAttachment(scene, max, { volumeId, ...rest })).id;
}

/** A volume with text at its start, and a backup of it that is available. */
async function backedUp(scene: Scene): Promise<{ volume: VolumeRow; backup: BackupRow }> {
  const volume = await makeVolume(scene, { name: 'data', metadata: { tier: 'gold' } });
  await writeAt(scene, volume.id, 0, 'precious');
  const backup = await askBackup(scene, { volumeId: volume.id, name: 'first' });
  await scene.work();
  return { volume, backup: await showBackup(scene, max, backup.id) };
}

test('a snapshot is backed up, and its data outlives volume and snapshot', async (t) => {
  const scene = await openScene(t);
  const volume = await makeVolume(scene, { name: 'data', metadata: { tier: 'gold' } });
  await writeAt(scene, volume.id, 0, 'precious');
  const snapshot = await askSnapshot(scene, { volumeId: volume.id });
  await scene.work();
  await writeAt(scene, volume.id, 0, 'worthless');
  const asked = await askBackup(scene, { volumeId: volume.id, snapshotId: snapshot.id });
  assert.equal(asked.status, 'creating');
  const held = await scene.catalog.find('snapshots', byId(snapshot.id));
  assert.equal(held?.status, 'backing-up');
  await assert.rejects(deleteSnapshot(scene, max, snapshot.id, { force: false }), {
    code: 'invalid_state',
    message:
      'Invalid snapshot: Snapshot status must be available or error and must not be part of a ' +
      'group.',
  });
  await scene.work();
  const backup = await showBackup(scene, max, asked.id);
  assert.equal(backup.status, 'available');
  assert.equal(backup.dataTimestamp, snapshot.createdAt);
  assert.ok(backup.bytesStored > 0 && backup.bytesDone === backup.bytesTotal);
  await deleteSnapshot(scene, max, snapshot.id, { force: false });
  await scene.work();
  await deleteVolume(scene, max, volume.id, gently);
  await scene.work();

  const started = await restoreBackup(scene, max, backup.id, { volumeId: null, name: null });
  assert.equal(started.volume.name, `restore_backup_${backup.id}`);
  assert.equal(started.volume.description, 'auto-created_from_restore_from_backup');
  assert.equal((await volumeNow(scene, started.volume.id)).status, 'restoring-backup');
  await scene.work();
  const restored = await volumeNow(scene, started.volume.id);
  assert.deepEqual(
    [restored.status, restored.name, restored.metadata],
    ['available', 'data', { tier: 'gold' }],
  );
  assert.equal(await readAt(scene, restored.id, 0, 9), 'precious\0');
  assert.equal((await showBackup(scene, max, backup.id)).status, 'available');
});

test('a volume is backed up as it is, in use only by force', async (t) => {
  const scene = await openScene(t);
  const { id: volumeId } = await makeVolume(scene);
  await writeAt(scene, volumeId, 0, 'busy');
  const attachmentId = await attach(scene, volumeId);
  await assert.rejects(askBackup(scene, { volumeId }), {
    code: 'invalid_state',
    message: 'Invalid volume: Backing up an in-use volume must use the force flag.',
  });
  const backup = await askBackup(scene, { volumeId, force: true });
  const held = await volumeNow(scene, volumeId);
  assert.deepEqual([held.status, held.previousStatus], ['backing-up', 'in-use']);
  await assert.rejects(deleteVolume(scene, max, volumeId, gently), { code: 'invalid_state' });
  await assert.rejects(askBackup(scene, { volumeId, force: true }), {
    message:
      'Invalid volume: Volume to be backed up must be available or in-use, but the current ' +
      'status is "backing-up".',
  });
  await scene.work();
  assert.equal((await showBackup(scene, max, backup.id)).status, 'available');
  assert.equal((await volumeNow(scene, volumeId)).status, 'in-use');
  assert.equal(await scene.engine.findSnapshot(backup.id), undefined);

  await askBackup(scene, { volumeId, force: true });
  await deleteAttachment(scene, max, attachmentId);
  await scene.work();
  assert.equal((await volumeNow(scene, volumeId)).status, 'available');
});

test('a public image of another project is known to be no volume, too', async (t) => {
  const scene = await openScene(t);
  const visible = sampleImage({ id: newId(), projectId: 'beta', visibility: 'public' });
  const hidden = sampleImage({ id: newId(), projectId: 'beta' });
  for (const image of [visible, hidden]) await scene.catalog.insert('images', image);
  await assert.rejects(askBackup(scene, { volumeId: visible.id }), { code: 'invalid_input' });
  await assert.rejects(askBackup(scene, { volumeId: hidden.id }), {
    code: 'not_found',
    message: `Volume ${hidden.id} could not be found.`,
  });
});

test('a volume is backed up as it was when that was asked for', async (t) => {
  const scene = await openScene(t);
  const { id: volumeId } = await makeVolume(scene);
  await writeAt(scene, volumeId, 0, 'before');
  await attach(scene, volumeId);
  const { id } = await askBackup(scene, { volumeId, force: true });
  await writeAt(scene, volumeId, 0, 'after!');
  await scene.work();
  const restored = await restoreBackup(scene, max, id, { volumeId: null, name: null });
  await scene.work();
  assert.equal(await readAt(scene, restored.volume.id, 0, 6), 'before');
});

test('a later backup starts from the earlier one, and either can be deleted', async (t) => {
  const scene = await openScene(t);
  const { volume, backup } = await backedUp(scene);
  await writeAt(scene, volume.id, 1024 * 1024, 'more');
  const second = await askBackup(scene, { volumeId: volume.id, incremental: true });
  await scene.work();
  const row = await showBackup(scene, max, second.id);
  assert.deepEqual([row.status, row.incremental, row.parentId], ['available', true, backup.id]);
  assert.ok(row.bytesTotal <= 65_536);
  await deleteBackup(scene, max, backup.id, { force: false });
  await scene.work();
  await assert.rejects(showBackup(scene, max, backup.id), { code: 'not_found' });
  const { volume: target } = await restoreBackup(scene, max, second.id, {
    volumeId: null,
    name: 'mine',
  });
  await scene.work();
  assert.equal((await volumeNow(scene, target.id)).name, 'mine');
  assert.equal(await readAt(scene, target.id, 0, 8), 'precious');
  assert.equal(await readAt(scene, target.id, 1024 * 1024, 4), 'more');
});

test('what cannot be backed up changes nothing', async (t) => {
  const scene = await openScene(t);
  const volume = await makeVolume(scene);
  const other = await makeVolume(scene);
  const { id: snapshotId } = await askSnapshot(scene, { volumeId: other.id });
  await scene.work();
  const imageId = newId();
  await scene.catalog.insert('images', sampleImage({ id: imageId, projectId: 'alpha' }));
  const unknown = newId();
  const cases: [Parameters<typeof askBackup>[1], string, string | RegExp][] = [
    [
      { volumeId: volume.id, snapshotId },
      'invalid_state',
      `Invalid volume: Volume ${volume.id} does not match with snapshot.volume_id ${other.id}.`,
    ],
    [{ volumeId: unknown }, 'not_found', `Volume ${unknown} could not be found.`],
    [
      { volumeId: volume.id, snapshotId: unknown },
      'not_found',
      `Snapshot ${unknown} could not be found.`,
    ],
    [
      { volumeId: imageId },
      'invalid_input',
      `Backups are just for volumes: ${imageId} is an image. An image is meta-data about how an ` +
        'instance was configured; it is replaced by creating an instance from a volume.',
    ],
    [
      { volumeId: volume.id, incremental: true },
      'invalid_state',
      'Invalid backup: No backups available to do an incremental backup.',
    ],
    [
      { volumeId: volume.id, container: '../secret' },
      'invalid_input',
      /container name has 1 to 128 letters/,
    ],
  ];
  for (const [given, code, message] of cases) {
    await assert.rejects(askBackup(scene, given), { code, message });
  }
  await assert.rejects(askBackup(scene, { volumeId: volume.id }, bob), { code: 'not_found' });
  assert.equal((await volumeNow(scene, volume.id)).status, 'available');
  assert.equal(await scene.jobs.next(), undefined);
});

test('a backup is restored over a volume that is free and large enough', async (t) => {
  const scene = await openScene(t);
  const big = await makeVolume(scene, { size: 2 });
  await writeAt(scene, big.id, 0, 'big');
  const backup = await askBackup(scene, { volumeId: big.id });
  await scene.work();
  const small = await makeVolume(scene, { size: 1 });
  await assert.rejects(restoreBackup(scene, max, backup.id, { volumeId: small.id, name: null }), {
    code: 'invalid_state',
    message: 'Invalid volume: volume size 1 is too small to restore backup of size 2.',
  });
  const busy = await makeVolume(scene, { size: 2 });
  await attach(scene, busy.id);
  const taken = { volumeId: busy.id, name: null };
  await assert.rejects(restoreBackup(scene, max, backup.id, taken), {
    code: 'invalid_state',
    message: 'Invalid volume: Volume to be restored to must be available',
  });
  const target = await makeVolume(scene, { size: 3, name: 'kept', metadata: { own: 'yes' } });
  await writeAt(scene, target.id, 0, 'gone?');
  await restoreBackup(scene, max, backup.id, { volumeId: target.id, name: null });
  await assert.rejects(deleteBackup(scene, max, backup.id, { force: false }), {
    code: 'invalid_state',
    message: 'Invalid backup: Backup status must be available or error',
  });
  await assert.rejects(deleteVolume(scene, max, target.id, gently), { code: 'invalid_state' });
  await scene.work();
  const row = await volumeNow(scene, target.id);
  assert.deepEqual([row.status, row.name, row.metadata], ['available', 'kept', { own: 'yes' }]);
  assert.equal(await readAt(scene, target.id, 0, 5), 'big\0\0');
});

test('a volume made from a backup keeps the name that it was given', async (t) => {
  const scene = await openScene(t);
  const { backup } = await backedUp(scene);
  const made = await makeVolume(scene, {
    size: null,
    name: null,
    backupId: backup.id,
    metadata: { tier: 'iron' },
  });
  const row = await volumeNow(scene, made.id);
  assert.deepEqual(
    [made.status, row.status, row.name, row.size],
    ['creating', 'available', null, 1],
  );
  assert.deepEqual(row.metadata, { tier: 'iron' });
  assert.equal(await readAt(scene, made.id, 0, 8), 'precious');
});

test('a store that is full makes the backup an error that says so', async (t) => {
  const scene = await openScene(t);
  const volume = await makeVolume(scene);
  await writeAt(scene, volume.id, 0, 'data');
  const row = await askBackup(scene, { volumeId: volume.id });
  const job = must(await scene.jobs.next(), 'the job');
  const full = new OperatingError('no_space', 'write /var/lib/firn/store: no space', {
    cause: Object.assign(new Error('write'), { code: 'ENOSPC' }),
  });
  await createBackupJob(scene).fail(job, full);
  const failed = await showBackup(scene, max, row.id);
  assert.equal(failed.status, 'error');
  assert.equal(failed.failReason, 'There is no room left on the storage.');
  assert.equal(await scene.engine.findSnapshot(checkpointId(row.id)), undefined);
  assert.equal((await volumeNow(scene, volume.id)).status, 'available');
  await deleteBackup(scene, max, row.id, { force: false });
  await scene.work();
  await assert.rejects(showBackup(scene, max, row.id), { code: 'not_found' });
});

test('a restore that fails leaves the backup as it was', async (t) => {
  const scene = await openScene(t);
  const { volume, backup } = await backedUp(scene);
  await restoreBackup(scene, max, backup.id, { volumeId: volume.id, name: null });
  const job = must(await scene.jobs.next(), 'the job');
  await restoreBackupJob(scene).fail(job, new OperatingError('corrupt', 'a block is damaged'));
  assert.equal((await volumeNow(scene, volume.id)).status, 'error_restoring');
  assert.equal((await showBackup(scene, max, backup.id)).status, 'available');
  const where = { projectId: 'alpha', resourceId: backup.id };
  assert.match(
    (await scene.catalog.find('messages', where))?.userMessage ?? '',
    /^restore backup: Stored data was found to be damaged\. a block is damaged/,
  );
  await scene.catalog.change('jobs', { id: job.id }, { state: 'failed' });
  await restoreBackup(scene, max, backup.id, { volumeId: volume.id, name: null });
  await scene.work();
  assert.equal((await volumeNow(scene, volume.id)).status, 'available');
});

test('a backup that is deleted by force while it is made leaves nothing', async (t) => {
  const scene = await openScene(t);
  const volume = await makeVolume(scene);
  await writeAt(scene, volume.id, 0, 'data');
  const row = await askBackup(scene, { volumeId: volume.id });
  await assert.rejects(deleteBackup(scene, max, row.id, { force: true }), { code: 'forbidden' });
  await deleteBackup(scene, ann, row.id, { force: true });
  await scene.work();
  await assert.rejects(showBackup(scene, ann, row.id), { code: 'not_found' });
  assert.equal((await volumeNow(scene, volume.id)).status, 'available');
  assert.equal(await scene.engine.findSnapshot(row.id), undefined);
});

test('only a backup that is stored whole can be set to available by hand', async (t) => {
  const scene = await openScene(t);
  const { volume, backup } = await backedUp(scene);
  await resetBackupStatus(scene, ann, backup.id, 'error');
  assert.equal((await resetBackupStatus(scene, ann, backup.id, 'available')).status, 'available');
  for (const container of [null, 'elsewhere']) {
    const { id } = await askBackup(scene, { volumeId: volume.id, container });
    await assert.rejects(resetBackupStatus(scene, ann, id, 'available'), {
      code: 'invalid_state',
      message: `Invalid backup: Backup ${id} is not stored, so that it cannot be available.`,
    });
    assert.equal((await showBackup(scene, max, id)).status, 'creating');
    await scene.work();
    assert.equal((await resetBackupStatus(scene, ann, id, 'available')).status, 'available');
  }
});

test("a backup's own figures are not its owner's metadata", async (t) => {
  const scene = await openScene(t);
  const { backup } = await backedUp(scene);
  const metadata = { mine: '1', 'firn:progress': '3 %', 'firn:bytes_done': '1' };
  const row = await updateBackup(scene, max, backup.id, { name: 'new', metadata });
  assert.deepEqual([row.name, row.metadata], ['new', { mine: '1' }]);
});

test('an empty catalogue adopts what the store holds, once', async (t) => {
  const scene = await openScene(t);
  const { backup } = await backedUp(scene);
  await scene.catalog.remove('backups', byId(backup.id));
  await assert.rejects(adoptBackups(scene, max, { container: null }), { code: 'forbidden' });
  const first = await adoptBackups(scene, ann, { container: null });
  assert.deepEqual(first, { adopted: [backup.id], sharedCount: 0, knownCount: 0, damaged: [] });
  const keyless = await scene.root.open('keyless', { create: true });
  await createRepository(keyless, { wrappingKey: Buffer.alloc(32, 1) });
  for await (const { name } of keyless.list('keys/')) await keyless.remove(name);
  const beside = await adoptBackups(scene, ann, { container: null });
  assert.equal(beside.knownCount, first.adopted.length, 'one that is damaged hides no other');
  assert.match(JSON.stringify(beside.damaged), /^\[\{"id":"keyless","reason":".*wrapped keys/);
  const second = await adoptBackups(scene, ann, { container: 'volumebackups' });
  assert.deepEqual(second, { adopted: [], sharedCount: 0, knownCount: 1, damaged: [] });
  await assert.rejects(adoptBackups(scene, ann, { container: 'nowhere' }), { code: 'not_found' });
  const row = await showBackup(scene, max, backup.id);
  assert.deepEqual([row.name, row.size, row.status], ['first', 1, 'available']);
  assert.equal(row.bytesStored, backup.bytesStored);
  const { volume } = await restoreBackup(scene, max, row.id, { volumeId: null, name: null });
  await scene.work();
  assert.equal(await readAt(scene, volume.id, 0, 8), 'precious');
});

test('a restore that fails after its volume was deleted leaves no data behind', async (t) => {
  const scene = await openScene(t);
  const { backup } = await backedUp(scene);
  const { id: volumeId } = await askVolume(scene, { backupId: backup.id });
  const job = must(await scene.jobs.next(), 'the restore');
  await deleteVolume(scene, ann, volumeId, { cascade: false, force: true });
  await scene.catalog.change('jobs', { id: job.id }, { state: 'running' });
  await scene.work();
  // The restore had begun, and made its volume after the deletion's job had looked.
  await scene.engine.createVolume({ volumeId, lengthBytes: 1024 ** 3 });
  await restoreBackupJob(scene).fail(job, new OperatingError('corrupt', 'bad pack'));
  await assert.rejects(scene.engine.openVolume(volumeId), { code: 'not_found' });
  assert.equal((await showBackup(scene, max, backup.id)).status, 'available');
});
