/**
 * Peers that send anything. Whatever it is, the server stays up, ends such a connection, closes its
 * device, gives its memory back, and serves another client meanwhile.
 */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import test from 'node:test';
import * as fc from 'fast-check';
import { connectNbd, type NbdClient } from '../client/nbd.ts';
import type { BlockDevice } from '../volume/block-device.ts';
import { openMemoryDevice } from '../volume/memory-device.ts';
import {
  contextQuery,
  exportQuery,
  RawPeer,
  startTestServer,
  uint32,
  until,
  type TestServer,
} from './test-server.ts';

const memory = (): BlockDevice => openMemoryDevice({ lengthBytes: 64 * 1024 * 1024 });

const seed = Number(process.env['FIRN_TEST_SEED'] ?? randomInt(2 ** 31));
const settings = { seed, numRuns: 300 };

type Mutation = { at: number; byte: number; kind: 'set' | 'drop' | 'insert' };

const mutations = fc.array(
  fc.record<Mutation>({
    at: fc.nat(400),
    byte: fc.nat(255),
    kind: fc.constantFrom('set', 'drop', 'insert'),
  }),
  { minLength: 1, maxLength: 6 },
);

function mutate(bytes: Buffer, changes: readonly Mutation[]): Buffer {
  const list = [...bytes];
  for (const { at, byte, kind } of changes) {
    const index = at % (list.length + 1);
    if (kind === 'set') list[Math.min(index, list.length - 1)] = byte;
    else list.splice(index, kind === 'drop' ? 1 : 0, ...(kind === 'insert' ? [byte] : []));
  }
  return Buffer.from(list);
}

function optionBytes(type: number, data: Buffer = Buffer.alloc(0)): Buffer {
  return Buffer.concat([Buffer.from('IHAVEOPT'), uint32(type), uint32(data.length), data]);
}

/** A handshake as real clients send it, all at once. */
function handshakeBytes(name: string): Buffer {
  return Buffer.concat([
    uint32(3),
    optionBytes(8),
    optionBytes(10, contextQuery(name, ['base:allocation'])),
    optionBytes(3),
    optionBytes(6, exportQuery(name, [0, 3])),
    optionBytes(7, exportQuery(name, [3])),
  ]);
}

const requests = fc.array(
  fc.record({
    flags: fc.constantFrom(0, 0, 0, 1, 2, 4, 8, 16, 31, 0xffff),
    type: fc.oneof(fc.nat(8), fc.nat(0xffff)),
    offset: fc.oneof(fc.nat(2 ** 26), fc.bigInt(0n, 2n ** 64n - 1n)).map(BigInt),
    length: fc.oneof(fc.nat(70_000), fc.nat(2 ** 32 - 1)),
    payload: fc.uint8Array({ maxLength: 2000 }),
  }),
  { minLength: 1, maxLength: 12 },
);

/** Says goodbye rudely and waits until the server has got over it. */
async function leave(rig: TestServer, peer: RawPeer): Promise<void> {
  peer.socket.on('data', () => undefined);
  peer.socket.end();
  await peer.closed;
  peer.socket.destroy();
  await until(() => rig.watched.opened === rig.watched.closed + 1, 'only the bystander is left');
}

/** A client of good manners, which is served whatever the others do. */
async function bystander(rig: TestServer): Promise<() => Promise<void>> {
  const client: NbdClient = await connectNbd({ uri: rig.uri });
  let round = 0;
  return async () => {
    round += 1;
    const offset = client.lengthBytes - 4096;
    const target = Buffer.alloc(4096);
    await client.write(offset, Buffer.alloc(4096, round));
    await client.read(offset, target);
    assert.ok(target.every((byte) => byte === (round & 255)) || rig.watched.device.readOnly);
  };
}

test(`mutated handshakes (FIRN_TEST_SEED=${seed})`, async () => {
  await using rig = await startTestServer(memory());
  const check = await bystander(rig);
  await fc.assert(
    fc.asyncProperty(mutations, async (changes) => {
      const peer = new RawPeer(rig.path);
      peer.send(mutate(handshakeBytes(rig.name), changes));
      await leave(rig, peer);
      await check();
    }),
    settings,
  );
});

test(`random bytes in the handshake (FIRN_TEST_SEED=${seed})`, async () => {
  await using rig = await startTestServer(memory());
  const check = await bystander(rig);
  const prefix = fc.constantFrom(0, 4, 20, 36);
  await fc.assert(
    fc.asyncProperty(prefix, fc.uint8Array({ maxLength: 500 }), async (kept, noise) => {
      const peer = new RawPeer(rig.path);
      peer.send(handshakeBytes(rig.name).subarray(0, kept), Buffer.from(noise));
      await leave(rig, peer);
      await check();
    }),
    settings,
  );
});

test(`random requests and bytes in the transmission (FIRN_TEST_SEED=${seed})`, async () => {
  await using rig = await startTestServer(memory());
  const check = await bystander(rig);
  await fc.assert(
    fc.asyncProperty(requests, fc.boolean(), async (list, structured) => {
      const peer = new RawPeer(rig.path);
      await peer.go(rig.name, { structured });
      for (const { payload, ...request } of list) {
        peer.request(request);
        peer.send(Buffer.from(payload));
      }
      await leave(rig, peer);
      await check();
    }),
    settings,
  );
  await until(() => rig.server.sharedBytesLent === 0, 'all memory is given back');
  assert.ok(!rig.events.some((event) => event.kind === 'fault'), 'the device was never misused');
});

test(`well-formed requests are each answered once (FIRN_TEST_SEED=${seed})`, async () => {
  await using rig = await startTestServer(memory());
  const check = await bystander(rig);
  await fc.assert(
    fc.asyncProperty(requests, async (list) => {
      const peer = new RawPeer(rig.path);
      await peer.go(rig.name, { structured: true });
      const expected = new Set<bigint>();
      for (const [index, request] of list.entries()) {
        const cookie = BigInt(index) << 40n;
        const type = request.type === 2 ? 3 : request.type;
        const length = type === 1 ? request.length % 70_000 : request.length;
        peer.request({ ...request, type, length, cookie });
        if (type === 1) peer.send(Buffer.alloc(length, index));
        expected.add(cookie);
      }
      while (expected.size > 0) {
        const cookie = await nextReply(peer);
        if (cookie !== undefined) assert.ok(expected.delete(cookie), 'one answer to a request');
      }
      await leave(rig, peer);
      await check();
    }),
    settings,
  );
  assert.ok(!rig.events.some((event) => event.kind === 'fault'), 'the device was never misused');
});

/** The cookie of the next reply that is whole, or nothing for a chunk that others follow. */
async function nextReply(peer: RawPeer): Promise<bigint | undefined> {
  const head = await peer.receive(16);
  assert.ok(head, 'the connection is there');
  const cookie = head.readBigUInt64BE(8);
  if (head.readUInt32BE(0) === 0x67446698) return cookie;
  assert.equal(head.readUInt32BE(0), 0x668e33ef);
  const length = (await peer.receive(4))?.readUInt32BE(0) ?? 0;
  if (length > 0) await peer.receive(length);
  return (head.readUInt16BE(4) & 1) === 1 ? cookie : undefined;
}
