import assert from 'node:assert/strict';
import test from 'node:test';
import { newSecret } from '../base/ids.ts';
import { connectNbd } from '../client/nbd.ts';
import { openMemoryDevice } from '../volume/memory-device.ts';
import type { BlockDevice } from '../volume/block-device.ts';
import { RawPeer, startTestServer, until, type TestServer } from './test-server.ts';
import { command } from './wire.ts';

const memory = (): BlockDevice => openMemoryDevice({ lengthBytes: 64 * 1024 * 1024 });

const MiB = 1024 * 1024;

const reasonsOf = (rig: TestServer): string[] =>
  rig.events.flatMap((event) => (event.kind === 'closed' ? [event.reason] : []));

test('removing an export cuts its connections and waits for their devices', async () => {
  await using rig = await startTestServer(memory());
  const busy = await connectNbd({ uri: rig.uri });
  const idle = await connectNbd({ uri: rig.uri });
  assert.equal(rig.exports.connections(rig.name), 2);
  rig.gate.shut();
  const reading = assert.rejects(busy.read(0, Buffer.alloc(10)), { code: 'unavailable' });
  await until(() => rig.gate.waiting === 1, 'the read has reached the device');
  let removed = false;
  const removing = rig.exports.remove(rig.name).finally(() => {
    removed = true;
  });
  await reading;
  await until(() => rig.watched.closed === 1, 'the idle connection is over');
  assert.equal(removed, false, 'a device is not closed under a request');
  rig.gate.open();
  await removing;
  assert.deepEqual([rig.watched.opened, rig.watched.closed], [2, 2]);
  await assert.rejects(idle.flush(), { code: 'unavailable' });
  await assert.rejects(connectNbd({ uri: rig.uri }), { code: 'not_found' });
});

test('nothing that waits in the server is done after the cut', async () => {
  await using rig = await startTestServer(memory(), { limits: { requestsMax: 1 } });
  const peer = new RawPeer(rig.path);
  await peer.go(rig.name);
  rig.gate.shut();
  peer.request({ type: command.read, length: 1 });
  for (let count = 0; count < 10; count += 1) {
    peer.request({ type: command.write, offset: BigInt(count), length: 1 });
    peer.send([0xff]);
  }
  await until(() => rig.gate.waiting === 1, 'the read has reached the device');
  const removing = rig.exports.remove(rig.name);
  await peer.closed;
  rig.gate.open();
  await removing;
  assert.deepEqual(await rig.watched.device.extents(0, 4096), [
    { offsetBytes: 0, lengthBytes: 4096, kind: 'absent' },
  ]);
});

test('closing the server answers what is under way and refuses what comes later', async () => {
  await using rig = await startTestServer(memory());
  const peer = new RawPeer(rig.path);
  await peer.go(rig.name);
  const shaking = new RawPeer(rig.path);
  await shaking.greet();
  rig.gate.shut();
  peer.request({ type: command.read, cookie: 1n, length: 3 });
  await until(() => rig.gate.waiting === 1, 'the read has reached the device');
  const closing = rig.server.close();
  peer.request({ type: command.flush, cookie: 2n });
  assert.equal(await peer.simpleReply(2n), 108);
  rig.gate.open();
  assert.equal(await peer.simpleReply(1n), 0);
  assert.equal((await peer.receive(3))?.length, 3);
  assert.equal(await peer.receive(1), undefined);
  peer.socket.destroy();
  await closing;
  await shaking.closed;
  assert.deepEqual([rig.watched.opened, rig.watched.closed], [1, 1]);
  assert.deepEqual(reasonsOf(rig), ['the server closed', 'the server closed']);
});

test('closing the server does not wait for ever for a client that takes nothing', async () => {
  await using rig = await startTestServer(memory(), { limits: { closeTimeoutMs: 50 } });
  const peer = new RawPeer(rig.path);
  await peer.go(rig.name);
  peer.socket.pause();
  peer.request({ type: command.read, length: 32 * MiB });
  await until(() => rig.server.sharedBytesLent > 0, 'the read is under way');
  await rig.server.close();
  assert.equal(rig.watched.closed, 1);
});

test('a client that owes a payload or leaves its answers is cut; an idle one is not', async () => {
  await using rig = await startTestServer(memory(), { limits: { stallTimeoutMs: 30 } });
  const idle = await connectNbd({ uri: rig.uri });
  const owing = new RawPeer(rig.path);
  await owing.go(rig.name);
  owing.request({ type: command.write, length: 32 * MiB });
  owing.send(Buffer.alloc(100));
  await owing.closed;
  const leaving = new RawPeer(rig.path);
  await leaving.go(rig.name);
  leaving.socket.pause();
  leaving.request({ type: command.read, length: 32 * MiB });
  await until(() => reasonsOf(rig).length === 2, 'both are cut');
  assert.deepEqual(reasonsOf(rig), ['the client stalled', 'the client stalled']);
  await until(() => rig.server.sharedBytesLent === 0, 'all memory is given back');
  await idle.flush();
  await idle.disconnect();
});

test('no more requests run than allowed; the rest wait and are all answered', async () => {
  await using rig = await startTestServer(memory(), { limits: { requestsMax: 4 } });
  const client = await connectNbd({ uri: rig.uri });
  rig.gate.shut();
  const data = Buffer.alloc(100_000, 3);
  const writes = Array.from({ length: 60 }, (_, index) => client.write(index * 100_000, data));
  await until(() => rig.gate.waiting === 4, 'four requests run');
  const other = await connectNbd({ uri: rig.uri });
  await other.flush();
  assert.equal(rig.gate.waiting, 4, 'a fifth is not begun');
  rig.gate.open();
  await Promise.all(writes);
  await client.disconnect();
  await other.disconnect();
});

test('no more memory is lent to a connection than allowed', async () => {
  const limits = { smallRequestBytesMax: 4096, ownBytesMax: 8192, largeBytesMax: 3 * MiB };
  await using rig = await startTestServer(memory(), { limits });
  const large = await connectNbd({ uri: rig.uri });
  const small = await connectNbd({ uri: rig.uri });
  await large.write(0, Buffer.alloc(MiB, 1));
  rig.gate.shut();
  const reads = Array.from({ length: 9 }, () => large.read(0, Buffer.alloc(MiB)));
  await until(() => rig.server.sharedBytesLent === 3 * MiB, 'three large reads hold memory');
  rig.gate.open();
  await Promise.all(reads);
  rig.gate.shut();
  const writes = Array.from({ length: 9 }, () => small.write(0, Buffer.alloc(4096)));
  await until(() => rig.gate.waiting === 2, 'two small writes run');
  await large.flush();
  assert.equal(rig.gate.waiting, 2, 'a third is not begun');
  rig.gate.open();
  await Promise.all(writes);
  await large.disconnect();
  await small.disconnect();
});

test('who holds all shared memory does not keep small requests of others waiting', async () => {
  await using rig = await startTestServer(memory(), { limits: { sharedBytesMax: MiB } });
  const greedy = new RawPeer(rig.path);
  await greedy.go(rig.name);
  greedy.socket.pause();
  greedy.request({ type: command.read, length: 32 * MiB });
  await until(() => rig.server.sharedBytesLent === 32 * MiB, 'the memory is lent');
  const client = await connectNbd({ uri: rig.uri });
  const target = Buffer.alloc(4096, 1);
  await client.read(0, target);
  assert.deepEqual(target, Buffer.alloc(4096));
  const waiting = client.read(0, Buffer.alloc(MiB));
  greedy.socket.destroy();
  await waiting;
  await client.disconnect();
});

test('who is cut while waiting for shared memory leaves the line', async () => {
  await using rig = await startTestServer(memory(), { limits: { sharedBytesMax: MiB } });
  const greedy = new RawPeer(rig.path);
  await greedy.go(rig.name);
  rig.gate.shut();
  greedy.request({ type: command.write, length: 2 * MiB });
  await until(() => rig.server.sharedBytesLent === 2 * MiB, 'the memory is lent');
  const name = newSecret();
  let closed = 0;
  const close = async (): Promise<void> => void (closed += 1);
  const device = { ...openMemoryDevice({ lengthBytes: MiB }), lengthBytes: MiB, close };
  rig.exports.add(name, { readOnly: false, open: async () => device });
  const waiting = new RawPeer(rig.path);
  await waiting.go(name);
  waiting.request({ type: command.flush, flags: 2 });
  waiting.request({ type: command.write, length: MiB });
  assert.equal(await waiting.simpleReply(1n), 22, 'the server reads on to the write');
  await rig.exports.remove(name);
  assert.equal(closed, 1, 'its device is closed while the other still holds');
  greedy.socket.destroy();
  await until(() => rig.watched.closed === 1, 'both are over');
  await until(() => rig.server.sharedBytesLent === 0, 'all memory is given back');
});

test('connections and handshakes are limited, and others go on', async () => {
  await using rig = await startTestServer(memory(), {
    limits: { connectionsMax: 4, handshakesMax: 2 },
  });
  const first = await connectNbd({ uri: rig.uri });
  const idle = [new RawPeer(rig.path), new RawPeer(rig.path)];
  for (const peer of idle) await peer.greet();
  const tooMany = new RawPeer(rig.path);
  assert.equal(await tooMany.receive(1), undefined);
  idle[0]?.socket.destroy();
  await until(() => reasonsOf(rig).length === 1, 'a handshake has ended');
  const second = await connectNbd({ uri: rig.uri });
  const third = await connectNbd({ uri: rig.uri });
  await assert.rejects(connectNbd({ uri: rig.uri }), { code: 'unavailable' });
  assert.deepEqual(
    rig.events.flatMap((event) => (event.kind === 'refused' ? [event.reason] : [])),
    ['too many handshakes', 'too many connections'],
  );
  for (const client of [first, second, third]) {
    await client.flush();
    await client.disconnect();
  }
});
