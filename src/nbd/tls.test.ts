import assert from 'node:assert/strict';
import { connect as connectTcp } from 'node:net';
import test from 'node:test';
import { connect as connectTls, createSecureContext } from 'node:tls';
import type { BlockDevice } from '../volume/block-device.ts';
import { openMemoryDevice } from '../volume/memory-device.ts';
import { exportQuery, RawPeer, startTestServer, until } from './test-server.ts';
import { option, optionReply } from './wire.ts';

const memory = (): BlockDevice => openMemoryDevice({ lengthBytes: 64 * 1024 * 1024 });

/** Anonymous key exchange: TLS without any certificate, good enough to test the protocol. */
const anonymous = { ciphers: 'AECDH-AES256-SHA:@SECLEVEL=0', maxVersion: 'TLSv1.2' } as const;

async function startTlsServer(): Promise<{
  rig: Awaited<ReturnType<typeof startTestServer>>;
  connect: () => RawPeer;
}> {
  const rig = await startTestServer(memory(), { tls: createSecureContext(anonymous) });
  const { port } = await rig.server.listenTcp('127.0.0.1', 0);
  return { rig, connect: () => new RawPeer(connectTcp(port, '127.0.0.1')) };
}

const typeOf = (replies: readonly { type: number }[]): number | undefined => replies.at(-1)?.type;

test('nothing but STARTTLS and ABORT is answered in clear; all is inside', async () => {
  const { rig, connect } = await startTlsServer();
  await using _ = rig;
  const peer = connect();
  await peer.greet();
  const go = exportQuery(rig.name);
  for (const type of [option.list, option.structuredReply, option.info, option.go, 99]) {
    assert.equal(typeOf(await peer.ask(type, go)), optionReply.errTlsRequired);
  }
  assert.equal(typeOf(await peer.ask(option.startTls)), optionReply.ack);
  const inside = new RawPeer(
    connectTls({ socket: peer.release(), ...anonymous, rejectUnauthorized: false }),
  );
  assert.equal(typeOf(await inside.ask(option.startTls)), optionReply.errInvalid);
  assert.equal(typeOf(await inside.ask(option.go, go)), optionReply.ack);
  inside.request({ type: 1, cookie: 1n, length: 100_000 });
  inside.send(Buffer.alloc(100_000, 9));
  assert.equal(await inside.simpleReply(1n), 0);
  inside.request({ type: 0, cookie: 2n, length: 100_000 });
  assert.equal(await inside.simpleReply(2n), 0);
  assert.ok((await inside.receive(100_000))?.every((byte) => byte === 9));
  inside.request({ type: 2 });
  await inside.closed;
  await until(() => rig.watched.closed === 1, 'the device is closed');
});

test('EXPORT_NAME in clear ends the connection', async () => {
  const { rig, connect } = await startTlsServer();
  await using _ = rig;
  const peer = connect();
  await peer.greet();
  peer.sendOption(option.exportName, Buffer.from(rig.name));
  await peer.closed;
  assert.equal(rig.watched.opened, 0);
});

test('bytes in clear that come with STARTTLS end the connection', async () => {
  const { rig, connect } = await startTlsServer();
  await using _ = rig;
  const peer = connect();
  await peer.greet();
  const startTls = Buffer.from('IHAVEOPT\0\0\0\x05\0\0\0\0', 'latin1');
  peer.send(Buffer.concat([startTls, Buffer.from('IHAVEOPT')]));
  await peer.closed;
});

test('a peer that does not speak TLS after all is cut, and others go on', async () => {
  const { rig, connect } = await startTlsServer();
  await using _ = rig;
  const peer = connect();
  await peer.greet();
  assert.equal(typeOf(await peer.ask(option.startTls)), optionReply.ack);
  peer.send(Buffer.alloc(100, 'x'));
  await peer.closed;
  await until(() => rig.events.length === 1, 'the end is logged');
  assert.ok(rig.events.every((event) => event.kind === 'closed'));
  const next = connect();
  await next.greet();
  assert.equal(typeOf(await next.ask(option.startTls)), optionReply.ack);
});
