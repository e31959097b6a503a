/** Attaching, detaching, growing and reverting, as requests. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId } from '../../base/ids.ts';
import type { JsonObject, JsonValue } from '../../base/json.ts';
import { listIn, objectIn, openStorage, textIn, type Storage } from './storage-fixture.ts';

const latest = '3.71';

async function makeVolume({ ask, scene }: Storage, fields: JsonObject = {}): Promise<string> {
  const body = { volume: { size: 1, ...fields } };
  const made = await ask({ method: 'POST', path: '/volumes', body });
  assert.equal(made.status, 202, JSON.stringify(made.body));
  await scene.work();
  return textIn(objectIn(made.body, 'volume'), 'id');
}

async function show({ ask }: Storage, id: string): Promise<JsonObject> {
  return objectIn((await ask({ path: `/volumes/${id}`, microversion: latest })).body, 'volume');
}

async function act(
  { ask }: Storage,
  id: string,
  action: JsonObject,
  options: { who?: string; microversion?: string } = {},
): Promise<{ status: number; message: unknown }> {
  const answer = await ask({
    method: 'POST',
    path: `/volumes/${id}/action`,
    body: action,
    microversion: latest,
    ...options,
  });
  const [fault] = Object.values(answer.body);
  const message = typeof fault === 'object' && fault !== null && 'message' in fault;
  return { status: answer.status, message: message ? fault['message'] : undefined };
}

async function attach(storage: Storage, volumeId: string, host: string): Promise<JsonObject> {
  const body = { attachment: { volume_uuid: volumeId, connector: { host } } };
  const made = await storage.ask({
    method: 'POST',
    path: '/attachments',
    body,
    microversion: latest,
  });
  assert.equal(made.status, 200, JSON.stringify(made.body));
  const attachment = objectIn(made.body, 'attachment');
  const path = `/attachments/${textIn(attachment, 'id')}/action`;
  const complete = { method: 'POST', path, body: { 'os-complete': null } } as const;
  assert.equal((await storage.ask({ ...complete, microversion: '3.43' })).status, 404);
  assert.equal((await storage.ask({ ...complete, microversion: '3.44' })).status, 204);
  return attachment;
}

test('a volume is reverted since 3.40, to its newest snapshot alone', async (t) => {
  const storage = await openStorage(t);
  const id = await makeVolume(storage);
  const none = newId();
  const revert = (snapshotId: JsonValue) => ({ revert: { snapshot_id: snapshotId } });
  assert.deepEqual(await act(storage, id, revert(none)), {
    status: 400,
    message: `Volume ${id} doesn't have any snapshots.`,
  });
  const body = { snapshot: { volume_id: id } };
  const taken = await storage.ask({ method: 'POST', path: '/snapshots', body });
  const snapshotId = textIn(objectIn(taken.body, 'snapshot'), 'id');
  await storage.scene.work();
  for (const bad of [revert(7), { revert: {} }, { revert: null }, revert('x')]) {
    assert.equal((await act(storage, id, bad)).status, 400, JSON.stringify(bad));
  }
  assert.equal((await act(storage, id, revert(none))).status, 400);
  const older = await act(storage, id, revert(snapshotId), { microversion: '3.39' });
  assert.equal(older.status, 404);
  assert.equal((await act(storage, id, revert(snapshotId), { who: 'rea' })).status, 403);
  assert.equal((await act(storage, id, revert(snapshotId), { who: 'bob' })).status, 404);
  const done = await act(storage, id, revert(snapshotId), { microversion: '3.40' });
  assert.equal(done.status, 202);
  assert.equal((await show(storage, id))['status'], 'reverting');
  assert.equal((await act(storage, id, revert(snapshotId))).status, 409);
  const snapshot = await storage.ask({ path: `/snapshots/${snapshotId}` });
  assert.equal(objectIn(snapshot.body, 'snapshot')['status'], 'restoring');
  await storage.scene.work();
  assert.equal((await show(storage, id))['status'], 'available');
});

test('a volume in use grows since 3.42', async (t) => {
  const storage = await openStorage(t);
  const id = await makeVolume(storage);
  await attach(storage, id, 'one');
  const grow = (size: JsonValue) => ({ 'os-extend': { new_size: size } });
  assert.deepEqual(await act(storage, id, grow(2), { microversion: '3.41' }), {
    status: 400,
    message: `Invalid volume: Volume ${id} status must be 'available' to extend, currently in-use.`,
  });
  for (const bad of [0, -1, 1, 1.5, 'two', null, 16_385, '99999999999']) {
    assert.equal((await act(storage, id, grow(bad))).status, 400, String(bad));
  }
  const quota = { method: 'PUT', path: '/os-quota-sets/' } as const;
  const path = `${quota.path}${'a'.repeat(32)}`;
  await storage.ask({ ...quota, path, who: 'ann', body: { quota_set: { gigabytes: 3 } } });
  assert.equal((await act(storage, id, grow(4))).status, 413);
  assert.equal((await act(storage, id, grow(3), { microversion: '3.42' })).status, 202);
  assert.deepEqual(
    [(await show(storage, id))['status'], (await show(storage, id))['size']],
    ['extending', 3],
  );
  await storage.scene.work();
  assert.equal((await show(storage, id))['status'], 'in-use');
});

test('a type makes its volumes multi-attach, and nothing else does', async (t) => {
  const storage = await openStorage(t);
  const { ask } = storage;
  const type = { name: 'shared', extra_specs: { multiattach: '<is> True' } };
  await ask({ who: 'ann', method: 'POST', path: '/types', body: { volume_type: type } });
  const id = await makeVolume(storage, { volume_type: 'shared', multiattach: false });
  assert.equal((await show(storage, id))['multiattach'], true);
  const refused = { volume: { size: 1, multiattach: true } };
  assert.equal((await ask({ method: 'POST', path: '/volumes', body: refused })).status, 400);
  const one = await attach(storage, id, 'one');
  const two = await attach(storage, id, 'two');
  const volume = await show(storage, id);
  assert.deepEqual(
    new Set(listIn(volume, 'attachments').map((each) => each['host_name'])),
    new Set(['one', 'two']),
  );
  const unclear = await act(storage, id, { 'os-detach': {} });
  assert.match(String(unclear.message), /More than one attachment, but no attachment_id/);
  const detach = { 'os-detach': { attachment_id: textIn(one, 'id') } };
  assert.equal((await act(storage, id, detach)).status, 202);
  assert.equal((await show(storage, id))['status'], 'in-use');
  const path = `/attachments/${textIn(two, 'id')}`;
  const left = await ask({ method: 'DELETE', path, microversion: latest });
  assert.deepEqual([left.status, left.body], [200, { attachments: [] }]);
  assert.equal((await show(storage, id))['status'], 'available');
});

test('what a read-only volume is attached as', async (t) => {
  const storage = await openStorage(t);
  const id = await makeVolume(storage);
  const flag = { 'os-update_readonly_flag': { readonly: true } };
  assert.equal((await act(storage, id, flag)).status, 202);
  const body = { attachment: { volume_uuid: id, connector: { host: 'one' }, mode: 'rw' } };
  const post = { method: 'POST', path: '/attachments', body } as const;
  assert.equal((await storage.ask({ ...post, microversion: '3.53' })).status, 400);
  const made = objectIn((await storage.ask({ ...post, microversion: '3.54' })).body, 'attachment');
  assert.equal(made['attach_mode'], 'ro');
  assert.equal(objectIn(made, 'connection_info')['access_mode'], 'ro');
  assert.match(
    String((await act(storage, id, flag)).message),
    /must be available to update readonly/,
  );
});

test('an administrator detaches by force', async (t) => {
  const storage = await openStorage(t);
  const id = await makeVolume(storage);
  const secret = textIn(objectIn(await attach(storage, id, 'one'), 'connection_info'), 'export');
  const force = { 'os-force_detach': { attachment_id: null, connector: null } };
  assert.equal((await act(storage, id, force)).status, 403);
  for (const bad of [null, { attachment_id: 'x' }, { surprise: 1 }]) {
    const answer = await act(storage, id, { 'os-force_detach': bad }, { who: 'ann' });
    assert.equal(answer.status, 400, JSON.stringify(bad));
  }
  assert.equal(storage.scene.registry.has(secret), true);
  assert.equal((await act(storage, id, force, { who: 'ann' })).status, 202);
  assert.equal(storage.scene.registry.has(secret), false);
  assert.equal((await show(storage, id))['status'], 'available');
});

test('an attachment is for an instance or a host', async (t) => {
  const storage = await openStorage(t);
  const id = await makeVolume(storage);
  for (const bad of [{}, { mountpoint: '/dev/vdb' }, { host_name: 'h', mode: 'wo' }]) {
    assert.equal((await act(storage, id, { 'os-attach': bad })).status, 400, JSON.stringify(bad));
  }
  const good = { 'os-attach': { host_name: 'h', mountpoint: '/dev/vdb', mode: 'ro' } };
  assert.equal((await act(storage, id, good)).status, 202);
  const [attached] = listIn(await show(storage, id), 'attachments');
  assert.deepEqual([attached?.['device'], attached?.['server_id']], ['/dev/vdb', 'h']);
  assert.equal((await act(storage, id, { 'os-detach': null })).status, 202);
  assert.equal((await show(storage, id))['status'], 'available');
});

test('an administrator sets right what is out of step', async (t) => {
  const storage = await openStorage(t);
  const id = await makeVolume(storage);
  await attach(storage, id, 'one');
  const reset = (fields: JsonObject, who = 'ann') =>
    act(storage, id, { 'os-reset_status': fields }, { who });
  assert.equal((await reset({ status: 'error', attach_status: 'attached' })).status, 202);
  assert.equal((await show(storage, id))['status'], 'error');
  assert.equal((await reset({ status: 'in-use' })).status, 202);
  assert.equal((await reset({ attach_status: 'detached' }, 'max')).status, 403);
  assert.equal((await reset({ migration_status: 'none' })).status, 202);
  assert.equal(listIn(await show(storage, id), 'attachments').length, 1);
  assert.equal((await reset({ attach_status: 'detached' })).status, 202);
  const after = await show(storage, id);
  assert.deepEqual([after['status'], after['attachments']], ['available', []]);
  const nothing = await reset({});
  assert.equal(nothing.status, 400);
  assert.match(String(nothing.message), /'status', 'attach_status' or 'migration_status'/);
  const odd = await reset({ attach_status: 'odd' });
  assert.match(String(odd.message), /attribute attach_status. Value: odd/);
  assert.equal(odd.status, 400);
});

test('an attachment is for a machine with an id, and is told something of its host', async (t) => {
  const storage = await openStorage(t);
  const volume_uuid = await makeVolume(storage);
  const ask = async (method: 'POST' | 'PUT', path: string, attachment: JsonObject) =>
    await storage.ask({ method, path, body: { attachment }, microversion: '3.27' });
  const unnamed = await ask('POST', '/attachments', { volume_uuid, instance_uuid: 'mine' });
  assert.equal(unnamed.status, 400);
  assert.match(JSON.stringify(unnamed.body), /instance_uuid/);
  const made = await ask('POST', '/attachments', { volume_uuid, instance_uuid: newId() });
  const one = `/attachments/${textIn(objectIn(made.body, 'attachment'), 'id')}`;
  assert.equal((await ask('PUT', one, { connector: {} })).status, 400);
  assert.equal((await ask('PUT', one, { connector: { host: 'h' } })).status, 200);
});
