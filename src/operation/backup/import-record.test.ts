import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { newId } from '../../base/ids.ts';
import type { JsonObject } from '../../base/json.ts';
import { openMemoryRoot } from '../../store/memory.ts';
import type { StoreRoot } from '../../store/store.ts';
import { ann, max, openScene, type Scene } from '../operation-fixture.ts';
import { askBackup, makeVolume, readAt, writeAt } from '../requests-fixture.ts';
import { byId } from '../scope.ts';
import { adoptBackups } from './adopt-backups.ts';
import type { BackupRecord } from './backup-record.ts';
import { claimIdOf } from './claim-id.ts';
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
    assert.equal(
      (await adoptBackups(scene, ann, { container: null })).knownCount,
      1,
      'nothing is duplicated',
    );
    const repository = await scene.repositories.open('volumebackups', { create: false });
    await remove(scene, originalFirst ? id : second);
    const left = originalFirst ? second : id;
    await restores(scene, left);
    assert.deepEqual(
      (await adoptBackups(scene, ann, { container: null })).adopted,
      [],
      'nor taken up again',
    );
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
  assert.deepEqual((await adoptBackups(one, ann, { container: null })).adopted, [id]);
  await remove(three, id);
  await restores(one, id);
  assert.deepEqual((await adoptBackups(two, ann, { container: null })).adopted, [id]);
  await remove(one, id);
  await restores(two, id);
  await remove(two, id);
  await assert.rejects(importRecord(three, ann, record), /is not in the store/);
});

/** Names of what claims any backup, and whether the manifest of one is there. */
async function inStore(
  root: StoreRoot,
  id: string,
): Promise<{ claims: string[]; isThere: boolean }> {
  const store = await root.open('volumebackups', { create: false });
  const claims = await Array.fromAsync(store.list('claims/'), ({ name }) => name);
  return { claims, isThere: (await store.sizeOf(`backups/${id}`)) !== undefined };
}

test('a store that two installations have taken up loses nothing to either', async (t) => {
  const root = openMemoryRoot();
  const [one, other] = [await openScene(t, { root }), await openScene(t, { root })];
  for (const first of [one, other]) {
    const { id } = await backedUp(one);
    const { adopted, sharedCount } = await adoptBackups(other, ann, { container: null });
    assert.deepEqual([adopted, sharedCount], [[id], 1]);
    const last = first === one ? other : one;
    await remove(first, id);
    await restores(last, id);
    await remove(last, id);
    assert.deepEqual(await inStore(root, id), { claims: [], isThere: false });
  }
});

test('a store that was taken over from an installation that is gone is given back', async (t) => {
  const root = openMemoryRoot();
  const [lost, heir] = [await openScene(t, { root }), await openScene(t, { root })];
  const { id } = await backedUp(lost);
  for (const isShared of [true, false]) {
    if (isShared) await adoptBackups(heir, ann, { container: null });
    const other = isShared ? id : (await backedUp(lost)).id;
    const { adopted, sharedCount } = await adoptBackups(heir, ann, {
      container: null,
      takeOver: true,
    });
    assert.deepEqual([adopted, sharedCount], [isShared ? [] : [other], 0]);
    await restores(heir, other);
    await remove(heir, other);
    assert.deepEqual(await inStore(root, other), { claims: [], isThere: false });
  }
});

test('a claim from before claims named the installation is settled by adopting', async (t) => {
  const root = openMemoryRoot();
  const [one, other] = [await openScene(t, { root }), await openScene(t, { root })];
  const { id, record } = await backedUp(one);
  await importRecord(other, ann, record);
  const repository = await other.repositories.open('volumebackups', { create: false });
  const claimId = await claimIdOf(other.catalog, id);
  await repository.claims.rename(id, claimId, id);
  assert.deepEqual((await inStore(root, id)).claims, [`claims/${id}/${id}`]);
  await adoptBackups(other, ann, { container: null });
  assert.deepEqual((await inStore(root, id)).claims, [`claims/${id}/${claimId}`]);
  await remove(one, id);
  await restores(other, id);
  await remove(other, id);
  assert.deepEqual(await inStore(root, id), { claims: [], isThere: false });
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

test('nothing is taken over while another process is at work in the store', async (t) => {
  const root = openMemoryRoot();
  const [living, heir] = [await openScene(t, { root }), await openScene(t, { root })];
  const { id } = await backedUp(living);
  const all = { container: null, takeOver: true };
  const repository = await living.repositories.open('volumebackups', { create: false });
  const reader = await repository.openReader(await repository.readManifest(id));
  const store = await root.open('volumebackups', { create: false });
  const leases = async () => (await Array.fromAsync(store.list('leases/'))).length;
  while ((await leases()) === 0) await setImmediate();
  await assert.rejects(adoptBackups(heir, ann, all), {
    code: 'conflict',
    message: /^the process \d+ on .* is at work in volumebackups: stop it/,
  });
  assert.equal(await heir.catalog.find('backups', byId(id)), undefined);
  const shared = await adoptBackups(heir, ann, { container: null });
  assert.deepEqual(shared.adopted, [id], 'what is shared needs nobody to be gone');
  assert.equal((await adoptBackups(heir, ann, { ...all, force: true })).knownCount, 1);
  reader.close();
  while ((await leases()) > 0) await setImmediate();
  assert.equal((await adoptBackups(heir, ann, all)).knownCount, 1);
});
