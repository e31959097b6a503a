import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  alpha,
  beta,
  listIn,
  objectIn,
  openStorage,
  textIn,
  type Storage,
} from './storage-fixture.ts';

async function makeVolume(storage: Storage): Promise<string> {
  const body = { volume: { size: 1, name: 'disk' } };
  const made = await storage.ask({ method: 'POST', path: '/volumes', body });
  await storage.scene.work();
  return textIn(objectIn(made.body, 'volume'), 'id');
}

async function takeSnapshot(storage: Storage, volumeId: string): Promise<string> {
  const body = { snapshot: { volume_id: volumeId } };
  const made = await storage.ask({ method: 'POST', path: '/snapshots', body });
  await storage.scene.work();
  return textIn(objectIn(made.body, 'snapshot'), 'id');
}

interface Offer {
  readonly id: string;
  readonly key: string;
}

async function offer(storage: Storage, fields: object, api = 'volume-transfers'): Promise<Offer> {
  const body = { transfer: fields };
  const path = `/${api}`;
  const made = await storage.ask({ method: 'POST', path, body, microversion: '3.57' });
  assert.equal(made.status, 202, JSON.stringify(made.body));
  const transfer = objectIn(made.body, 'transfer');
  return { id: textIn(transfer, 'id'), key: textIn(transfer, 'auth_key') };
}

const accept = (storage: Storage, { id, key }: Offer, api = 'volume-transfers') =>
  storage.ask({
    who: 'bob',
    method: 'POST',
    path: `/${api}/${id}/accept`,
    body: { accept: { auth_key: key } },
    microversion: '3.57',
  });

const statusOf = async (storage: Storage, who: string, id: string): Promise<unknown> => {
  const { status, body } = await storage.ask({ who, path: `/volumes/${id}` });
  return status === 200 ? objectIn(body, 'volume')['status'] : status;
};

test('a volume goes to whoever knows the key, with its snapshots', async (t) => {
  const storage = await openStorage(t);
  const volumeId = await makeVolume(storage);
  const snapshotId = await takeSnapshot(storage, volumeId);
  const offered = await offer(storage, { volume_id: volumeId, name: 'gift' });
  assert.equal(await statusOf(storage, 'max', volumeId), 'awaiting-transfer');
  const shown = await storage.ask({
    path: `/volume-transfers/${offered.id}`,
    microversion: '3.57',
  });
  const transfer = objectIn(shown.body, 'transfer');
  assert.equal(transfer['auth_key'], undefined);
  assert.deepEqual(
    [transfer['source_project_id'], transfer['accepted'], transfer['no_snapshots']],
    [alpha, false, false],
  );
  const [row] = await storage.scene.catalog.list('transfers', {
    where: { projectId: alpha },
    limit: 1,
  });
  assert.ok(!JSON.stringify(row).includes(offered.key), 'the key is not stored');
  const elsewhere = await storage.ask({ who: 'bob', path: `/os-volume-transfer/${offered.id}` });
  assert.equal(elsewhere.status, 404);

  const wrong = await accept(storage, { ...offered, key: 'wrong' });
  assert.equal(wrong.status, 400);
  assert.match(JSON.stringify(wrong.body), /invalid auth key/);
  const accepted = await accept(storage, offered);
  assert.equal(accepted.status, 202, JSON.stringify(accepted.body));
  const after = objectIn(accepted.body, 'transfer');
  assert.deepEqual([after['accepted'], after['destination_project_id']], [true, beta]);
  assert.equal(await statusOf(storage, 'bob', volumeId), 'available');
  assert.equal(await statusOf(storage, 'max', volumeId), 404);
  const snapshot = await storage.ask({ who: 'bob', path: `/snapshots/${snapshotId}` });
  assert.equal(snapshot.status, 200);
  assert.equal((await accept(storage, offered)).status, 404);
});

test('an offer is taken back, or is without the snapshots', async (t) => {
  const storage = await openStorage(t);
  const volumeId = await makeVolume(storage);
  const first = await offer(storage, { volume_id: volumeId }, 'os-volume-transfer');
  const again = await storage.ask({
    method: 'POST',
    path: '/os-volume-transfer',
    body: { transfer: { volume_id: volumeId } },
  });
  assert.match(JSON.stringify(again.body), /status must be available/);
  const path = `/os-volume-transfer/${first.id}`;
  assert.equal((await storage.ask({ method: 'DELETE', path })).status, 202);
  assert.equal(await statusOf(storage, 'max', volumeId), 'available');
  assert.equal((await accept(storage, first, 'os-volume-transfer')).status, 404);

  await takeSnapshot(storage, volumeId);
  const alone = await offer(storage, { volume_id: volumeId, no_snapshots: true });
  const listed = await storage.ask({ path: '/volume-transfers/detail', microversion: '3.55' });
  const [transfer] = listIn(listed.body, 'transfers');
  assert.deepEqual(
    [transfer?.['id'], transfer?.['no_snapshots'], transfer?.['accepted']],
    [alone.id, true, undefined],
  );
  assert.equal((await accept(storage, alone)).status, 202);
  assert.equal(await storage.scene.catalog.count('snapshots', { projectId: alpha }), 1);
  const old = await storage.ask({ path: '/volume-transfers', microversion: '3.54' });
  assert.equal(old.status, 404);
});

test('a transfer takes from the quota of who accepts it', async (t) => {
  const storage = await openStorage(t);
  const offered = await offer(storage, { volume_id: await makeVolume(storage) });
  const path = `/os-quota-sets/${beta}`;
  const limit = (volumes: number) =>
    storage.ask({ who: 'ann', method: 'PUT', path, body: { quota_set: { volumes } } });
  await limit(0);
  assert.equal((await accept(storage, offered)).status, 413);
  await limit(1);
  assert.equal((await accept(storage, offered)).status, 202);
  const used = await storage.ask({ who: 'bob', path: `${path}?usage=true` });
  assert.deepEqual(objectIn(objectIn(used.body, 'quota_set'), 'volumes')['in_use'], 1);
});
