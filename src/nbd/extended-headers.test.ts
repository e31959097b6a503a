/** Extended headers, by a raw peer: no client that people have speaks them yet. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import test from 'node:test';
import type { BlockDevice } from '../volume/block-device.ts';
import { openMemoryDevice } from '../volume/memory-device.ts';
import {
  contextQuery,
  exportQuery,
  RawPeer,
  startTestServer,
  type TestServer,
} from './test-server.ts';
import { command, commandFlag, option, optionReply } from './wire.ts';

const MiB = 1024 * 1024;
const TiB = 2 ** 40;
const carries = commandFlag.payloadLength;

interface Chunk {
  readonly done: boolean;
  readonly type: number;
  readonly cookie: bigint;
  readonly offset: bigint;
  readonly payload: Buffer;
}

const types = (replies: readonly { type: number }[]): number[] => replies.map(({ type }) => type);

async function goExtended(rig: TestServer): Promise<RawPeer> {
  const peer = new RawPeer(rig.path);
  await peer.greet();
  assert.deepEqual(types(await peer.ask(option.extendedHeaders)), [optionReply.ack]);
  await peer.ask(option.setMetaContext, contextQuery(rig.name, ['base:allocation']));
  await peer.ask(option.go, exportQuery(rig.name));
  return peer;
}

function send(
  peer: RawPeer,
  request: { type: number; flags?: number; cookie?: bigint; offset?: bigint; length?: bigint },
  payload?: Buffer,
): void {
  const head = Buffer.alloc(32);
  head.writeUInt32BE(0x21e41c71, 0);
  head.writeUInt16BE(request.flags ?? 0, 4);
  head.writeUInt16BE(request.type, 6);
  head.writeBigUInt64BE(request.cookie ?? 1n, 8);
  head.writeBigUInt64BE(request.offset ?? 0n, 16);
  head.writeBigUInt64BE(request.length ?? BigInt(payload?.length ?? 0), 24);
  peer.send(head, payload ?? Buffer.alloc(0));
}

async function chunk(peer: RawPeer): Promise<Chunk> {
  const head = await peer.receive(32);
  assert.ok(head, 'the connection is there');
  assert.equal(head.readUInt32BE(0), 0x6e8a278c);
  const payload = await peer.receive(Number(head.readBigUInt64BE(24)));
  assert.ok(payload);
  return {
    done: head.readUInt16BE(4) === 1,
    type: head.readUInt16BE(6),
    cookie: head.readBigUInt64BE(8),
    offset: head.readBigUInt64BE(16),
    payload,
  };
}

/** The error of a reply of one chunk; 0 for success. */
async function outcome(peer: RawPeer): Promise<number> {
  const { done, type, payload } = await chunk(peer);
  assert.ok(done);
  if (type === 0) assert.equal(payload.length, 0);
  return type === 0 ? 0 : payload.readUInt32BE(0);
}

test('extended headers go before structured replies, and EXPORT_NAME ends with them', async () => {
  await using rig = await startTestServer(openMemoryDevice({ lengthBytes: MiB }));
  const peer = new RawPeer(rig.path);
  await peer.greet();
  const extended = option.extendedHeaders;
  assert.deepEqual(types(await peer.ask(extended, Buffer.alloc(1))), [optionReply.errInvalid]);
  assert.deepEqual(types(await peer.ask(option.structuredReply)), [optionReply.ack]);
  assert.deepEqual(types(await peer.ask(extended)), [optionReply.ack]);
  assert.deepEqual(types(await peer.ask(option.structuredReply)), [
    optionReply.errExtendedRequired,
  ]);
  assert.deepEqual(types(await peer.ask(extended)), [optionReply.ack]);
  const flags = (await peer.ask(option.info, exportQuery(rig.name)))[0]?.data.readUInt16BE(10) ?? 0;
  assert.equal(flags & 0x80, 0x80, 'reads need not be in pieces');
  peer.sendOption(option.exportName, Buffer.from(rig.name));
  await peer.closed;
});

test('every reply has the extended header, and repeats the offset', async () => {
  await using rig = await startTestServer(openMemoryDevice({ lengthBytes: 64 * MiB }));
  const peer = await goExtended(rig);
  const data = randomBytes(100_000);
  send(peer, { type: command.write, flags: carries, cookie: 5n, offset: 4096n }, data);
  assert.deepEqual(await chunk(peer), {
    done: true,
    type: 0,
    cookie: 5n,
    offset: 4096n,
    payload: Buffer.alloc(0),
  });
  send(peer, { type: command.read, offset: 4096n, length: 100_000n, flags: commandFlag.df });
  const read = await chunk(peer);
  assert.deepEqual([read.done, read.type, read.offset], [true, 1, 4096n]);
  assert.equal(read.payload.readBigUInt64BE(0), 4096n);
  assert.ok(read.payload.subarray(8).equals(data));
  send(peer, { type: command.read, length: BigInt(MiB) });
  const parts = [await chunk(peer), await chunk(peer)];
  assert.deepEqual(
    parts.map(({ type, done, offset }) => [type, done, offset]),
    [
      [1, false, 0n],
      [2, true, 0n],
    ],
  );
  send(peer, { type: command.read });
  assert.equal(await outcome(peer), 0);
  send(peer, { type: command.flush });
  assert.equal(await outcome(peer), 0);
  const far = 2n ** 64n - 3n;
  send(peer, { type: command.read, offset: far, length: 7n });
  const error = await chunk(peer);
  assert.deepEqual([error.type, error.offset], [0x8001, far]);
  assert.equal(error.payload.readUInt32BE(0), 22);
});

test('zeros and trims of 16 TiB are one request, and its map comes in pieces', async () => {
  const pieces: number[] = [];
  const note = async (_offset: number, length: number): Promise<void> => void pieces.push(length);
  const memory = openMemoryDevice({ lengthBytes: 16 * TiB });
  const device: BlockDevice = {
    lengthBytes: memory.lengthBytes,
    readOnly: false,
    read: (offset, target) => memory.read(offset, target),
    write: (offset, data) => memory.write(offset, data),
    zero: note,
    trim: note,
    flush: () => memory.flush(),
    extents: (offset, length) => memory.extents(offset, length),
    close: () => memory.close(),
  };
  await using rig = await startTestServer(device);
  const peer = await goExtended(rig);
  const length = BigInt(TiB) / 8n;
  for (const type of [command.writeZeroes, command.trim]) {
    pieces.length = 0;
    send(peer, { type, offset: 5n, length });
    assert.equal(await outcome(peer), 0);
    assert.equal(
      pieces.reduce((sum, piece) => sum + piece, 0),
      Number(length),
    );
  }
  await memory.write(5 * 2 ** 30, Buffer.alloc(4096, 1));
  send(peer, { type: command.blockStatus, length: BigInt(16 * TiB) });
  const status = await chunk(peer);
  assert.equal(status.type, 6);
  assert.equal(status.payload.readUInt32BE(4), 3, 'as many descriptors as it says');
  assert.equal(status.payload.length, 8 + 3 * 16);
  assert.equal(status.payload.readBigUInt64BE(8), 5n * 2n ** 30n);
  assert.equal(status.payload.readBigUInt64BE(16), 3n);
  assert.equal(status.payload.readBigUInt64BE(24), 4096n);
  assert.equal(status.payload.readBigUInt64BE(32), 0n);
  assert.ok(status.payload.readBigUInt64BE(40) > 2n ** 32n, 'a length that 32 bits do not hold');
  send(peer, { type: command.blockStatus, flags: commandFlag.reqOne, length: 2n ** 33n });
  assert.equal((await chunk(peer)).payload.readUInt32BE(4), 1);
});

test('a payload that does not belong is read past, a write without one refused', async () => {
  await using rig = await startTestServer(openMemoryDevice({ lengthBytes: MiB }));
  const peer = await goExtended(rig);
  for (const type of [command.read, command.blockStatus, command.flush, 77]) {
    send(peer, { type, flags: carries }, randomBytes(70_000));
    assert.equal(await outcome(peer), 22);
  }
  send(peer, { type: command.write, length: 4096n });
  assert.equal(await outcome(peer), 22);
  send(peer, { type: command.write, flags: carries, offset: BigInt(MiB) }, Buffer.alloc(10));
  assert.equal(await outcome(peer), 28);
  send(peer, { type: command.flush });
  assert.equal(await outcome(peer), 0, 'the server has kept its place');
  assert.deepEqual(await rig.watched.device.extents(0, 4096), [
    { offsetBytes: 0, lengthBytes: 4096, kind: 'absent' },
  ]);
});

test('a compact request, and a payload too long for anybody, end the connection', async () => {
  await using rig = await startTestServer(openMemoryDevice({ lengthBytes: MiB }));
  const compact = await goExtended(rig);
  compact.request({ type: command.flush });
  compact.send(Buffer.alloc(4));
  await compact.closed;
  for (const length of [2n ** 25n + 1n, 2n ** 32n, 2n ** 64n - 1n]) {
    const peer = await goExtended(rig);
    send(peer, { type: command.write, flags: carries, length });
    await peer.closed;
  }
});
