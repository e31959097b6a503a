/** Every bad input gets an answer that a client can show to a person, and changes nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../base/json.ts';
import { newId } from '../../base/ids.ts';
import { alpha, objectIn, openStorage, textIn, type Storage } from './storage-fixture.ts';

const unknown = newId();

async function makeVolume(storage: Storage): Promise<string> {
  const body = { volume: { size: 1 } };
  const made = await storage.ask({ method: 'POST', path: '/volumes', body });
  await storage.scene.work();
  return textIn(objectIn(made.body, 'volume'), 'id');
}

function messageOf(body: JsonObject): string {
  const [fault] = Object.keys(body);
  return textIn(objectIn(body, fault ?? ''), 'message');
}

test('ids that are unknown or malformed are not found', async (t) => {
  const storage = await openStorage(t);
  const bad = [unknown, 'no-such-name', '%00', '..%2f..', "'; drop table volumes", 'x'.repeat(300)];
  for (const id of bad.map((text) => (text.startsWith('%') ? text : encodeURIComponent(text)))) {
    for (const kind of ['volumes', 'snapshots', 'backups', 'attachments', 'messages', 'types']) {
      for (const method of ['GET', 'DELETE'] as const) {
        const who = 'ann';
        const path = `/${kind}/${id}`;
        const answer = await storage.ask({ who, method, path, microversion: '3.71' });
        assert.equal(answer.status, 404, `${method} ${path}: ${JSON.stringify(answer.body)}`);
      }
    }
  }
});

test('sizes that can be none are refused', async (t) => {
  const storage = await openStorage(t);
  const cases: [unknown, string][] = [
    [0, 'Invalid input for field/attribute size. Value: 0. 0 is less than the minimum of 1'],
    [-1, 'Invalid input for field/attribute size. Value: -1. -1 is less than the minimum of 1'],
    ['ten', "Invalid input for field/attribute size. Value: ten. 'ten' does not match"],
    [1.5, 'Invalid input for field/attribute size. Value: 1.5.'],
    [[], 'Invalid input for field/attribute size. Value: [].'],
    [16_385, "Invalid input received: Volume size '16385' is larger than the limit of 16384 GB."],
    [null, "Invalid input received: Volume size 'None' must be an integer and greater than 0"],
  ];
  for (const [size, message] of cases) {
    const body = { volume: { size } };
    const answer = await storage.ask({ method: 'POST', path: '/volumes', body });
    assert.equal(answer.status, 400);
    assert.ok(messageOf(answer.body).startsWith(message), messageOf(answer.body));
  }
  assert.equal(await storage.scene.catalog.count('volumes', { projectId: alpha }), 0);
});

test('bodies that are not what the request is about are refused', async (t) => {
  const storage = await openStorage(t);
  const id = await makeVolume(storage);
  const cases: [string, unknown][] = [
    ['/volumes', {}],
    ['/volumes', []],
    ['/volumes', { volume: [] }],
    ['/volumes', { volume: { size: 1, name: 'x'.repeat(256) } }],
    ['/volumes', { volume: { size: 1, metadata: { key: 'x'.repeat(256) } } }],
    ['/volumes', { volume: { size: 1, metadata: { key: 1 } } }],
    ['/volumes', { volume: { size: 1, snapshot_id: 'no uuid' } }],
    ['/snapshots', { snapshot: {} }],
    ['/snapshots', { snapshot: { volume_id: id, surprise: true } }],
    ['/snapshots', { snapshot: { volume_id: 'no uuid' } }],
    ['/backups', { backup: { volume_id: id, metadata: {} } }],
    ['/backups', { backup: { volume_id: id, container: 'a/b' } }],
    ['/backups', { backup: { volume_id: id, container: 'x'.repeat(300) } }],
    [`/backups/${unknown}/restore`, { restore: { volume_id: 7 } }],
    [`/volumes/${id}/action`, {}],
    [`/volumes/${id}/action`, { 'os-extend': { new_size: 2 }, 'os-reserve': null }],
    [`/volumes/${id}/action`, { 'os-dance': null }],
    [`/volumes/${id}/action`, { 'os-extend': { new_size: 0 } }],
    [`/volumes/${id}/action`, { 'os-extend': { new_size: 1 } }],
    [`/volumes/${id}/action`, { constructor: null }],
  ];
  for (const [path, body] of cases) {
    const answer = await storage.ask({ method: 'POST', path, body });
    assert.equal(answer.status, 400, `${path} ${JSON.stringify(body)}`);
    assert.ok(messageOf(answer.body).length > 10);
  }
  const payload = '{"volume": {"size": 1';
  const headers = { 'content-type': 'application/json', 'x-auth-token': 'x' };
  const url = '/volume/v3/volumes';
  const anonymous = await storage.app.inject({ method: 'POST', url, headers, payload });
  assert.equal(anonymous.statusCode, 401);
  assert.equal(await storage.scene.catalog.count('volumes', { projectId: alpha }), 1);
  assert.equal(await storage.scene.jobs.next(), undefined);
});

test('states that forbid a verb are told in words that clients know', async (t) => {
  const storage = await openStorage(t);
  const id = await makeVolume(storage);
  const snapshot = { volume_id: id };
  await storage.ask({ method: 'POST', path: '/snapshots', body: { snapshot } });
  await storage.scene.work();
  const refused = await storage.ask({ method: 'DELETE', path: `/volumes/${id}` });
  assert.equal(refused.status, 400);
  assert.match(messageOf(refused.body), /^Invalid volume: Volume status must be available or/);
  const body = { backup: { volume_id: id, incremental: true } };
  const first = await storage.ask({ method: 'POST', path: '/backups', body });
  assert.deepEqual(
    [first.status, messageOf(first.body)],
    [400, 'Invalid backup: No backups available to do an incremental backup.'],
  );
  const forced = { snapshot: { volume_id: id, force: false } };
  const path = '/snapshots';
  const denied = await storage.ask({ method: 'POST', path, body: forced, microversion: '3.66' });
  assert.equal(denied.status, 400);
});

test('an exceeded quota is 413 in the shape that clients know', async (t) => {
  const storage = await openStorage(t);
  const set = { quota_set: { gigabytes: 5 } };
  const quota = `/os-quota-sets/${alpha}`;
  assert.equal((await storage.ask({ method: 'PUT', path: quota, body: set })).status, 403);
  await storage.ask({ who: 'ann', method: 'PUT', path: quota, body: set });
  const body = { volume: { size: 10 } };
  const answer = await storage.ask({ method: 'POST', path: '/volumes', body });
  assert.deepEqual(
    [answer.status, answer.body],
    [
      413,
      {
        overLimit: {
          code: 413,
          message:
            'VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed ' +
            'gigabytes quota. Requested 10G, quota is 5G and 0G has been consumed.',
        },
      },
    ],
  );
});

test("another project's objects are not there", async (t) => {
  const storage = await openStorage(t);
  const id = await makeVolume(storage);
  const who = 'bob';
  assert.equal((await storage.ask({ who, path: `/volumes/${id}` })).status, 404);
  const backup = { backup: { volume_id: id } };
  const post = { who, method: 'POST' } as const;
  assert.equal((await storage.ask({ ...post, path: '/backups', body: backup })).status, 404);
  const clone = { volume: { size: 1, source_volid: id } };
  assert.equal((await storage.ask({ ...post, path: '/volumes', body: clone })).status, 404);
  const grow = { 'os-extend': { new_size: 2 } };
  const path = `/volumes/${id}/action`;
  assert.equal((await storage.ask({ ...post, path, body: grow })).status, 404);
});

test('a microversion that is not served is refused', async (t) => {
  const storage = await openStorage(t);
  assert.equal((await storage.ask({ path: '/volumes', microversion: '3.72' })).status, 406);
  assert.equal((await storage.ask({ path: '/volumes', microversion: 'x' })).status, 400);
  assert.equal((await storage.ask({ path: '/messages' })).status, 404);
  assert.equal((await storage.ask({ path: '/messages', microversion: '3.3' })).status, 200);
});
