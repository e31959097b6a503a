/**
 * Peers that are slow, silent, half gone or too many. None of them keeps another client waiting,
 * and each costs no more than the limits say.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { connect as connectTcp } from 'node:net';
import test from 'node:test';
import { isOperatingError } from '../base/errors.ts';
import { newSecret } from '../base/ids.ts';
import { connectNbd, type NbdClient } from '../client/nbd.ts';
import type { BlockDevice } from '../volume/block-device.ts';
import { openMemoryDevice } from '../volume/memory-device.ts';
import { defaultLimits } from './limits.ts';
import {
  contextQuery,
  exportQuery,
  RawPeer,
  startTestServer,
  uint32,
  until,
  requestBytes,
} from './test-server.ts';
import { command, option } from './wire.ts';

const MiB = 1024 * 1024;
const memory = (): BlockDevice => openMemoryDevice({ lengthBytes: 64 * MiB });
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Writes and reads back. */
async function verified(client: NbdClient): Promise<void> {
  const data = randomBytes(8192);
  const offset = client.lengthBytes - 8192;
  await client.write(offset, data);
  const target = Buffer.alloc(8192);
  await client.read(offset, target);
  assert.ok(target.equals(data));
}

test('bytes may come in any pieces, from the first to the last', async () => {
  await using rig = await startTestServer(memory());
  const asked = (type: number, data: Buffer): Buffer =>
    Buffer.concat([Buffer.from('IHAVEOPT'), uint32(type), uint32(data.length), data]);
  const payload = randomBytes(9);
  const said = Buffer.concat([
    uint32(3),
    asked(option.structuredReply, Buffer.alloc(0)),
    asked(option.setMetaContext, contextQuery(rig.name, ['base:allocation'])),
    asked(option.go, exportQuery(rig.name)),
    requestBytes(command.write, 5, payload.length, 1),
    payload,
    requestBytes(command.read, 5, payload.length, 2),
    requestBytes(command.disconnect, 0, 0, 0),
  ]);
  const answers = async (pieces: readonly Buffer[]): Promise<string> => {
    const peer = new RawPeer(rig.path);
    const socket = peer.release();
    const parts: Buffer[] = [];
    socket.on('data', (part) => parts.push(part));
    socket.resume();
    for (const piece of pieces) {
      socket.write(piece);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await peer.closed;
    return inOrder(Buffer.concat(parts)).toString('hex');
  };
  // The answers to the write, 20 bytes, and to the read may come in either order.
  const inOrder = (bytes: Buffer): Buffer => {
    const last = bytes.subarray(-20 - 28 - payload.length);
    if (last.readBigUInt64BE(8) !== 2n) return bytes;
    const before = bytes.subarray(0, -last.length);
    return Buffer.concat([before, last.subarray(-20), last.subarray(0, -20)]);
  };
  const whole = await answers([said]);
  assert.ok(whole.endsWith(payload.toString('hex')));
  for (let at = 1; at < said.length; at += 1) {
    assert.equal(await answers([said.subarray(0, at), said.subarray(at)]), whole, `cut at ${at}`);
  }
  const single = Array.from(said, (byte) => Buffer.of(byte));
  assert.equal(await answers(single), whole);
});

test('a client that sends a byte at a time is served, and another not kept waiting', async () => {
  await using rig = await startTestServer(memory(), { limits: { stallTimeoutMs: 10_000 } });
  const bystander = await connectNbd({ uri: rig.uri });
  const slow = new RawPeer(rig.path);
  await slow.go(rig.name);
  const said = Buffer.concat([requestBytes(command.write, 0, 40, 7), Buffer.alloc(40, 6)]);
  for (const byte of said) {
    slow.send([byte]);
    await wait(2);
    if (byte % 9 === 0) await verified(bystander);
  }
  assert.equal(await slow.simpleReply(7n), 0);
  await bystander.disconnect();
});

/** A client; where the machine stood still for the time of a handshake, another is begun. */
async function connected(uri: string): Promise<NbdClient> {
  for (;;) {
    try {
      return await connectNbd({ uri });
    } catch (error) {
      assert.ok(isOperatingError(error, 'unavailable'), String(error));
    }
  }
}

test('an idle client is never cut, whatever the time-outs', async () => {
  const limits = { stallTimeoutMs: 10, handshakeTimeoutMs: 300, closeTimeoutMs: 10 };
  await using rig = await startTestServer(memory(), { limits });
  const { port } = await rig.server.listenTcp('127.0.0.1', 0);
  const idle = [await connected(rig.uri), await connected(`nbd://127.0.0.1:${port}/${rig.name}`)];
  // One that came later is cut: all times are over then.
  await new RawPeer(rig.path).closed;
  for (const client of idle) {
    await verified(client);
    await client.disconnect();
  }
});

test('a client that has said its last word still gets its answers', async () => {
  await using rig = await startTestServer(memory());
  const { port } = await rig.server.listenTcp('127.0.0.1', 0);
  const peer = new RawPeer(connectTcp({ port, host: '127.0.0.1', allowHalfOpen: true }));
  await peer.go(rig.name);
  rig.gate.shut();
  peer.request({ type: command.read, length: 5, cookie: 3n });
  peer.socket.end();
  await until(() => rig.gate.waiting === 1, 'the read has reached the device');
  rig.gate.open();
  assert.equal(await peer.simpleReply(3n), 0);
  assert.equal((await peer.receive(5))?.length, 5);
  await peer.closed;
  await until(() => rig.watched.closed === 1, 'the device is closed');
});

test('who reads nothing holds no more memory than its share, and others go on', async () => {
  await using rig = await startTestServer(memory(), { limits: { sharedBytesMax: 64 * MiB } });
  const bystander = await connectNbd({ uri: rig.uri });
  const greedy = Array.from({ length: 20 }, () => new RawPeer(rig.path));
  for (const peer of greedy) {
    await peer.go(rig.name);
    peer.socket.pause();
    for (let count = 0; count < 50; count += 1) {
      peer.request({ type: command.read, length: 32 * MiB, cookie: BigInt(count) });
    }
  }
  await until(() => rig.server.sharedBytesLent === 64 * MiB, 'all shared memory is lent');
  for (let count = 0; count < 20; count += 1) {
    await verified(bystander);
    assert.ok(rig.server.sharedBytesLent <= 64 * MiB);
  }
  for (const peer of greedy) peer.socket.destroy();
  await until(() => rig.watched.closed === greedy.length, 'their devices are closed');
  assert.equal(rig.server.sharedBytesLent, 0);
  await bystander.disconnect();
});

test('zeros of 4 GiB take their turns, and end with their connection', async () => {
  let zeroed = 0;
  const device = openMemoryDevice({ lengthBytes: 2 ** 33 });
  const busy: BlockDevice = {
    lengthBytes: device.lengthBytes,
    readOnly: false,
    read: (offset, target) => device.read(offset, target),
    write: (offset, data) => device.write(offset, data),
    zero: async () => {
      zeroed += 1;
      const end = performance.now() + 3;
      while (performance.now() < end) Math.hypot(zeroed, end);
    },
    trim: (offset, length) => device.trim(offset, length),
    extents: (offset, length) => device.extents(offset, length),
    flush: () => device.flush(),
    close: () => device.close(),
  };
  await using rig = await startTestServer(busy);
  const bystander = await connectNbd({ uri: rig.uri });
  const peer = new RawPeer(rig.path);
  await peer.go(rig.name);
  peer.request({ type: command.writeZeroes, length: 2 ** 32 - 4096 });
  await until(() => zeroed > 0, 'it has begun');
  await verified(bystander);
  const seen = zeroed;
  assert.ok(seen < 100, `the other was served in between, after ${seen} pieces`);
  await rig.exports.remove(rig.name);
  const done = zeroed;
  assert.ok(done < 128, 'the rest is left undone');
  await peer.closed;
  await wait(20);
  assert.equal(zeroed, done, 'nothing runs on after the cut');
});

test('thousands of connections are refused, and cost those inside nothing', async () => {
  await using rig = await startTestServer(memory());
  const bystander = await connectNbd({ uri: rig.uri });
  const { port } = await rig.server.listenTcp('127.0.0.1', 0);
  const peers: RawPeer[] = [];
  const refused = (): number => rig.events.filter(({ kind }) => kind === 'refused').length;
  for (let batch = 1; batch <= 20; batch += 1) {
    while (peers.length < batch * 100) peers.push(new RawPeer(connectTcp(port, '127.0.0.1')));
    const beyond = peers.length - defaultLimits.handshakesMax;
    await until(() => refused() >= beyond, 'those beyond the limit are refused');
    await verified(bystander);
  }
  for (const peer of peers) peer.socket.destroy();
  const closed = (): number => rig.events.filter(({ kind }) => kind === 'closed').length;
  await until(() => closed() + refused() === 2000, 'all are over');
  const next = await connectNbd({ uri: rig.uri });
  await verified(next);
  await next.disconnect();
  await bystander.disconnect();
});

test('a name is in no event and no message, whatever goes wrong with it', async () => {
  const failure = new Error('the disk is gone');
  await using rig = await startTestServer(memory());
  const unopenable = newSecret();
  rig.exports.add(unopenable, { readOnly: false, open: () => Promise.reject(failure) });
  const said: string[] = [];
  for (const name of [rig.name, unopenable, newSecret()]) {
    const peer = new RawPeer(rig.path);
    await peer.greet();
    await peer.ask(option.structuredReply);
    for (const type of [option.info, option.setMetaContext, option.go]) {
      const data =
        type === option.setMetaContext
          ? contextQuery(name, ['base:allocation'])
          : exportQuery(name, [0, 1, 2, 3]);
      for (const reply of await peer.ask(type, data)) said.push(reply.data.toString('latin1'));
    }
    peer.socket.destroy();
    await peer.closed;
    const client = connectNbd({ uri: `nbd+unix:///${name}?socket=${rig.path}` });
    await client.then(
      (device) => device.disconnect(),
      (error: Error) => said.push(error.message),
    );
    await rig.exports.remove(name);
    said.push(JSON.stringify(rig.events.map((event) => ({ ...event, error: undefined }))));
    for (const text of said) assert.ok(!text.includes(name));
    await assert.rejects(connectNbd({ uri: `nbd+unix:///${name}?socket=${rig.path}` }), {
      code: 'not_found',
    });
  }
});

test('a connection learns of growth when it begins, and may use it before', async () => {
  const device = openMemoryDevice({ lengthBytes: 2 * MiB });
  let lengthBytes = MiB;
  const growing = (): BlockDevice => ({
    get lengthBytes() {
      return lengthBytes;
    },
    readOnly: false,
    read: (offset, target) => device.read(offset, target),
    write: (offset, data) => device.write(offset, data),
    zero: (offset, length) => device.zero(offset, length),
    trim: (offset, length) => device.trim(offset, length),
    extents: (offset, length) => device.extents(offset, length),
    flush: () => device.flush(),
    close: () => Promise.resolve(),
  });
  await using rig = await startTestServer(memory());
  const name = newSecret();
  rig.exports.add(name, { readOnly: false, open: async () => growing() });
  const uri = `nbd+unix:///${name}?socket=${rig.path}`;
  const before = await connectNbd({ uri });
  const shaking = new RawPeer(rig.path);
  await shaking.greet();
  const sizeOf = async (type: number): Promise<bigint | undefined> =>
    (await shaking.ask(type, exportQuery(name)))[0]?.data.readBigUInt64BE(2);
  assert.equal(await sizeOf(option.info), BigInt(MiB));
  await assert.rejects(before.write(MiB, Buffer.alloc(1)), { code: 'no_space' });
  lengthBytes = 2 * MiB;
  await before.write(MiB, Buffer.alloc(4096, 1));
  assert.deepEqual(
    (await before.extents(MiB - 4096, 12_288)).map(({ kind }) => kind),
    ['absent', 'data', 'absent'],
  );
  await before.zero(MiB, 4096);
  await assert.rejects(before.read(2 * MiB, Buffer.alloc(1)), { code: 'invalid_input' });
  assert.equal(await sizeOf(option.info), BigInt(2 * MiB));
  assert.equal(await sizeOf(option.go), BigInt(2 * MiB));
  const after = await connectNbd({ uri });
  assert.equal(after.lengthBytes, 2 * MiB);
  await after.disconnect();
  await before.disconnect();
});
