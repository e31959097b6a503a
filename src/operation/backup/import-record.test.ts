import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId } from '../../base/ids.ts';
import type { JsonObject } from '../../base/json.ts';
import { openMemoryRoot } from '../../store/memory.ts';
import { ann, max, openScene, type Scene } from '../operation-fixture.ts';
import { askBackup, makeVolume, readAt, writeAt } from '../requests-fixture.ts';
import { byId } from '../scope.ts';
import { adoptBackups } from './adopt-backups.ts';
import type { BackupRecord } from './backup-record.ts';
import { deleteBackup } from './delete-backup.ts';
import { exportRecord, importRecord } from './import-record.ts';
import { showBackup } from './list-backups.ts';
import { restoreBackup } from './restore-backup.ts';

/** A record with some of its fields changed, as an administrator may do by hand. */
function edited(record: BackupRecord, changes: JsonObject): BackupRecord {
  const fields = JSON.parse(Buffer.from(record.url, 'base64').toString()) as JsonObject;
  const text = JSON.stringify({ ...fields, ...changes });
  return { ...record, url: Buffer.from(text).toString('base64') };
}

async function backedUp(scene: Scene): Promise<{ id: string; record: BackupRecord }> {
  const volume = await makeVolume(scene, { name: 'data' });
  await writeAt(scene, volume.id, 0, 'precious');
  const { id } = await askBackup(scene, { volumeId: volume.id, name: 'first' });
  await scene.work();
  return { id, record: await exportRecord(scene, ann, id) };
}

async function restores(scene: Scene, id: string): Promise<void> {
  const { volume } = await restoreBackup(scene, ann, id, { volumeId: null, name: null });
  await scene.work();
  assert.equal(await readAt(scene, volume.id, 0, 8), 'precious');
}

async function remove(scene: Scene, id: string): Promise<void> {
  await deleteBackup(scene, ann, id, { force: false });
  await scene.work();
  assert.equal(await scene.catalog.find('backups', byId(id)), undefined);
}

test('two records of one backup share its data, and the last one takes it along', async (t) => {
  for (const originalFirst of [true, false]) {
    const scene = await openScene(t);
    const { id, record } = await backedUp(scene);
    assert.match(record.service, /^cinder\.backup\.drivers/);
    const second = newId();
    const row = await importRecord(scene, ann, edited(record, { id: second, display_name: 'b' }));
    assert.deepEqual([row.id, row.name, row.status], [second, 'b', 'available']);
    await restores(scene, second);
    assert.equal((await adoptBackups(scene, ann, null)).knownCount, 1, 'nothing is duplicated');
    const repository = await scene.repositories.open('volumebackups', { create: false });
    await remove(scene, originalFirst ? id : second);
    const left = originalFirst ? second : id;
    await restores(scene, left);
    assert.deepEqual((await adoptBackups(scene, ann, null)).adopted, [], 'nor taken up again');
    await remove(scene, left);
    assert.equal(await repository.findManifest(id), undefined, 'nobody stands for it any more');
  }
});

test('installations that share a store share a backup, and none takes it away', async (t) => {
  const root = openMemoryRoot();
  const [one, other] = [await openScene(t, { root }), await openScene(t, { root })];
  const { id, record } = await backedUp(one);
  assert.equal((await importRecord(other, ann, record)).id, id, 'under its own id');
  await restores(other, id);
  await remove(other, id);
  await restores(one, id);
  await importRecord(other, ann, record);
  await remove(one, id);
  await restores(other, id);
  await remove(other, id);
  await assert.rejects(importRecord(other, ann, record), /is not in the store/);
});

test('records of one id in three installations are three records', async (t) => {
  const root = openMemoryRoot();
  const one = await openScene(t, { root });
  const [two, three] = [await openScene(t, { root }), await openScene(t, { root })];
  const { id, record } = await backedUp(one);
  for (const other of [two, three]) await importRecord(other, ann, record);
  await remove(one, id);
  await remove(two, id);
  await restores(three, id);
  // Taken up again where it was made, it is one record among others.
  assert.deepEqual((await adoptBackups(one, ann, null)).adopted, [id]);
  await remove(three, id);
  await restores(one, id);
  assert.deepEqual((await adoptBackups(two, ann, null)).adopted, [id]);
  await remove(one, id);
  await restores(two, id);
  await remove(two, id);
  await assert.rejects(importRecord(three, ann, record), /is not in the store/);
});

test('what is no record is refused and changes nothing', async (t) => {
  const scene = await openScene(t);
  const { id, record } = await backedUp(scene);
  const refused = async (bad: BackupRecord, reason: RegExp): Promise<void> => {
    await assert.rejects(importRecord(scene, ann, bad), reason);
  };
  await refused(record, /already exists/);
  await refused({ ...record, service: 'cinder.backup.drivers.swift' }, /import-cinder/);
  for (const url of ['', '????', 'e30=', Buffer.from('[]').toString('base64')]) {
    await refused({ ...record, url }, /not what export_record answered/);
  }
  const fresh = { id: newId() };
  await refused(edited(record, { ...fresh, service_metadata: 'x' }), /not what export_record/);
  await refused(edited(record, { id: '../../x' }), /not what export_record/);
  await refused(edited(record, { ...fresh, container: 'elsewhere' }), /no container elsewhere/);
  await refused(edited(record, { ...fresh, container: '../x' }), /container name/);
  const repository = await scene.repositories.open('volumebackups', { create: false });
  const foreign = `${newId()}/${id}`;
  await refused(edited(record, { ...fresh, service_metadata: foreign }), /another repository/);
  const missing = `${repository.id}/${newId()}`;
  await refused(edited(record, { ...fresh, service_metadata: missing }), /is not in the store/);
  await assert.rejects(importRecord(scene, max, record), { code: 'forbidden' });
  await assert.rejects(exportRecord(scene, max, id), { code: 'forbidden' });
  await remove(scene, id);
  assert.equal(await repository.findManifest(id), undefined, 'no refused import has claimed it');
  await assert.rejects(showBackup(scene, max, id), { code: 'not_found' });
});
