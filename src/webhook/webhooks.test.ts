import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Catalog } from '../catalog/catalog.ts';
import { sampleBackup } from '../catalog/sample-rows.ts';
import { openSqliteCatalog } from '../catalog/sqlite.ts';
import { callerIn } from '../operation/operation-fixture.ts';
import { Deliverer } from './deliverer.ts';
import { type ConfiguredWebhook, withOutbox } from './outbox.ts';
import { isNearby, post, type Posting } from './post.ts';
import { createWebhook, deleteWebhook, updateWebhook } from './webhooks.ts';

const secret = `whsec_${Buffer.alloc(32, 5).toString('base64')}`;
const caller = callerIn('project');

interface Heard {
  readonly id: string;
  readonly type: string;
  readonly subject: string;
  readonly status: string;
}

/** A receiver that answers what the test says, and keeps what it heard with a good signature. */
async function receiver(t: TestContext, answer: (heard: Heard) => number | 'never') {
  const heard: Heard[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      const id = String(request.headers['webhook-id']);
      const signed = `${id}.${String(request.headers['webhook-timestamp'])}.${body}`;
      const mac = createHmac('sha256', Buffer.alloc(32, 5)).update(signed).digest('base64');
      assert.equal(request.headers['webhook-signature'], `v1,${mac}`);
      const { type, data } = JSON.parse(body);
      const one = { id, type, subject: data.id, status: data.status };
      const status = answer(one);
      if (status === 'never') return;
      heard.push(one);
      response.writeHead(status, { location: 'http://169.254.169.254/' }).end('x');
    });
  });
  // A busy machine may keep the sender from its connection for as long as it likes.
  server.keepAliveTimeout = 0;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { heard, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook` };
}

async function openScene(t: TestContext, configured: readonly ConfiguredWebhook[] = []) {
  const folder = await mkdtemp(join(tmpdir(), 'firn-webhook-'));
  let nowMs = Date.UTC(2026, 0, 1);
  const clock = { now: () => nowMs };
  const path = join(folder, 'catalog.sqlite');
  const opened: Catalog[] = [];
  const open = async (): Promise<Catalog> => {
    const catalog = await openSqliteCatalog({ path });
    opened.push(catalog);
    return withOutbox(catalog, { clock, configured });
  };
  t.after(async () => {
    for (const catalog of opened) await catalog.close();
    await rm(folder, { recursive: true });
  });
  const delivererOf = (catalog: Catalog, send?: (posting: Posting) => Promise<number>) =>
    new Deliverer({
      catalog,
      clock,
      scheduler: { after: () => ({ cancel: () => undefined }) },
      configured,
      allowPrivate: true,
      log: { warn: () => undefined, error: () => undefined },
      ...(send === undefined ? {} : { send }),
    });
  const pass = (ms: number): void => void (nowMs += ms);
  return { catalog: await open(), clock, delivererOf, pass };
}

async function rounds(deliverer: Deliverer, count: number, between: () => void): Promise<void> {
  for (let round = 0; round < count; round += 1) {
    await deliverer.round();
    await deliverer.idle();
    between();
  }
}

const change = (catalog: Catalog, id: string, changes: object) =>
  catalog.change('backups', { id, projectId: 'project' }, changes);

test('every change is told in order, signed, though the receiver fails and repeats', async (t) => {
  const { catalog, clock, delivererOf, pass } = await openScene(t);
  let asked = 0;
  const { heard, url } = await receiver(t, () => ((asked += 1) % 3 === 0 ? 200 : 503));
  const needs = { catalog, clock };
  const input = { url, secret, events: ['backup'], enabled: true };
  await createWebhook(needs, caller, input);
  for (const id of ['a', 'b']) {
    await catalog.insert('backups', sampleBackup({ id, status: 'creating' }));
    await change(catalog, id, { bytesDone: 5, bytesTotal: 10 });
    await change(catalog, id, { status: 'available' });
  }
  await catalog.remove('backups', { id: 'a', projectId: 'project' });
  await rounds(delivererOf(catalog), 40, () => pass(2 * 3_600_000));
  const arrived = [...new Map(heard.map((one) => [one.id, one])).values()];
  assert.ok(heard.length > arrived.length, 'some were repeated, under their own id');
  for (const [id, types] of [
    ['a', ['backup.created creating', 'backup.changed available', 'backup.deleted available']],
    ['b', ['backup.created creating', 'backup.changed available']],
  ] as const) {
    const own = arrived.filter(({ subject }) => subject === id);
    assert.deepEqual(
      own.map(({ type, status }) => `${type} ${status}`),
      types,
    );
  }
  assert.equal(await catalog.count('deliveries', { projectId: 'project', state: 'pending' }), 0);
});

test('what is undone is not told, and what is kept is told after a restart', async (t) => {
  const { catalog, clock, delivererOf } = await openScene(t);
  const { heard, url } = await receiver(t, () => 204);
  await createWebhook({ catalog, clock }, caller, { url, secret, events: [], enabled: true });
  const undone = catalog.transact(async (transaction) => {
    await transaction.insert('backups', sampleBackup({ id: 'undone' }));
    throw new Error('undone');
  });
  await assert.rejects(undone, /undone/);
  await catalog.insert('backups', sampleBackup({ id: 'kept' }));
  // The process that took the attempt ended within it.
  const dead = delivererOf(catalog, () => new Promise(() => undefined));
  await dead.round();
  const next = delivererOf(catalog);
  await rounds(next, 1, () => undefined);
  assert.deepEqual(heard, [], 'an attempt belongs to who took it');
  const [row] = await catalog.list('deliveries', { where: { projectId: 'project' }, limit: 2 });
  await catalog.change(
    'deliveries',
    { id: row?.id ?? '', projectId: 'project' },
    { nextAt: clock.now() },
  );
  await rounds(next, 1, () => undefined);
  assert.deepEqual(
    heard.map(({ subject }) => subject),
    ['kept'],
  );
});

test('a slow receiver holds up its own subject alone, and is given up at last', async (t) => {
  const { catalog, clock, delivererOf, pass } = await openScene(t);
  await createWebhook({ catalog, clock }, caller, {
    url: 'https://example.org/',
    secret,
    events: ['backup.created', 'backup.verified'],
    enabled: true,
  });
  const own = { projectId: 'project' };
  const sent: string[] = [];
  const send = async ({ body }: Posting): Promise<number> => {
    const { data, type } = JSON.parse(body);
    sent.push(`${data.id} ${type}`);
    if (data.id === 'slow') throw new Error('no answer in time');
    return 200;
  };
  await catalog.insert('backups', sampleBackup({ id: 'slow' }));
  const proof = { depth: 'blocks', outcome: 'good', at: 1, damage: [], reason: null } as const;
  await change(catalog, 'slow', { verification: { ...proof, damage: [] }, verifiedAt: 1 });
  await catalog.insert('backups', sampleBackup({ id: 'quick' }));
  const deliverer = delivererOf(catalog, send);
  await rounds(deliverer, 1, () => undefined);
  assert.deepEqual(sent.sort(), ['quick backup.created', 'slow backup.created']);
  assert.equal(await catalog.count('deliveries', { ...own, state: 'delivered' }), 1);
  await rounds(deliverer, 60, () => pass(4 * 3_600_000));
  const states = await catalog.list('deliveries', {
    where: own,
    sort: [{ field: 'sequence', direction: 'asc' }],
    limit: 10,
  });
  assert.deepEqual(
    states.map(({ state, attempts }) => [state, attempts]),
    [
      ['given_up', 24],
      ['given_up', 24],
    ],
  );
  assert.equal(states[0]?.lastStatus, 'no answer in time');
});

test('a place in a private network is refused, by its name too', async (t) => {
  for (const address of ['127.0.0.1', '10.1.2.3', '169.254.169.254', '::1', 'fd00::1', 'fe80::1']) {
    assert.equal(isNearby(address), true, address);
  }
  assert.equal(isNearby('::ffff:192.168.0.1'), true);
  for (const address of ['93.184.216.34', '2606:2800:220:1::1']) {
    assert.equal(isNearby(address), false, address);
  }
  const { heard, url } = await receiver(t, () => 302);
  const { port } = new URL(url);
  const body = JSON.stringify({ type: 'x', data: { id: 'x' } });
  const signal = new AbortController().signal;
  for (const host of ['127.0.0.1', 'localhost', '[::ffff:127.0.0.1]', '2130706433']) {
    const posting = { url: `http://${host}:${port}/`, headers: {}, body, trusted: false, signal };
    await assert.rejects(post(posting), /private network/, host);
  }
  assert.deepEqual(heard, []);
});

test('configured webhooks hear of all projects, those that are off of none', async (t) => {
  const sent: string[] = [];
  const configured = { id: 'configured:1', url: 'http://127.0.0.1/', secret, events: ['backup'] };
  const { catalog, clock, delivererOf } = await openScene(t, [configured]);
  const needs = { catalog, clock };
  const own = { url: 'https://example.org/', secret: undefined, events: [], enabled: true };
  const row = await createWebhook(needs, caller, own);
  assert.match(row.secret, /^whsec_[A-Za-z0-9+/=]{44}$/);
  await updateWebhook(needs, caller, row.id, { enabled: false });
  await assert.rejects(updateWebhook(needs, callerIn('beta'), row.id, {}), { code: 'not_found' });
  await assert.rejects(createWebhook(needs, caller, { ...own, url: 'ftp://x' }), { field: 'url' });
  await assert.rejects(createWebhook(needs, caller, { ...own, url: 'https://a:b@c' }), /password/);
  await assert.rejects(createWebhook(needs, caller, { ...own, secret: 'x' }), { field: 'secret' });
  await catalog.insert('backups', sampleBackup({ id: 'x', projectId: 'other' }));
  await catalog.insert('backups', sampleBackup({ id: 'y' }));
  const send = async ({ url, trusted }: Posting): Promise<number> => {
    sent.push(`${url} ${trusted}`);
    return 200;
  };
  await rounds(delivererOf(catalog, send), 1, () => undefined);
  assert.deepEqual(sent, ['http://127.0.0.1/ true', 'http://127.0.0.1/ true']);
  await deleteWebhook(needs, caller, row.id);
});
