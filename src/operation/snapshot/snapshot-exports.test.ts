import assert from 'node:assert/strict';
import { test } from 'node:test';
import { must } from '../../base/assert.ts';
import { newId } from '../../base/ids.ts';
import { ServedExports } from '../../dataplane/served-exports.ts';
import { ExportRegistry } from '../../nbd/exports.ts';
import { restoreExports } from '../attachment/restore-exports.ts';
import { ann, bob, callerIn, max, openScene, type Scene } from '../operation-fixture.ts';
import { askSnapshot, makeVolume, writeAt } from '../requests-fixture.ts';
import { snapshotUsage, volumeUsage } from '../usage.ts';
import { deleteVolume } from '../volume/delete-volume.ts';
import { deleteSnapshot } from './delete-snapshot.ts';
import { endSnapshotExport, exportSnapshot, listSnapshotExports } from './snapshot-exports.ts';

async function makeSnapshot(scene: Scene): Promise<{ volumeId: string; snapshotId: string }> {
  const { id: volumeId } = await makeVolume(scene);
  await writeAt(scene, volumeId, 4096, 'before');
  for (const sector of [2, 20_000]) await writeAt(scene, volumeId, sector * 4096, 'kept');
  const { id: snapshotId } = await askSnapshot(scene, { volumeId });
  await scene.work();
  await writeAt(scene, volumeId, 4096, 'after!');
  return { volumeId, snapshotId };
}

async function textIn(registry: ExportRegistry, name: string): Promise<string> {
  const claim = must(
    registry.claim(name, async () => undefined),
    'the export',
  );
  assert.equal(claim.entry.readOnly, true);
  const device = await claim.entry.open();
  const target = Buffer.alloc(6);
  await device.read(4096, target);
  await device.close();
  claim.release();
  return target.toString();
}

test('a snapshot is read under a secret name, also after a start, until that ends', async (t) => {
  const scene = await openScene(t);
  const { registry } = scene;
  const { snapshotId } = await makeSnapshot(scene);
  const row = await exportSnapshot(scene, max, snapshotId, { host: 'h' });
  assert.ok(row.exportName.length >= 43);
  assert.equal(await textIn(registry, row.exportName), 'before');
  const later = new ExportRegistry();
  const exports = new ServedExports(scene.engine, later);
  await restoreExports({ ...scene, exports });
  assert.equal(await textIn(later, row.exportName), 'before');
  registry.claim(row.exportName, async () => undefined);
  assert.deepEqual(await listSnapshotExports(scene, max, snapshotId), [{ row, connections: 1 }]);
  await endSnapshotExport(scene, max, snapshotId, row.id);
  assert.equal(registry.has(row.exportName), false);
  assert.deepEqual(await listSnapshotExports(scene, max, snapshotId), []);
  await assert.rejects(endSnapshotExport(scene, max, snapshotId, row.id), { code: 'not_found' });
});

test('a snapshot that is exported goes only by force, which cuts its readers', async (t) => {
  const scene = await openScene(t);
  const { volumeId, snapshotId } = await makeSnapshot(scene);
  const { exportName } = await exportSnapshot(scene, max, snapshotId, { host: null });
  const refusal = { code: 'invalid_state', message: /is exported to clients .*: end that first/ };
  await assert.rejects(deleteSnapshot(scene, max, snapshotId, { force: false }), refusal);
  const cascade = { cascade: true, force: false };
  await assert.rejects(deleteVolume(scene, max, volumeId, cascade), refusal);
  let cuts = 0;
  scene.registry.claim(exportName, async () => void (cuts += 1));
  await deleteSnapshot(scene, ann, snapshotId, { force: true });
  assert.deepEqual([cuts, scene.registry.has(exportName)], [1, false]);
  await scene.work();
  assert.equal(await scene.engine.findSnapshot(snapshotId), undefined);

  const { id } = await askSnapshot(scene, { volumeId });
  await scene.work();
  const again = await exportSnapshot(scene, max, id, { host: null });
  await deleteVolume(scene, ann, volumeId, { cascade: true, force: true });
  assert.equal(scene.registry.has(again.exportName), false);
  await scene.work();
  assert.equal(await scene.catalog.count('snapshotExports', { projectId: 'alpha' }), 0);
});

test('who may not, cannot; and there is an end', async (t) => {
  const scene = await openScene(t);
  const { snapshotId } = await makeSnapshot(scene);
  const reader = callerIn('alpha', ['reader']);
  const host = { host: null };
  await assert.rejects(exportSnapshot(scene, reader, snapshotId, host), { code: 'forbidden' });
  await assert.rejects(exportSnapshot(scene, bob, snapshotId, host), { code: 'not_found' });
  await assert.rejects(exportSnapshot(scene, max, newId(), host), { code: 'not_found' });
  await assert.rejects(listSnapshotExports(scene, bob, snapshotId), { code: 'not_found' });
  for (let made = 0; made < 100; made += 1) await exportSnapshot(scene, max, snapshotId, host);
  await assert.rejects(exportSnapshot(scene, max, snapshotId, host), {
    message: /is exported 100 times already/,
  });
  const where = { id: snapshotId, projectId: 'alpha' };
  await scene.catalog.change('snapshots', where, { status: 'error' });
  await assert.rejects(exportSnapshot(scene, max, snapshotId, host), { code: 'invalid_state' });
});

test('what volume and snapshot take up, for whoever may see them', async (t) => {
  const scene = await openScene(t);
  const { volumeId, snapshotId } = await makeSnapshot(scene);
  const logicalBytes = 1024 ** 3;
  assert.deepEqual(await volumeUsage(scene, max, volumeId), {
    logicalBytes,
    allocatedBytes: 3 * 4096,
    sharedBytes: 2 * 4096,
    exclusiveBytes: 4096,
  });
  assert.equal((await snapshotUsage(scene, max, snapshotId)).exclusiveBytes, 4096);
  const clone = await makeVolume(scene, { size: 2, snapshotId });
  assert.deepEqual(await volumeUsage(scene, max, clone.id), {
    logicalBytes: 2 * logicalBytes,
    allocatedBytes: 3 * 4096,
    sharedBytes: 3 * 4096,
    exclusiveBytes: 0,
  });
  assert.equal((await snapshotUsage(scene, max, snapshotId)).exclusiveBytes, 0);
  await assert.rejects(volumeUsage(scene, bob, volumeId), { code: 'not_found' });
  await assert.rejects(snapshotUsage(scene, bob, snapshotId), { code: 'not_found' });
  const where = { id: volumeId, projectId: 'alpha' };
  await scene.catalog.change('volumes', where, { status: 'creating' });
  await scene.engine.deleteVolume(volumeId);
  const nothing = { allocatedBytes: 0, sharedBytes: 0, exclusiveBytes: 0 };
  assert.deepEqual(await volumeUsage(scene, max, volumeId), { logicalBytes, ...nothing });
});
