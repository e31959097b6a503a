/**
 * Peers that send anything. Whatever it is, the server stays up, ends such a connection, closes its
 * device, gives its memory back, and serves another client meanwhile.
 */
import assert from 'node:assert/strict';
import { connect as connectTcp } from 'node:net';
import { connect as connectTls } from 'node:tls';
import * as fc from 'fast-check';
import { monotonicMs } from '../base/clock.ts';
import { connectNbd, type NbdClient } from '../client/nbd.ts';
import { openMemoryDevice } from '../volume/memory-device.ts';
import { makeCertificates } from './certificate-fixture.ts';
import {
  contextQuery,
  exportQuery,
  RawPeer,
  startTestServer,
  uint32,
  until,
} from './test-server.ts';
import type { TestServer } from './test-server.ts';
import { option } from './wire.ts';

const { authority, server } = makeCertificates();

/** A server with a client of good manners, which is served whatever the others do. */
export interface FuzzScene extends AsyncDisposable {
  readonly rig: TestServer;
  readonly connect: () => RawPeer;
  /** A peer on TCP that was told to begin TLS; `clear` is the socket below. */
  readonly startTls: () => Promise<RawPeer>;
  /** Uses the other client, and sees that its bytes are what they should be. */
  readonly check: () => Promise<void>;
}

/** Who waits for ever is not helped by the server's own time-outs, but found. */
const endless = {
  handshakeTimeoutMs: 3_600_000,
  stallTimeoutMs: 3_600_000,
  closeTimeoutMs: 3_600_000,
};

export async function startFuzzScene(): Promise<FuzzScene> {
  const device = openMemoryDevice({ lengthBytes: 64 * 1024 * 1024 });
  const tls = { certificate: server.certificate, key: server.key };
  const rig = await startTestServer(device, { tls, limits: endless });
  const { port } = await rig.server.listenTcp('127.0.0.1', 0);
  const client = await connectNbd({ uri: rig.uri });
  return {
    rig,
    connect: () => new RawPeer(rig.path),
    startTls: async () => {
      const peer = new RawPeer(connectTcp(port, '127.0.0.1'));
      await peer.greet();
      await peer.ask(option.startTls);
      return peer;
    },
    check: checking(client),
    [Symbol.asyncDispose]: async () => {
      await client.disconnect();
      await rig[Symbol.asyncDispose]();
    },
  };
}

/** The others' writes may hit any byte, so only what one check writes and reads at once counts. */
function checking(client: NbdClient): () => Promise<void> {
  let round = 0;
  return async () => {
    round += 1;
    const target = Buffer.alloc(4096);
    const offset = client.lengthBytes - 4096;
    await client.write(offset, Buffer.alloc(4096, round));
    await client.read(offset, target);
    assert.ok(target.every((byte) => byte === (round & 255)));
  };
}

/** One kind of bad peer: what it does, drawn at random. */
export interface Badness {
  readonly name: string;
  readonly runs: number;
  readonly property: (scene: FuzzScene) => fc.IAsyncProperty<unknown>;
}

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

/** A handshake as real clients send it, all at once, and a request behind it. */
function handshakeBytes(name: string, extended: boolean): Buffer {
  return Buffer.concat([
    uint32(3),
    optionBytes(extended ? option.extendedHeaders : option.structuredReply),
    optionBytes(option.setMetaContext, contextQuery(name, ['base:allocation'])),
    optionBytes(option.list),
    optionBytes(option.info, exportQuery(name, [0, 3])),
    optionBytes(option.go, exportQuery(name, [3])),
  ]);
}

const request = fc.record({
  flags: fc.constantFrom(0, 0, 0, 1, 2, 4, 8, 16, 32, 33, 63, 0xffff),
  type: fc.oneof(fc.nat(8), fc.nat(0xffff)),
  offset: fc.oneof(fc.nat(2 ** 26), fc.bigInt(0n, 2n ** 64n - 1n)).map(BigInt),
  length: fc.oneof(fc.nat(70_000), fc.nat(2 ** 32 - 1), fc.bigInt(0n, 2n ** 64n - 1n)).map(BigInt),
  payload: fc.uint8Array({ maxLength: 2000 }),
});
interface Drawn {
  readonly flags: number;
  readonly type: number;
  readonly offset: bigint;
  readonly length: bigint;
}

const requests = fc.array(request, { minLength: 1, maxLength: 12 });
const headers = fc.constantFrom('simple' as const, 'structured' as const, 'extended' as const);
type Headers = 'simple' | 'structured' | 'extended';

/** Requests stay off the last 4 KiB, which belong to the client of good manners. */
const deviceBytes = BigInt(64 * 1024 * 1024);
const reserved = deviceBytes - 4096n;

function requestBytes(
  { flags, type, offset, length }: Drawn,
  kind: Headers,
  cookie: bigint,
): Buffer {
  const extended = kind === 'extended';
  const head = Buffer.alloc(extended ? 32 : 28);
  head.writeUInt32BE(extended ? 0x21e41c71 : 0x25609513, 0);
  head.writeUInt16BE(flags, 4);
  head.writeUInt16BE(type, 6);
  head.writeBigUInt64BE(cookie, 8);
  head.writeBigUInt64BE(offset, 16);
  if (extended) head.writeBigUInt64BE(length, 24);
  else head.writeUInt32BE(Number(length & 0xffff_ffffn), 24);
  return head;
}

async function goWith(peer: RawPeer, name: string, kind: Headers): Promise<void> {
  await peer.greet();
  if (kind === 'structured') await peer.ask(option.structuredReply);
  if (kind === 'extended') await peer.ask(option.extendedHeaders);
  if (kind !== 'simple') {
    await peer.ask(option.setMetaContext, contextQuery(name, ['base:allocation']));
  }
  await peer.ask(option.go, exportQuery(name));
}

/** Says goodbye rudely and waits until the server has got over it. */
async function leave({ rig }: FuzzScene, peer: RawPeer): Promise<void> {
  // What it asked for may be long, and is taken: the server waits for that before it closes.
  const socket = peer.release().resume();
  socket.end();
  await peer.closed;
  socket.destroy();
  await until(() => rig.watched.opened === rig.watched.closed + 1, 'only the other client is left');
}

const goes = async (scene: FuzzScene, peer: RawPeer): Promise<void> => {
  await Promise.all([leave(scene, peer), scene.check()]);
};

export const badnesses: readonly Badness[] = [
  {
    name: 'mutated handshakes',
    runs: 200,
    property: (scene) =>
      fc.asyncProperty(mutations, fc.boolean(), async (changes, extended) => {
        const peer = scene.connect();
        peer.send(mutate(handshakeBytes(scene.rig.name, extended), changes));
        await goes(scene, peer);
      }),
  },
  {
    name: 'random bytes in the handshake',
    runs: 200,
    property: (scene) =>
      fc.asyncProperty(
        fc.constantFrom(0, 4, 20, 36),
        fc.uint8Array({ maxLength: 500 }),
        async (kept, noise) => {
          const peer = scene.connect();
          const start = handshakeBytes(scene.rig.name, false).subarray(0, kept);
          peer.send(start, Buffer.from(noise));
          await goes(scene, peer);
        },
      ),
  },
  {
    name: 'a handshake in pieces that ends anywhere',
    runs: 100,
    property: (scene) =>
      fc.asyncProperty(fc.array(fc.nat(40), { maxLength: 20 }), async (pieces) => {
        const peer = scene.connect();
        const said = handshakeBytes(scene.rig.name, true);
        let at = 0;
        for (const length of pieces) {
          peer.send(said.subarray(at, at + length));
          at += length;
          await new Promise((resolve) => setImmediate(resolve));
        }
        await goes(scene, peer);
      }),
  },
  {
    name: 'noise where TLS should begin, and in it',
    runs: 60,
    property: (scene) =>
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 400 }),
        fc.boolean(),
        mutations,
        async (noise, inside, changes) => {
          const clear = await scene.startTls();
          if (!inside) {
            const record = Buffer.from([22, 3, 1, 0, Math.min(noise.length, 255)]);
            clear.send(noise.length % 2 === 0 ? record : Buffer.alloc(0), Buffer.from(noise));
            await goes(scene, clear);
            return;
          }
          const socket = clear.release();
          const ca = authority.certificate;
          const peer = new RawPeer(connectTls({ socket, ca, host: 'localhost' }));
          peer.send(mutate(handshakeBytes(scene.rig.name, false).subarray(4), changes));
          if (noise.length % 2 === 0) socket.write(Buffer.from(noise));
          await goes(scene, peer);
        },
      ),
  },
  {
    name: 'random requests and bytes in the transmission',
    runs: 250,
    property: (scene) =>
      fc.asyncProperty(requests, headers, async (list, kind) => {
        const peer = scene.connect();
        await goWith(peer, scene.rig.name, kind);
        for (const { payload, ...each } of list) {
          const harmless = each.offset >= deviceBytes || each.offset + 70_000n < reserved;
          const flags = harmless ? each.flags : 0xffff;
          const long = each.type === 4 || each.type === 6;
          const length = long && each.length > 70_000n ? each.length % 70_000n : each.length;
          peer.send(requestBytes({ ...each, flags, length }, kind, 1n), Buffer.from(payload));
        }
        await goes(scene, peer);
      }),
  },
  {
    name: 'requests of good form are each answered once',
    runs: 150,
    property: (scene) => fc.asyncProperty(requests, headers, answeredOnce(scene)),
  },
];

function answeredOnce(scene: FuzzScene): (list: readonly Drawn[], kind: Headers) => Promise<void> {
  return async (list, kind) => {
    const peer = scene.connect();
    await goWith(peer, scene.rig.name, kind);
    const expected = new Map<bigint, number>();
    for (const [index, each] of list.entries()) {
      const cookie = BigInt(index) << 40n;
      const type = each.type === 2 ? 3 : each.type;
      const carries = kind === 'extended' ? (each.flags & 32) !== 0 : type === 1;
      const length = carries || type === 4 || type === 6 ? each.length % 70_000n : each.length;
      const offset = each.offset % (reserved - 70_000n);
      peer.send(requestBytes({ ...each, type, offset, length }, kind, cookie));
      if (carries) peer.send(Buffer.alloc(Number(length), index));
      expected.set(cookie, type === 0 ? Number(length & 0xffff_ffffn) : 0);
    }
    while (expected.size > 0) {
      const cookie = await nextReply(peer, expected);
      if (cookie !== undefined) assert.ok(expected.delete(cookie), 'one answer to a request');
    }
    await goes(scene, peer);
  };
}

/** The cookie of the next reply that is whole, or nothing for a chunk that others follow. */
async function nextReply(
  peer: RawPeer,
  expected: ReadonlyMap<bigint, number>,
): Promise<bigint | undefined> {
  const head = await peer.receive(16);
  assert.ok(head, 'the connection is there');
  const cookie = head.readBigUInt64BE(8);
  const magic = head.readUInt32BE(0);
  if (magic === 0x67446698) {
    const data = head.readUInt32BE(4) === 0 ? (expected.get(cookie) ?? 0) : 0;
    if (data > 0) await peer.receive(data);
    return cookie;
  }
  const extended = magic === 0x6e8a278c;
  assert.ok(extended || magic === 0x668e33ef);
  const rest = await peer.receive(extended ? 16 : 4);
  assert.ok(rest);
  const length = extended ? Number(rest.readBigUInt64BE(8)) : rest.readUInt32BE(0);
  if (length > 0) await peer.receive(length);
  return (head.readUInt16BE(4) & 1) === 1 ? cookie : undefined;
}

/** What holds after any number of bad peers. */
export async function assertUnharmed({ rig }: FuzzScene): Promise<void> {
  await until(() => rig.server.sharedBytesLent === 0, 'all memory is given back');
  const faults = rig.events.filter((event) => event.kind === 'fault');
  assert.deepEqual(faults, [], 'the device was never misused');
}

/** A peer that waits for ever has found something; what it did is told with the failure. */
export const patience = { timeout: 120_000, endOnFailure: true };

/** Bad peers of all kinds in turn, for so many seconds; gives the number of them. */
export async function fuzzNbd(options: { seed: number; seconds: number }): Promise<number> {
  await using scene = await startFuzzScene();
  const end = monotonicMs() + options.seconds * 1000;
  let peers = 0;
  for (let round = 0; monotonicMs() < end; round += 1) {
    for (const { property } of badnesses) {
      const numRuns = 25;
      await fc.assert(property(scene), { seed: options.seed + round, numRuns, ...patience });
      peers += numRuns;
    }
    await assertUnharmed(scene);
    scene.rig.events.splice(0);
  }
  return peers;
}
