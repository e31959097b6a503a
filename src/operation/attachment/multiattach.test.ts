import assert from 'node:assert/strict';
import { test } from 'node:test';
import { must } from '../../base/assert.ts';
import { newId } from '../../base/ids.ts';
import { everyProject } from '../../catalog/catalog.ts';
import type { AttachmentRow, VolumeRow } from '../../catalog/tables.ts';
import { ann, callerIn, max, openScene, type Scene } from '../operation-fixture.ts';
import { askVolume, makeVolume } from '../requests-fixture.ts';
import { byId, ofVolume } from '../scope.ts';
import { createVolumeType } from '../type/change-volume-types.ts';
import { deleteVolume } from '../volume/delete-volume.ts';
import { extendVolume } from '../volume/extend-volume.ts';
import { resetVolumeStatus } from '../volume/reset-volume-status.ts';
import { setBootable } from '../volume/update-volume.ts';
import { attachVolume } from './attach-volume.ts';
import { listConnections } from './connections.ts';
import { createAttachment } from './create-attachment.ts';
import { deleteAttachment } from './delete-attachment.ts';
import { detachVolume, forceDetachVolume } from './detach-volume.ts';
import { initializeConnection } from './initialize-connection.ts';
import { attachmentsOf } from './list-attachments.ts';
import { newAttachment } from './new-attachment.ts';
import { reserveVolume, unreserveVolume } from './reserve-volume.ts';
import { restoreExports } from './restore-exports.ts';
import { completeAttachment, updateAttachment } from './update-attachment.ts';

async function makeShared(scene: Scene): Promise<VolumeRow> {
  await createVolumeType(scene, ann, {
    name: 'shared',
    description: null,
    isPublic: true,
    extraSpecs: { multiattach: '<is> True' },
  });
  return await makeVolume(scene, { volumeType: 'shared' });
}

async function statusOf(scene: Scene, volumeId: string): Promise<string | undefined> {
  return (await scene.catalog.find('volumes', byId(volumeId)))?.status;
}

async function attachTo(scene: Scene, volumeId: string, host: string): Promise<AttachmentRow> {
  return await createAttachment(scene, max, {
    volumeId,
    instanceId: host,
    connector: { host },
    mode: null,
    completeAtOnce: true,
  });
}

async function reserveFor(scene: Scene, volumeId: string, instanceId: string | null) {
  const rest = { connector: null, mode: null, completeAtOnce: false };
  return await createAttachment(scene, max, { volumeId, instanceId, ...rest });
}

test('a volume whose type says so is attached by several, until the last is gone', async (t) => {
  const scene = await openScene(t);
  const volume = await makeShared(scene);
  assert.equal(volume.multiattach, true);
  assert.equal((await askVolume(scene)).multiattach, false);
  const one = await attachTo(scene, volume.id, 'one');
  const reserved = await reserveFor(scene, volume.id, 'two');
  assert.equal(await statusOf(scene, volume.id), 'in-use');
  const connector = { host: 'two', mode: 'ro', mountpoint: '/dev/vdc' };
  const two = await updateAttachment(scene, max, reserved.id, { connector, completeAtOnce: false });
  assert.deepEqual([two.status, two.mode, two.mountpoint], ['attaching', 'ro', '/dev/vdc']);
  await completeAttachment(scene, max, two.id);
  assert.notEqual(one.exportName, two.exportName);
  assert.deepEqual(
    (await deleteAttachment(scene, max, one.id)).map(({ id }) => id),
    [two.id],
  );
  assert.equal(await statusOf(scene, volume.id), 'in-use');
  await deleteAttachment(scene, max, two.id);
  assert.equal(await statusOf(scene, volume.id), 'available');
});

test('what is left decides the status: attached before attaching before reserved', async (t) => {
  const scene = await openScene(t);
  const { id } = await makeShared(scene);
  const reserved = await reserveFor(scene, id, 'one');
  assert.equal(await statusOf(scene, id), 'reserved');
  const connector = { host: 'two' };
  const given = { volumeId: id, instanceId: 'two', connector, mode: null, completeAtOnce: false };
  const attaching = await createAttachment(scene, max, given);
  assert.equal(await statusOf(scene, id), 'attaching');
  const attached = await attachTo(scene, id, 'three');
  assert.equal(await statusOf(scene, id), 'in-use');
  await deleteAttachment(scene, max, attached.id);
  assert.equal(await statusOf(scene, id), 'attaching');
  await deleteAttachment(scene, max, attaching.id);
  assert.equal(await statusOf(scene, id), 'reserved');
  await deleteAttachment(scene, max, reserved.id);
  assert.equal(await statusOf(scene, id), 'available');
});

test('any other volume has one attachment, or several of one instance that moves', async (t) => {
  const scene = await openScene(t);
  const { id } = await makeVolume(scene);
  const instance = newId();
  const reserved = await reserveFor(scene, id, instance);
  await assert.rejects(reserveFor(scene, id, newId()), {
    code: 'invalid_state',
    message:
      `Invalid volume: Volume ${id} status must be available or downloading to reserve, but the ` +
      'current status is reserved.',
  });
  const from = { connector: { host: 'from' }, completeAtOnce: true };
  await updateAttachment(scene, max, reserved.id, from);
  const moved = await reserveFor(scene, id, instance);
  await assert.rejects(updateAttachment(scene, max, moved.id, from), {
    message: `Invalid volume: duplicate connectors detected on volume ${id}`,
  });
  const onto = { connector: { host: 'onto' }, completeAtOnce: true };
  await updateAttachment(scene, max, moved.id, onto);
  await deleteAttachment(scene, max, reserved.id);
  assert.equal(await statusOf(scene, id), 'in-use');
});

test('the older way for several: each host its own attachment', async (t) => {
  const scene = await openScene(t);
  const { id } = await makeShared(scene);
  const hosts = ['one', 'two'];
  for (const host of hosts) {
    await reserveVolume(scene, max, id);
    assert.equal(await statusOf(scene, id), 'attaching');
    const input = { instanceId: host, mountpoint: '/dev/vdb', mode: null };
    await attachVolume(scene, max, id, input);
  }
  const rows = [];
  for (const host of hosts) rows.push(await initializeConnection(scene, max, id, { host }));
  assert.deepEqual(
    rows.map(({ instanceId, status }) => [instanceId, status]),
    [
      ['one', 'attached'],
      ['two', 'attached'],
    ],
  );
  await reserveVolume(scene, max, id);
  await unreserveVolume(scene, max, id);
  assert.equal(await statusOf(scene, id), 'in-use');
  await assert.rejects(detachVolume(scene, max, id, null), {
    message:
      'Invalid volume: Detach volume failed: More than one attachment, but no attachment_id ' +
      'provided.',
  });
  await detachVolume(scene, max, id, must(rows[0], 'a row').id);
  await detachVolume(scene, max, id, null);
  assert.equal(await statusOf(scene, id), 'available');
});

test('a volume in error is not attached, a bootable one by whom the policy lets', async (t) => {
  const scene = await openScene(t);
  const { id } = await makeShared(scene);
  await setBootable(scene, max, id, true);
  const row = await attachTo(scene, id, 'one');
  await reserveFor(scene, id, 'two');
  const reader = callerIn('alpha', ['reader']);
  const rest = { connector: null, mode: null, completeAtOnce: false };
  const input = { volumeId: id, instanceId: 'three', ...rest };
  await assert.rejects(createAttachment(scene, reader, input), { code: 'forbidden' });
  await resetVolumeStatus(scene, ann, id, { status: 'error' });
  await assert.rejects(attachTo(scene, id, 'four'), {
    message: /^Invalid volume: Volume attachments can not be created if .* error state/,
  });
  const connector = { host: 'one' };
  await assert.rejects(updateAttachment(scene, max, row.id, { connector, completeAtOnce: true }), {
    message: /^Invalid volume: Volume attachments can not be updated if .* error state/,
  });
});

test('while a volume grows its attachments come and go, and the job gives that back', async (t) => {
  const scene = await openScene(t);
  const { id } = await makeShared(scene);
  const one = await attachTo(scene, id, 'one');
  await extendVolume(scene, max, id, { newSize: 2, online: true });
  await deleteAttachment(scene, max, one.id);
  assert.equal(await statusOf(scene, id), 'extending');
  await scene.work();
  assert.equal(await statusOf(scene, id), 'available');
});

test('an administrator cuts a client that does not let go', async (t) => {
  const scene = await openScene(t);
  const { id } = await makeVolume(scene);
  const row = await attachTo(scene, id, 'one');
  const connected = await initializeConnection(scene, max, id, { host: 'other' });
  const cuts: string[] = [];
  for (const { exportName } of [row, connected]) {
    const name = must(exportName, 'an export');
    scene.registry.claim(name, async () => void cuts.push(name));
  }
  const shown = await listConnections(scene, max, id);
  assert.deepEqual(
    new Set(shown.map(({ row, clients }) => `${row.status} ${clients.count}`)),
    new Set(['attached 1', 'detached 1']),
  );
  await assert.rejects(forceDetachVolume(scene, max, id, null), { code: 'forbidden' });
  await forceDetachVolume(scene, ann, id, null);
  assert.deepEqual(new Set(cuts), new Set([row.exportName, connected.exportName]));
  assert.deepEqual(await listConnections(scene, max, id), []);
  assert.equal(await statusOf(scene, id), 'available');
});

test('more attachments than a page are all found, served and dropped', async (t) => {
  const scene = await openScene(t);
  const { catalog, registry } = scene;
  const volume = await makeShared(scene);
  const names = Array.from({ length: 1203 }, (_, index) => `secret-${index}`.padEnd(32, 'x'));
  await catalog.transact(async (transaction) => {
    for (const exportName of names) {
      const given = {
        instanceId: exportName,
        mode: 'rw',
        status: 'attached',
        createdAt: 1,
      } as const;
      await transaction.insert('attachments', newAttachment(volume, { ...given, exportName }));
    }
  });
  await restoreExports(scene);
  assert.ok(names.every((name) => registry.has(name)));
  assert.equal((await listConnections(scene, max, volume.id)).length, names.length);
  assert.equal((await attachmentsOf(scene, [volume.id])).get(volume.id)?.length, names.length);
  const where = { ...ofVolume(volume.id), instanceId: must(names[1100], 'a name') };
  const late = must(await catalog.find('attachments', where), 'an attachment');
  await detachVolume(scene, max, volume.id, late.id);
  assert.equal(registry.has(must(late.exportName, 'its export')), false);
  await deleteVolume(scene, ann, volume.id, { cascade: false, force: true });
  assert.ok(names.every((name) => !registry.has(name)));
  assert.equal(await catalog.count('attachments', { projectId: everyProject }), 0);
});

test('an attachment that ends while its export is being made serves nothing', async (t) => {
  const scene = await openScene(t);
  const { id } = await makeVolume(scene);
  const { exports } = scene;
  let name = '';
  const late = {
    ...scene,
    exports: {
      add: async (...given: Parameters<typeof exports.add>) => {
        name = given[0];
        await forceDetachVolume(scene, ann, id, null);
        await exports.add(...given);
      },
      remove: exports.remove.bind(exports),
      limit: exports.limit.bind(exports),
      clients: exports.clients.bind(exports),
    },
  };
  await assert.rejects(attachTo(late, id, 'one'), { code: 'conflict' });
  assert.deepEqual([name.length, scene.registry.has(name)], [43, false]);
});
