import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test, type TestContext } from 'node:test';
import { newId } from '../../base/ids.ts';
import { isJsonObject } from '../../base/json.ts';
import { makeVolume } from '../../operation/requests-fixture.ts';
import { byId } from '../../operation/scope.ts';
import { openStorage, type Storage } from '../block-storage-v3/storage-fixture.ts';

interface Served extends Storage {
  readonly url: string;
}

async function serve(t: TestContext): Promise<Served> {
  const storage = await openStorage(t);
  const url = await storage.app.listen({ host: '127.0.0.1', port: 0 });
  return { ...storage, url: `${url}/firn/v1/events` };
}

interface Event {
  readonly id: string;
  readonly name: string;
  readonly text: string;
}

/** A client that reads one event at a time. */
async function listen(
  t: TestContext,
  { url }: Served,
  token: string,
  options: { lastId?: string; query?: string } = {},
): Promise<{ next(): Promise<Event | undefined> }> {
  const leaving = new AbortController();
  t.after(() => leaving.abort());
  const reply = await fetch(`${url}${options.query ?? ''}`, {
    headers: {
      'x-auth-token': token,
      ...(options.lastId === undefined ? {} : { 'last-event-id': options.lastId }),
    },
    signal: leaving.signal,
  });
  assert.equal(reply.status, 200);
  assert.match(reply.headers.get('content-type') ?? '', /^text\/event-stream/);
  assert.equal(reply.headers.get('cache-control'), 'no-store');
  const reader = (reply.body ?? assert.fail()).pipeThrough(new TextDecoderStream()).getReader();
  let held = '';
  return {
    async next() {
      for (;;) {
        const end = held.indexOf('\n\n');
        if (end >= 0) {
          const block = held.slice(0, end);
          held = held.slice(end + 2);
          const match = /^id: (.+)\nevent: (.+)\ndata: (.+)$/.exec(block);
          if (match !== null)
            return { id: match[1] ?? '', name: match[2] ?? '', text: match[3] ?? '' };
          continue;
        }
        const { value, done } = await reader.read();
        if (done) return undefined;
        held += value;
      }
    },
  };
}

const idIn = (event: Event | undefined): unknown => {
  const data: unknown = JSON.parse(event?.text ?? 'null');
  return isJsonObject(data) ? data['id'] : undefined;
};

test('changes of the own project are told, and a stream goes on where it was left', async (t) => {
  const served = await serve(t);
  const { scene, tokenOf } = served;
  const token = await tokenOf('max');
  const stream = await listen(t, served, token);
  const first = await stream.next();
  assert.equal(first?.name, 'reset');
  const volume = await makeVolume(scene);
  await scene.catalog.change('volumes', byId(volume.id), { projectId: 'a'.repeat(32) });
  const told = await stream.next();
  assert.deepEqual(
    [told?.name, told?.text],
    ['change', JSON.stringify({ table: 'volumes', id: volume.id, kind: 'change' })],
  );
  await scene.catalog.change('volumes', byId(volume.id), { name: 'missed' });
  await new Promise((resolve) => setTimeout(resolve, 100));
  const again = await listen(t, served, token, { lastId: told?.id ?? '' });
  const missed = await again.next();
  assert.deepEqual([missed?.name, idIn(missed)], ['change', volume.id]);
  for (const lastId of ['another-run.1', `${told?.id.split('.')[0]}.999999`, 'x']) {
    assert.equal((await (await listen(t, served, token, { lastId })).next())?.name, 'reset');
  }
});

test('other projects are told to administrators who ask, and secrets to nobody', async (t) => {
  const served = await serve(t);
  const { scene, tokenOf } = served;
  const query = '?all_tenants=true';
  const streams = await Promise.all(
    [
      ['bob', ''],
      ['bob', query],
      ['ann', ''],
      ['ann', query],
    ].map(async ([who = '', query = '']) => {
      const stream = await listen(t, served, await tokenOf(who), { query });
      await stream.next();
      return stream;
    }),
  );
  await new Promise((resolve) => setTimeout(resolve, 100));
  const volume = await makeVolume(scene);
  await scene.catalog.change('settings', { id: 'none' }, { value: 1 });
  await scene.catalog.insert('roles', { id: 'r', name: 'r', description: null });
  const [type] = await scene.catalog.list('volumeTypes', { where: {}, limit: 1 });
  await scene.catalog.change('volumeTypes', { id: type?.id ?? '' }, { description: 'new' });
  const untilType = async (index: number): Promise<unknown[]> => {
    const ids: unknown[] = [];
    for (;;) {
      const id = idIn(await streams[index]?.next());
      if (id === type?.id) return ids;
      ids.push(id);
    }
  };
  assert.deepEqual(await untilType(0), []);
  assert.deepEqual(await untilType(1), []);
  assert.deepEqual(await untilType(2), ['r']);
  const all = await untilType(3);
  assert.ok(all.includes(volume.id) && all.includes('r'));
});

test('a stream ends with its token, and with the server', async (t) => {
  const served = await serve(t);
  const { tokenOf, identity, url } = served;
  const [revoked, kept] = await Promise.all([tokenOf('max'), tokenOf('ann')]);
  const streams = [await listen(t, served, revoked), await listen(t, served, kept)] as const;
  for (const stream of streams) await stream.next();
  await identity.revoke(revoked);
  assert.equal((await streams[0].next())?.name, 'end');
  assert.equal(await streams[0].next(), undefined);
  assert.equal((await fetch(url, { headers: { 'x-auth-token': revoked } })).status, 401);
  assert.equal((await fetch(url)).status, 401);
  await served.app.close();
  assert.equal(await streams[1].next(), undefined);
});

test('a client that does not read costs no memory, and is told to look again', async (t) => {
  const served = await serve(t);
  const { scene, tokenOf, url } = served;
  const token = await tokenOf('max');
  const { port } = new URL(url);
  const socket = connect(Number(port), '127.0.0.1');
  t.after(() => socket.destroy());
  socket.write(`GET /firn/v1/events HTTP/1.1\r\nHost: x\r\nX-Auth-Token: ${token}\r\n\r\n`);
  await new Promise((resolve) => socket.once('data', resolve));
  socket.pause();
  const insert = async (count: number, idLength: number): Promise<void> => {
    await scene.catalog.transact(async (transaction) => {
      for (let made = 0; made < count; made += 1) {
        const id = newId().padEnd(idLength, 'x');
        const row = { projectId: 'a'.repeat(32), resource: id, hardLimit: 1 };
        await transaction.insert('quotas', { id, ...row });
      }
    });
    await new Promise((resolve) => setTimeout(resolve, 200));
  };
  // More than the buffers of the sockets hold; then more events than are kept.
  await insert(1_000, 30_000);
  await insert(2_100, 36);
  let tail = '';
  let changesCount = 0;
  const sawReset = new Promise<void>((resolve) => {
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (tail + chunk).split('\n');
      tail = lines.pop() ?? '';
      changesCount += lines.filter((line) => line === 'event: change').length;
      if (changesCount > 0 && lines.includes('event: reset')) resolve();
    });
  });
  socket.resume();
  await sawReset;
  assert.ok(changesCount > 0 && changesCount < 1_000);
});
