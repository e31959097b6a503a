import assert from 'node:assert/strict';
import { connect as connectTcp } from 'node:net';
import test from 'node:test';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import type { BlockDevice } from '../volume/block-device.ts';
import { openMemoryDevice } from '../volume/memory-device.ts';
import { makeCertificate, makeCertificates } from './certificate-fixture.ts';
import type { NbdLimits } from './limits.ts';
import { exportQuery, RawPeer, startTestServer, until, type TestServer } from './test-server.ts';
import type { NbdTls } from './tls.ts';
import { option, optionReply } from './wire.ts';

const memory = (): BlockDevice => openMemoryDevice({ lengthBytes: 64 * 1024 * 1024 });

const { authority, server, client } = makeCertificates();
const oneSided: NbdTls = { certificate: server.certificate, key: server.key };
const mutual: NbdTls = { ...oneSided, clientAuthority: authority.certificate };

interface TlsRig extends AsyncDisposable {
  readonly rig: TestServer;
  /** A peer in clear. */
  readonly connect: () => RawPeer;
  /** A peer in TLS, before its first option. */
  readonly secure: (options?: ConnectionOptions) => Promise<RawPeer>;
}

async function startTlsServer(
  tls: NbdTls = oneSided,
  limits: Partial<NbdLimits> = {},
): Promise<TlsRig> {
  const rig = await startTestServer(memory(), { tls, limits });
  const { port } = await rig.server.listenTcp('127.0.0.1', 0);
  const connect = (): RawPeer => new RawPeer(connectTcp(port, '127.0.0.1'));
  const secure = async (options: ConnectionOptions = {}): Promise<RawPeer> => {
    const peer = connect();
    await peer.greet();
    assert.equal(typeOf(await peer.ask(option.startTls)), optionReply.ack);
    const ca = authority.certificate;
    return new RawPeer(connectTls({ socket: peer.release(), ca, host: 'localhost', ...options }));
  };
  return { rig, connect, secure, [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose]() };
}

const typeOf = (replies: readonly { type: number }[]): number | undefined => replies.at(-1)?.type;

test('nothing but STARTTLS and ABORT is answered in clear; all is inside', async () => {
  await using tls = await startTlsServer();
  const peer = tls.connect();
  await peer.greet();
  const go = exportQuery(tls.rig.name);
  for (const type of [option.list, option.structuredReply, option.info, option.go, 9, 10, 11, 99]) {
    assert.equal(typeOf(await peer.ask(type, go)), optionReply.errTlsRequired);
  }
  assert.equal(typeOf(await peer.ask(option.abort)), optionReply.ack);
  await peer.closed;
  const inside = await tls.secure();
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
  await until(() => tls.rig.watched.closed === 1, 'the device is closed');
});

test('EXPORT_NAME in clear ends the connection', async () => {
  await using tls = await startTlsServer();
  const peer = tls.connect();
  await peer.greet();
  peer.sendOption(option.exportName, Buffer.from(tls.rig.name));
  await peer.closed;
  assert.equal(tls.rig.watched.opened, 0);
});

test('bytes in clear that come with STARTTLS end the connection', async () => {
  await using tls = await startTlsServer();
  const peer = tls.connect();
  await peer.greet();
  const startTls = Buffer.from('IHAVEOPT\0\0\0\x05\0\0\0\0', 'latin1');
  peer.send(Buffer.concat([startTls, Buffer.from('IHAVEOPT')]));
  await peer.closed;
});

test('a peer that does not speak TLS after all is cut, and others go on', async () => {
  await using tls = await startTlsServer();
  const peer = tls.connect();
  await peer.greet();
  assert.equal(typeOf(await peer.ask(option.startTls)), optionReply.ack);
  peer.send(Buffer.alloc(100, 'x'));
  await peer.closed;
  await until(() => tls.rig.events.length === 1, 'the end is logged');
  assert.ok(tls.rig.events.every((event) => event.kind === 'closed'));
  const next = await tls.secure();
  assert.equal(typeOf(await next.ask(option.list)), optionReply.ack);
});

test('who leaves while TLS begins is gone, however long a handshake may take', async () => {
  await using tls = await startTlsServer(oneSided, { handshakeTimeoutMs: 3_600_000 });
  for (const said of ['', '\x16\x03\x01\x01\x00\x01']) {
    const peer = tls.connect();
    await peer.greet();
    await peer.ask(option.startTls);
    peer.send(Buffer.from(said, 'latin1'));
    peer.socket.end();
    await peer.closed;
  }
});

test('garbage inside TLS ends that connection alone, and its device is closed', async () => {
  await using tls = await startTlsServer();
  const bystander = await tls.secure();
  const peer = tls.connect();
  await peer.greet();
  await peer.ask(option.startTls);
  const clear = peer.release();
  const inside = new RawPeer(
    connectTls({ socket: clear, ca: authority.certificate, host: 'localhost' }),
  );
  assert.equal(typeOf(await inside.ask(option.go, exportQuery(tls.rig.name))), optionReply.ack);
  clear.write(Buffer.alloc(64, 'x'));
  await inside.closed;
  await until(() => tls.rig.watched.closed === 1, 'the device is closed');
  assert.equal(typeOf(await bystander.ask(option.list)), optionReply.ack);
});

test('the unix socket stays in clear, and there is no TLS on it', async () => {
  await using tls = await startTlsServer();
  const peer = new RawPeer(tls.rig.path);
  await peer.greet();
  assert.equal(typeOf(await peer.ask(option.startTls)), optionReply.errPolicy);
  assert.equal(typeOf(await peer.ask(option.go, exportQuery(tls.rig.name))), optionReply.ack);
});

test('TLS 1.2 and 1.3 are spoken, and nothing older', async () => {
  await using tls = await startTlsServer();
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const peer = await tls.secure({ maxVersion });
    assert.equal(typeOf(await peer.ask(option.list)), optionReply.ack, maxVersion);
  }
  const old = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' } as const;
  const peer = await tls.secure(old);
  assert.deepEqual(await peer.ask(option.list), []);
});

test('with an authority for clients, only whom it has signed for gets in', async () => {
  await using tls = await startTlsServer(mutual);
  const shown = (who: { certificate: string; key: string }): ConnectionOptions => ({
    cert: who.certificate,
    key: who.key,
  });
  const friend = await tls.secure(shown(client));
  assert.equal(typeOf(await friend.ask(option.go, exportQuery(tls.rig.name))), optionReply.ack);
  const stranger = makeCertificates();
  const by = authority;
  const refused: Record<string, ConnectionOptions> = {
    'no certificate': {},
    'of another authority': shown(stranger.client),
    'signed by itself': shown(makeCertificate({ subject: 'client', use: 'client' })),
    expired: shown(makeCertificate({ subject: 'c', by, use: 'client', fromDay: -9, toDay: -1 })),
    'not valid yet': shown(makeCertificate({ subject: 'c', by, use: 'client', fromDay: 1 })),
    'of a server': shown(server),
    'signed by a client': shown(makeCertificate({ subject: 'c', by: client, use: 'client' })),
  };
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    for (const [why, options] of Object.entries(refused)) {
      const peer = await tls.secure({ ...options, maxVersion });
      assert.deepEqual(await peer.ask(option.list), [], `${maxVersion}: ${why}`);
      await peer.closed;
    }
  }
  assert.equal(tls.rig.watched.opened, 1);
});

test('renewed certificates are for new connections; those that are there live on', async () => {
  await using tls = await startTlsServer();
  const before = await tls.secure();
  const renewed = makeCertificates();
  tls.rig.server.renewTls({ certificate: renewed.server.certificate, key: renewed.server.key });
  assert.equal(typeOf(await before.ask(option.list)), optionReply.ack);
  const after = await tls.secure({ ca: renewed.authority.certificate });
  assert.equal(typeOf(await after.ask(option.list)), optionReply.ack);
  const distrusting = await tls.secure();
  assert.deepEqual(await distrusting.ask(option.list), []);
});
