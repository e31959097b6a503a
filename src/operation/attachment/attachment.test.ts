import assert from 'node:assert/strict';
import { test } from 'node:test';
import { must } from '../../base/assert.ts';
import { newId } from '../../base/ids.ts';
import type { AttachmentRow } from '../../catalog/tables.ts';
import { ServedExports } from '../../dataplane/served-exports.ts';
import { ExportRegistry } from '../../nbd/exports.ts';
import { ann, bob, max, openScene, type Scene } from '../operation-fixture.ts';
import { makeVolume } from '../requests-fixture.ts';
import { byId } from '../scope.ts';
import { deleteVolume } from '../volume/delete-volume.ts';
import { updateReadonlyFlag } from '../volume/update-readonly-flag.ts';
import { attachVolume } from './attach-volume.ts';
import { detachVolume } from './detach-volume.ts';
import { connectionData } from './connection.ts';
import { createAttachment, type NewAttachment } from './create-attachment.ts';
import { deleteAttachment } from './delete-attachment.ts';
import { initializeConnection, terminateConnection } from './initialize-connection.ts';
import { showAttachment } from './list-attachments.ts';
import {
  beginDetachingVolume,
  reserveVolume,
  rollDetachingVolume,
  unreserveVolume,
} from './reserve-volume.ts';
import { restoreExports } from './restore-exports.ts';
import { completeAttachment, updateAttachment } from './update-attachment.ts';

const connector = { host: 'node-1' };

async function statusOf(scene: Scene, volumeId: string): Promise<string | undefined> {
  return (await scene.catalog.find('volumes', byId(volumeId)))?.status;
}

async function ask(scene: Scene, given: Partial<NewAttachment> & { volumeId: string }) {
  const rest = { instanceId: null, connector, mode: null, completeAtOnce: false };
  return await createAttachment(scene, max, { ...rest, ...given });
}

function exportOf(row: AttachmentRow): string {
  return must(row.exportName, 'an export');
}

test('a connector brings an export, completion makes the volume in-use', async (t) => {
  const scene = await openScene(t);
  const { id: volumeId } = await makeVolume(scene);
  const row = await ask(scene, { volumeId });
  assert.deepEqual([row.status, await statusOf(scene, volumeId)], ['attaching', 'attaching']);
  const name = exportOf(row);
  assert.ok(name.length >= 43 && scene.registry.has(name));
  assert.deepEqual(connectionData(row, scene.nbd, null), {
    uri: `nbd://127.0.0.1:10809/${name}`,
    unix_uri: `nbd+unix:///${name}?socket=/run/firn/nbd.sock`,
    export: name,
    host: '127.0.0.1',
    port: 10809,
    volume_id: volumeId,
    attachment_id: row.id,
    access_mode: 'rw',
    encrypted: false,
    qos_specs: null,
    discard: true,
    cacheable: false,
  });
  await completeAttachment(scene, max, row.id);
  assert.equal(await statusOf(scene, volumeId), 'in-use');
  await assert.rejects(ask(scene, { volumeId }), { code: 'invalid_state' });
  assert.deepEqual(await deleteAttachment(scene, max, row.id), []);
  assert.equal(scene.registry.has(name), false);
  assert.equal(await statusOf(scene, volumeId), 'available');
});

test('without a connector a volume is only reserved, and gets its export later', async (t) => {
  const scene = await openScene(t);
  const { id: volumeId } = await makeVolume(scene);
  const row = await ask(scene, { volumeId, connector: null });
  assert.deepEqual(
    [row.status, row.exportName, await statusOf(scene, volumeId)],
    ['reserved', null, 'reserved'],
  );
  const options = { connector, completeAtOnce: true };
  const connected = await updateAttachment(scene, max, row.id, options);
  assert.deepEqual([connected.status, await statusOf(scene, volumeId)], ['attached', 'in-use']);
  const again = await updateAttachment(scene, max, row.id, options);
  assert.equal(exportOf(again), exportOf(connected));
  await assert.rejects(showAttachment(scene, bob, row.id), { code: 'not_found' });
});

test('a cut connection is closed before the detachment is answered', async (t) => {
  const scene = await openScene(t);
  const { id: volumeId } = await makeVolume(scene);
  const row = await ask(scene, { volumeId });
  let cut = false;
  const claim = scene.registry.claim(exportOf(row), async () => {
    cut = true;
  });
  const device = await must(claim, 'the export').entry.open();
  assert.equal(device.lengthBytes, 1024 ** 3);
  await device.close();
  await detachVolume(scene, max, volumeId, null);
  assert.equal(cut, true);
});

test('a start serves all exports again under their names', async (t) => {
  const scene = await openScene(t);
  const volumes = [await makeVolume(scene), await makeVolume(scene)];
  const rows = await Promise.all(volumes.map(({ id }) => ask(scene, { volumeId: id })));
  const registry = new ExportRegistry();
  const exports = new ServedExports(scene.engine, registry);
  await restoreExports({ ...scene, exports });
  await restoreExports({ ...scene, exports });
  assert.ok(rows.every((row) => registry.has(exportOf(row))));
});

test('a read-only volume is attached read-only', async (t) => {
  const scene = await openScene(t);
  const { id: volumeId } = await makeVolume(scene);
  await updateReadonlyFlag(scene, max, volumeId, true);
  const asked = { instanceId: null, mountpoint: '/dev/vdb', mode: 'rw' } as const;
  await assert.rejects(attachVolume(scene, max, volumeId, asked), {
    message: /Invalid attaching mode 'rw' for volume/,
  });
  const row = await ask(scene, { volumeId, mode: 'rw' });
  assert.equal(row.mode, 'ro');
  const claim = scene.registry.claim(exportOf(row), async () => undefined);
  assert.equal(claim?.entry.readOnly, true);
});

test('the older way: connect, attach, disconnect, detach', async (t) => {
  const scene = await openScene(t);
  const { id: volumeId } = await makeVolume(scene);
  const connected = await initializeConnection(scene, max, volumeId, connector);
  assert.equal(await statusOf(scene, volumeId), 'available');
  const gently = { cascade: false, force: false };
  await assert.rejects(deleteVolume(scene, max, volumeId, gently), { code: 'invalid_state' });
  const again = await initializeConnection(scene, max, volumeId, connector);
  assert.deepEqual([again.id, again.exportName], [connected.id, connected.exportName]);
  const instanceId = newId();
  const input = { instanceId, mountpoint: '/dev/vdb', mode: null };
  const attached = await attachVolume(scene, max, volumeId, input);
  assert.deepEqual(
    [attached.id, attached.status, attached.instanceId, await statusOf(scene, volumeId)],
    [connected.id, 'attached', instanceId, 'in-use'],
  );
  assert.deepEqual(await attachVolume(scene, max, volumeId, input), attached);
  const other = { ...input, instanceId: newId() };
  await assert.rejects(attachVolume(scene, max, volumeId, other), {
    message: /volume is already attached and multiple attachments are not enabled/,
  });
  await beginDetachingVolume(scene, max, volumeId);
  await rollDetachingVolume(scene, max, volumeId);
  assert.equal(await statusOf(scene, volumeId), 'in-use');
  await terminateConnection(scene, max, volumeId, connector);
  assert.equal(scene.registry.has(exportOf(connected)), false);
  await detachVolume(scene, max, volumeId, attached.id);
  assert.equal(await statusOf(scene, volumeId), 'available');
  assert.equal(await scene.catalog.count('attachments', { projectId: 'alpha' }), 0);
});

test('a connection that is not attached is gone when it is terminated', async (t) => {
  const scene = await openScene(t);
  const { id: volumeId } = await makeVolume(scene);
  const row = await initializeConnection(scene, max, volumeId, connector);
  await terminateConnection(scene, max, volumeId, { host: 'another' });
  assert.equal(scene.registry.has(exportOf(row)), true);
  await terminateConnection(scene, max, volumeId, {});
  assert.equal(scene.registry.has(exportOf(row)), false);
  assert.equal(await scene.catalog.count('attachments', { projectId: 'alpha' }), 0);
});

test('a reserved volume is taken once', async (t) => {
  const scene = await openScene(t);
  const { id } = await makeVolume(scene);
  await reserveVolume(scene, max, id);
  await assert.rejects(reserveVolume(scene, max, id), {
    message: /Volume status must be available to reserve, but the status is attaching\./,
  });
  await unreserveVolume(scene, max, id);
  assert.equal(await statusOf(scene, id), 'available');
  await assert.rejects(beginDetachingVolume(scene, max, id), { code: 'invalid_state' });
  await detachVolume(scene, max, id, newId());
  assert.equal(await statusOf(scene, id), 'available');
});

test('a forced deletion of a volume cuts its attachments', async (t) => {
  const scene = await openScene(t);
  const { id: volumeId } = await makeVolume(scene);
  const row = await ask(scene, { volumeId, completeAtOnce: true });
  await deleteVolume(scene, ann, volumeId, { cascade: false, force: true });
  assert.equal(scene.registry.has(exportOf(row)), false);
  await scene.work();
  assert.equal(await statusOf(scene, volumeId), undefined);
});
