import assert from 'node:assert/strict';
import test from 'node:test';
import { OperatingError } from '../base/errors.ts';
import { newSecret } from '../base/ids.ts';
import type { BlockDevice } from '../volume/block-device.ts';
import { openMemoryDevice } from '../volume/memory-device.ts';
import type { NbdLimits } from './limits.ts';
import {
  contextQuery,
  exportQuery,
  hex,
  RawPeer,
  startTestServer,
  uint32,
  until,
} from './test-server.ts';
import { option, optionReply } from './wire.ts';

const memory = (): BlockDevice => openMemoryDevice({ lengthBytes: 64 * 1024 * 1024 });

const types = (replies: readonly { type: number }[]): number[] => replies.map(({ type }) => type);
const lengthBytes = 64 * 1024 * 1024;

test('the greeting is fixed newstyle without zeros', async () => {
  await using rig = await startTestServer(memory());
  const peer = new RawPeer(rig.path);
  assert.equal((await peer.receive(18))?.toString('latin1'), 'NBDMAGICIHAVEOPT\0\x03');
});

test('GO describes the export and enters transmission', async () => {
  await using rig = await startTestServer(memory());
  const peer = new RawPeer(rig.path);
  await peer.greet();
  const replies = await peer.ask(option.go, exportQuery(rig.name, [3]));
  assert.deepEqual(types(replies), [optionReply.info, optionReply.info, optionReply.ack]);
  assert.equal(replies[0]?.data.readBigUInt64BE(2), BigInt(lengthBytes));
  assert.equal(replies[0]?.data.readUInt16BE(10), 0b1101_0110_1101);
  assert.equal(replies[1]?.data.toString('hex'), hex('0003 00000001 00001000 02000000'));
  peer.request({ type: 3, cookie: 5n });
  assert.equal(await peer.simpleReply(5n), 0);
});

test('INFO then GO open the device once; another name opens another', async () => {
  await using rig = await startTestServer(memory());
  const other = newSecret();
  rig.exports.add(other, { readOnly: false, open: async () => rig.watched.device });
  const peer = new RawPeer(rig.path);
  await peer.greet();
  assert.equal((await peer.ask(option.info, exportQuery(rig.name))).at(-1)?.type, optionReply.ack);
  assert.equal((await peer.ask(option.info, exportQuery(rig.name))).at(-1)?.type, optionReply.ack);
  assert.deepEqual([rig.watched.opened, rig.watched.closed], [1, 0]);
  assert.equal((await peer.ask(option.info, exportQuery(other))).at(-1)?.type, optionReply.ack);
  assert.deepEqual([rig.watched.opened, rig.watched.closed], [1, 1]);
  assert.equal(rig.exports.connections(rig.name), 0);
  assert.equal(rig.exports.connections(other), 1);
});

test('the list is empty, whatever is exported', async () => {
  await using rig = await startTestServer(memory());
  const peer = new RawPeer(rig.path);
  await peer.greet();
  assert.deepEqual(types(await peer.ask(option.list)), [optionReply.ack]);
  assert.deepEqual(types(await peer.ask(option.list, Buffer.from('x'))), [optionReply.errInvalid]);
});

test('EXPORT_NAME answers with and without zeros, and ends for an unknown name', async () => {
  await using rig = await startTestServer(memory());
  for (const [flags, answerBytes] of [
    [3, 10],
    [1, 134],
    [0, 134],
  ] as const) {
    const peer = new RawPeer(rig.path);
    await peer.greet(flags);
    peer.sendOption(option.exportName, Buffer.from(rig.name));
    assert.equal((await peer.receive(answerBytes))?.readBigUInt64BE(0), BigInt(lengthBytes));
    peer.request({ type: 3, cookie: 9n });
    assert.equal(await peer.simpleReply(9n), 0);
  }
  const stranger = new RawPeer(rig.path);
  await stranger.greet();
  stranger.sendOption(option.exportName, Buffer.from(newSecret()));
  await stranger.closed;
});

test('ABORT is acknowledged and ends the connection', async () => {
  await using rig = await startTestServer(memory());
  const peer = new RawPeer(rig.path);
  await peer.greet();
  assert.deepEqual(types(await peer.ask(option.abort)), [optionReply.ack]);
  await peer.closed;
});

test('unknown options are unsupported and haggling goes on', async () => {
  await using rig = await startTestServer(memory());
  const peer = new RawPeer(rig.path);
  await peer.greet();
  for (const type of [0, 4, 12, 77, 0xffff_ffff]) {
    const replies = await peer.ask(type, Buffer.alloc(100));
    assert.deepEqual(types(replies), [optionReply.errUnsupported]);
  }
  assert.equal((await peer.ask(option.go, exportQuery(rig.name))).at(-1)?.type, optionReply.ack);
});

test('malformed, unknown and unopenable exports are refused and haggling goes on', async () => {
  await using rig = await startTestServer(memory());
  const unopenable = newSecret();
  const failure = new OperatingError('io', 'the disk is gone');
  const requestId = 'req-1';
  const open = () => Promise.reject(failure);
  rig.exports.add(unopenable, { readOnly: true, requestId, open });
  const peer = new RawPeer(rig.path);
  await peer.greet();
  const ask = async (data: Buffer): Promise<number[]> => types(await peer.ask(option.go, data));
  assert.deepEqual(await ask(Buffer.alloc(5)), [optionReply.errInvalid]);
  assert.deepEqual(await ask(exportQuery('x'.repeat(4097))), [optionReply.errInvalid]);
  assert.deepEqual(await ask(exportQuery('')), [optionReply.errUnknown]);
  assert.deepEqual(await ask(exportQuery(newSecret())), [optionReply.errUnknown]);
  assert.deepEqual(await ask(exportQuery(unopenable)), [optionReply.errUnknown]);
  assert.equal(rig.exports.connections(unopenable), 1, 'the claim lasts until the next choice');
  assert.deepEqual(rig.events, [{ kind: 'fault', connection: 1, requestId, error: failure }]);
  assert.equal((await ask(exportQuery(rig.name))).at(-1), optionReply.ack);
  assert.equal(rig.exports.connections(unopenable), 0);
});

test('STARTTLS without TLS is refused by policy', async () => {
  await using rig = await startTestServer(memory());
  const peer = new RawPeer(rig.path);
  await peer.greet();
  assert.deepEqual(types(await peer.ask(option.startTls)), [optionReply.errPolicy]);
  const withData = await peer.ask(option.startTls, Buffer.alloc(1));
  assert.deepEqual(types(withData), [optionReply.errInvalid]);
});

test('metadata contexts need structured replies and belong to one export', async () => {
  await using rig = await startTestServer(memory());
  const peer = new RawPeer(rig.path);
  await peer.greet();
  const query = contextQuery(rig.name, ['base:allocation']);
  const set = option.setMetaContext;
  assert.deepEqual(types(await peer.ask(set, query)), [optionReply.errInvalid]);
  await peer.ask(option.structuredReply);
  const selected = await peer.ask(set, query);
  assert.deepEqual(types(selected), [optionReply.metaContext, optionReply.ack]);
  assert.equal(selected[0]?.data.toString('latin1'), '\0\0\0\x01base:allocation');
  const unknown = await peer.ask(set, contextQuery(newSecret(), ['base:allocation']));
  assert.deepEqual(types(unknown), [optionReply.errUnknown]);
  const list = await peer.ask(option.listMetaContext, contextQuery(rig.name, ['base:']));
  assert.deepEqual(types(list), [optionReply.metaContext, optionReply.ack]);
  await peer.ask(option.go, exportQuery(rig.name));
  peer.request({ type: 7, length: 4096 });
  const error = await peer.receive(26);
  assert.equal(error?.readUInt32BE(20), 22, 'the failed selection took the earlier one back');
});

test('a peer that breaks the form is left without an answer', async () => {
  const breaches: ((peer: RawPeer) => void)[] = [
    (peer) => peer.send(uint32(4)),
    (peer) => peer.send(uint32(0x8000_0003)),
    (peer) => peer.send(uint32(0), Buffer.from('IHAVEOPT'), uint32(3), uint32(0)),
    (peer) => peer.send(uint32(3), Buffer.from('IHAVEOPX'), uint32(3), uint32(0)),
    (peer) => peer.send(uint32(3), Buffer.from('IHAVEOPT'), uint32(7), uint32(64 * 1024 + 1)),
  ];
  await using rig = await startTestServer(memory());
  for (const breach of breaches) {
    const peer = new RawPeer(rig.path);
    await peer.receive(18);
    breach(peer);
    assert.equal(await peer.receive(1), undefined);
    await peer.closed;
  }
  await until(() => rig.events.length === breaches.length, 'every end is logged');
});

test('the number of options and the time for them are limited', async () => {
  const endOf = async (limits: Partial<NbdLimits>, act: (peer: RawPeer) => Promise<void>) => {
    await using rig = await startTestServer(memory(), { limits });
    const peer = new RawPeer(rig.path);
    await act(peer);
    await peer.closed;
    await until(() => rig.events.length === 1, 'the end is logged');
    return rig.events.map((event) => (event.kind === 'closed' ? event.reason : event.kind));
  };
  const busy = async (peer: RawPeer): Promise<void> => {
    await peer.greet();
    for (let count = 0; count < 3; count += 1) await peer.ask(option.list);
  };
  const patient = { optionsMax: 3, handshakeTimeoutMs: 600_000 };
  assert.deepEqual(await endOf(patient, busy), ['too many options']);
  const silent = (): Promise<void> => Promise.resolve();
  assert.deepEqual(await endOf({ handshakeTimeoutMs: 50 }, silent), [
    'the handshake took too long',
  ]);
});
