import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { OperatingError } from '../base/errors.ts';
import { newSecret } from '../base/ids.ts';
import { connectNbd } from '../client/nbd.ts';
import type { BlockDevice } from '../volume/block-device.ts';
import { openMemoryDevice } from '../volume/memory-device.ts';
import { RawPeer, startTestServer, until, uriOf } from './test-server.ts';
import { command, commandFlag } from './wire.ts';

const memory = (): BlockDevice => openMemoryDevice({ lengthBytes: 64 * 1024 * 1024 });

const MiB = 1024 * 1024;

test('what was written is read, whatever the length and place', async () => {
  await using rig = await startTestServer(memory());
  const client = await connectNbd({ uri: rig.uri });
  for (const [offset, length] of [
    [0, 1],
    [4095, 2],
    [8192, 4096],
    [12345, 70_001],
    [MiB, 3 * MiB + 5],
    [31 * MiB, 33 * MiB],
  ] as const) {
    const data = randomBytes(length);
    await client.write(offset, data);
    const target = Buffer.alloc(length, 1);
    await client.read(offset, target);
    assert.ok(target.equals(data), `${length} bytes at ${offset}`);
  }
  await client.disconnect();
});

test('reads of holes come without the zeros and read as zeros', async () => {
  await using rig = await startTestServer(memory());
  const client = await connectNbd({ uri: rig.uri });
  await client.write(MiB, Buffer.alloc(128 * 1024, 5));
  await client.write(2 * MiB, Buffer.alloc(4096, 6));
  const target = Buffer.alloc(4 * MiB, 0xaa);
  await client.read(0, target);
  const expected = Buffer.alloc(4 * MiB);
  expected.fill(5, MiB, MiB + 128 * 1024).fill(6, 2 * MiB, 2 * MiB + 4096);
  assert.ok(target.equals(expected));
  await client.disconnect();
  const peer = new RawPeer(rig.path);
  await peer.go(rig.name, { structured: true });
  peer.request({ type: command.read, length: 4 * MiB });
  const first = await peer.receive(32);
  assert.equal(first?.readUInt16BE(6), 2, 'the first chunk is a hole');
  assert.equal(first.readUInt32BE(28), MiB);
  assert.equal(first.readUInt16BE(4), 0, 'it is not the last');
});

test('a read that must not be in pieces comes as one chunk of data', async () => {
  await using rig = await startTestServer(memory());
  const peer = new RawPeer(rig.path);
  await peer.go(rig.name, { structured: true });
  peer.request({ type: command.read, flags: commandFlag.df, length: MiB });
  const head = await peer.receive(28);
  assert.equal(head?.readUInt16BE(4), 1);
  assert.equal(head.readUInt16BE(6), 1);
  assert.equal(head.readUInt32BE(16), MiB + 8);
  assert.ok((await peer.receive(MiB))?.every((byte) => byte === 0));
});

test('zeros and trims of more than 32 MiB reach the device in pieces it takes', async () => {
  const pieces: [string, number, number][] = [];
  const device: BlockDevice = {
    ...bound(openMemoryDevice({ lengthBytes: 2 ** 33 })),
    zero: async (offset, length) => void pieces.push(['zero', offset, length]),
    trim: async (offset, length) => void pieces.push(['trim', offset, length]),
  };
  await using rig = await startTestServer(device);
  const client = await connectNbd({ uri: rig.uri });
  await client.zero(5, 100 * MiB);
  await client.trim(2 ** 32, 32 * MiB + 1);
  assert.deepEqual(pieces, [
    ['zero', 5, 32 * MiB],
    ['zero', 5 + 32 * MiB, 32 * MiB],
    ['zero', 5 + 64 * MiB, 32 * MiB],
    ['zero', 5 + 96 * MiB, 4 * MiB],
    ['trim', 2 ** 32, 32 * MiB],
    ['trim', 2 ** 32 + 32 * MiB, 1],
  ]);
  pieces.length = 0;
  await client.zero(0, 2 ** 33);
  assert.equal(
    pieces.reduce((sum, [, , length]) => sum + length, 0),
    2 ** 33,
  );
  await client.disconnect();
});

test('extents are what the device says, joined over all steps', async () => {
  await using rig = await startTestServer(openMemoryDevice({ lengthBytes: 2 ** 30 }));
  const client = await connectNbd({ uri: rig.uri });
  await client.write(2 ** 29, Buffer.alloc(8192, 1));
  await client.write(2 ** 29 + 16384, Buffer.alloc(4096, 1));
  assert.deepEqual(
    (await client.extents(0, 2 ** 30)).map(({ lengthBytes, kind }) => [kind, lengthBytes]),
    [
      ['absent', 2 ** 29],
      ['data', 8192],
      ['absent', 8192],
      ['data', 4096],
      ['absent', 2 ** 29 - 20480],
    ],
  );
  await client.disconnect();
});

test('FUA and flush flush the device, and nothing else does', async () => {
  await using rig = await startTestServer(memory());
  const client = await connectNbd({ uri: rig.uri });
  await client.write(0, Buffer.alloc(10));
  await client.zero(0, 10);
  await client.trim(0, 4096);
  assert.equal(rig.watched.flushed, 0);
  await client.write(0, Buffer.alloc(10), { fua: true });
  assert.equal(rig.watched.flushed, 1);
  await client.zero(0, 10, { fua: true });
  assert.equal(rig.watched.flushed, 2);
  await client.flush();
  assert.equal(rig.watched.flushed, 3);
  await client.disconnect();
});

test('requests overtake each other', async () => {
  await using rig = await startTestServer(memory());
  const client = await connectNbd({ uri: rig.uri });
  rig.gate.shut();
  const slow = client.read(0, Buffer.alloc(4096));
  await until(() => rig.gate.waiting === 1, 'the read waits');
  await client.flush();
  rig.gate.open();
  await slow;
  await client.disconnect();
});

test('a refused write is read past, and the connection goes on', async () => {
  await using rig = await startTestServer(memory());
  const peer = new RawPeer(rig.path);
  await peer.go(rig.name);
  peer.request({ type: command.write, cookie: 1n, offset: 64n * 1024n * 1024n, length: 300_000 });
  peer.send(Buffer.alloc(300_000, 0x25));
  peer.request({ type: command.write, flags: 0x20, cookie: 2n, length: 3 });
  peer.send(Buffer.alloc(3));
  peer.request({ type: 99, cookie: 3n, length: 3 });
  peer.request({ type: command.read, cookie: 4n, offset: 2n ** 64n - 1n, length: 1 });
  peer.request({ type: command.cache, cookie: 0xffff_ffff_ffff_ffffn, length: 4096 });
  peer.request({ type: command.write, cookie: 6n, length: 0 });
  const errors = [];
  for (const cookie of [1n, 2n, 3n, 4n, 2n ** 64n - 1n, 6n]) {
    errors.push(await peer.simpleReply(cookie));
  }
  assert.deepEqual(errors, [28, 22, 22, 22, 0, 0]);
});

test('an answer that has begun to leave is whole before the next one', async () => {
  await using rig = await startTestServer(memory());
  const peer = new RawPeer(rig.path);
  await peer.go(rig.name);
  for (let cookie = 1n; cookie < 10n; cookie += 2n) {
    rig.gate.shut();
    peer.request({ type: command.write, cookie, offset: cookie, length: 3 });
    peer.send(Buffer.from('abc'));
    await until(() => rig.gate.waiting === 1, 'the write waits');
    peer.request({ type: command.trim, cookie: cookie + 1n, length: 4096 });
    // Time enough for an answer that would come too early.
    await sleep(10);
    rig.gate.open();
    assert.equal(await peer.simpleReply(cookie), 0);
    assert.equal(await peer.simpleReply(cookie + 1n), 0);
  }
});

test('a server that closes ends an answer that has begun to leave', async () => {
  await using rig = await startTestServer(memory());
  const peer = new RawPeer(rig.path);
  await peer.go(rig.name);
  rig.gate.shut();
  peer.request({ type: command.write, cookie: 1n, length: 3 });
  peer.send(Buffer.from('abc'));
  await until(() => rig.gate.waiting === 1, 'the write waits');
  const closing = rig.server.close();
  rig.gate.open();
  assert.equal(await peer.simpleReply(1n), 0);
  assert.equal(await peer.receive(1), undefined, 'and then the connection');
  peer.socket.destroy();
  await closing;
});

test('a write that fails once its answer has begun to leave says so', async () => {
  const full = (): Promise<void> => Promise.reject(new OperatingError('no_space', '/srv is full'));
  const device = openMemoryDevice({ lengthBytes: MiB });
  const { immediate } = device;
  const failing = {
    ...bound(device),
    write: full,
    immediate: immediate && { ...immediate, write: () => false },
  };
  await using rig = await startTestServer(failing);
  const peer = new RawPeer(rig.path);
  await peer.go(rig.name, { structured: true });
  for (const cookie of [1n, 2n, 3n]) {
    peer.request({ type: command.write, cookie, length: 3 });
    peer.send(Buffer.from('abc'));
    assert.match(await refusalOf(peer, cookie), /^28 .*space/);
  }
  peer.request({ type: command.flush, cookie: 4n });
  const next = await peer.receive(20);
  assert.equal(next?.readBigUInt64BE(8), 4n, 'the connection goes on');
});

/** The error and the words that a request is refused with, in a chunk. */
async function refusalOf(peer: RawPeer, cookie: bigint): Promise<string> {
  const head = await peer.receive(20);
  assert.ok(head, 'the connection is there');
  const payload = (await peer.receive(head.readUInt32BE(16))) ?? Buffer.alloc(6);
  const isRefusal = head.readUInt32BE(0) === 0x668e33ef && head.readUInt16BE(6) === 0x8001;
  assert.ok(isRefusal && head.readBigUInt64BE(8) === cookie);
  return `${payload.readUInt32BE(0)} ${payload.toString('utf8', 6)}`;
}

test('bad magic and a write over 32 MiB end the connection', async () => {
  await using rig = await startTestServer(memory());
  for (const request of [{ magic: 1 }, { type: command.write, length: 2 ** 25 + 1 }]) {
    const peer = new RawPeer(rig.path);
    await peer.go(rig.name);
    peer.request(request);
    await peer.closed;
  }
  await until(() => rig.watched.closed === 2, 'both devices are closed');
});

test('DISC after requests answers them first', async () => {
  await using rig = await startTestServer(memory());
  const peer = new RawPeer(rig.path);
  await peer.go(rig.name);
  rig.gate.shut();
  peer.request({ type: command.read, cookie: 1n, length: 5 });
  peer.request({ type: command.disconnect });
  await until(() => rig.gate.waiting === 1, 'the read waits');
  rig.gate.open();
  assert.equal(await peer.simpleReply(1n), 0);
  assert.equal((await peer.receive(5))?.length, 5);
  await peer.closed;
  await until(() => rig.watched.closed === 1, 'the device is closed');
});

test('what the device throws reaches the client as errno, and the connection goes on', async () => {
  const memory = openMemoryDevice({ lengthBytes: MiB });
  const failing: BlockDevice = {
    ...bound(memory),
    read: () => Promise.reject(new OperatingError('corrupt', 'a checksum in /srv/x is wrong')),
    write: () => Promise.reject(new OperatingError('no_space', '/srv/x is full')),
    flush: () => Promise.reject(new Error('a mistake')),
  };
  await using rig = await startTestServer(failing);
  const client = await connectNbd({ uri: rig.uri });
  await assert.rejects(client.read(0, Buffer.alloc(5)), { code: 'io', message: /EIO.*damaged/ });
  await assert.rejects(client.write(0, Buffer.alloc(5)), { code: 'no_space', message: /ENOSPC/ });
  await assert.rejects(client.flush(), { code: 'io', message: /EIO/ });
  await client.zero(0, 5);
  await client.disconnect();
  assert.equal(rig.events.filter((event) => event.kind === 'fault').length, 3);
});

test('a read-only export says so and refuses changes', async () => {
  const device = openMemoryDevice({ lengthBytes: MiB, readOnly: true });
  await using rig = await startTestServer(device);
  const client = await connectNbd({ uri: rig.uri });
  assert.equal(client.readOnly, true);
  await assert.rejects(client.write(0, Buffer.alloc(5)), { code: 'read_only', message: /EPERM/ });
  await assert.rejects(client.trim(0, 5), { code: 'read_only' });
  await client.read(0, Buffer.alloc(5));
  await client.disconnect();
});

test('an unknown export is not found, an unknown server unavailable', async () => {
  await using rig = await startTestServer(memory());
  const unknown = uriOf(rig.path, newSecret());
  await assert.rejects(connectNbd({ uri: unknown }), { code: 'not_found' });
  const nobody = uriOf(`${rig.path}x`, rig.name);
  await assert.rejects(connectNbd({ uri: nobody }), { code: 'unavailable' });
});

function bound(device: BlockDevice): BlockDevice {
  return {
    lengthBytes: device.lengthBytes,
    readOnly: device.readOnly,
    read: (offset, target) => device.read(offset, target),
    write: (offset, data) => device.write(offset, data),
    zero: (offset, length) => device.zero(offset, length),
    trim: (offset, length) => device.trim(offset, length),
    flush: () => device.flush(),
    extents: (offset, length) => device.extents(offset, length),
    close: () => device.close(),
  };
}
