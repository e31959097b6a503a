import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { KeptBackups } from '../../backup/backing-source.ts';
import { openRepositories } from '../../backup/repositories.ts';
import { must } from '../../base/assert.ts';
import { ServedExports } from '../../dataplane/served-exports.ts';
import { ExportRegistry } from '../../nbd/exports.ts';
import { MemoryStore } from '../../store/memory.ts';
import { restoreExports } from '../attachment/restore-exports.ts';
import { ann, bob, callerIn, max, openScene, type Scene } from '../operation-fixture.ts';
import { askBackup, makeVolume, writeAt } from '../requests-fixture.ts';
import { endBackupExport, exportBackup, listBackupExports } from './backup-exports.ts';
import { deleteBackup } from './delete-backup.ts';

async function backedUp(t: TestContext): Promise<{ scene: Scene; backupId: string }> {
  const scene = await openScene(t);
  const { id: volumeId } = await makeVolume(scene);
  await writeAt(scene, volumeId, 4096, 'before');
  await writeAt(scene, volumeId, 70 * 1024 ** 2, 'more');
  const { id: backupId } = await askBackup(scene, { volumeId });
  await scene.work();
  await writeAt(scene, volumeId, 4096, 'after!');
  return { scene, backupId };
}

async function textIn(registry: ExportRegistry, name: string): Promise<string> {
  const claim = must(
    registry.claim(name, async () => undefined),
    'the export',
  );
  assert.equal(claim.entry.readOnly, true);
  const [device, second] = [await claim.entry.open(), await claim.entry.open()];
  await second.close();
  await assert.rejects(device.write(0, new Uint8Array(4096)), { code: 'read_only' });
  const target = Buffer.alloc(6);
  await device.read(4096, target);
  await device.close();
  claim.release();
  return target.toString();
}

test('a backup is read under a secret name, also after a start, until that ends', async (t) => {
  const { scene, backupId } = await backedUp(t);
  const { registry } = scene;
  const row = await exportBackup(scene, max, backupId, { host: 'h' });
  assert.ok(row.exportName.length >= 43);
  assert.equal(await textIn(registry, row.exportName), 'before');
  const repositories = openRepositories({ root: scene.root, wrappingKey: Buffer.alloc(32, 7) });
  const keptBackups = new KeptBackups(repositories);
  const later = new ExportRegistry();
  const exports = new ServedExports(scene.engine, later, { backups: keptBackups });
  await restoreExports({ ...scene, exports, keptBackups });
  assert.equal(await textIn(later, row.exportName), 'before');
  registry.claim(row.exportName, async () => undefined);
  assert.deepEqual(await listBackupExports(scene, max, backupId), [{ row, connections: 1 }]);
  await endBackupExport(scene, max, backupId, row.id);
  assert.equal(registry.has(row.exportName), false);
  assert.deepEqual(await listBackupExports(scene, max, backupId), []);
  await assert.rejects(endBackupExport(scene, max, backupId, row.id), { code: 'not_found' });
});

test('a backup that is exported goes only by force, which cuts its readers', async (t) => {
  const { scene, backupId } = await backedUp(t);
  const { exportName } = await exportBackup(scene, max, backupId, { host: null });
  const refusal = { code: 'invalid_state', message: /is exported to clients .*: end that first/ };
  await assert.rejects(deleteBackup(scene, max, backupId, { force: false }), refusal);
  let cuts = 0;
  scene.registry.claim(exportName, async () => void (cuts += 1));
  await deleteBackup(scene, ann, backupId, { force: true });
  assert.deepEqual([cuts, scene.registry.has(exportName)], [1, false]);
  await scene.work();
  assert.equal(await scene.catalog.count('backupExports', { projectId: 'alpha' }), 0);
  const store = await scene.root.open('volumebackups', { create: false });
  assert.ok(store instanceof MemoryStore);
  const packs = [...store.objects.keys()].filter((name) => name.startsWith('packs/'));
  assert.deepEqual(packs, [], 'nothing of it is kept in the store any more');
});

test('who may export which backup, and how often', async (t) => {
  const { scene, backupId } = await backedUp(t);
  const host = { host: null };
  await assert.rejects(exportBackup(scene, bob, backupId, host), { code: 'not_found' });
  const reader = callerIn('alpha', ['reader']);
  await assert.rejects(exportBackup(scene, reader, backupId, host), { code: 'forbidden' });
  for (let made = 0; made < 100; made += 1) await exportBackup(scene, max, backupId, host);
  await assert.rejects(exportBackup(scene, max, backupId, host), { code: 'invalid_state' });
  assert.equal((await listBackupExports(scene, reader, backupId)).length, 100);
  const { id: volumeId } = await makeVolume(scene);
  const creating = await askBackup(scene, { volumeId });
  const early = { code: /not_found|invalid_state/ };
  await assert.rejects(exportBackup(scene, max, creating.id, host), early);
});
