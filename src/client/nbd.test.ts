/** The client against servers of a test's own making: old ones, failing ones, broken ones. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { connectNbd, type NbdClient } from './nbd.ts';

const bytes = (spaced: string): Buffer => Buffer.from(spaced.replaceAll(' ', ''), 'hex');

const greeting = Buffer.concat([Buffer.from('NBDMAGICIHAVEOPT'), bytes('0003')]);
const replyMagic = '0003e889045565a9';
const exportInfo = `${replyMagic} 00000007 00000003 0000000c 0000 0000000000100000 0001`;
const contextName = Buffer.from('base:allocation').toString('hex');
const accept = {
  structured: bytes(`${replyMagic} 00000008 00000001 00000000`),
  context: bytes(
    `${replyMagic} 0000000a 00000004 00000013 0000002a ${contextName}` +
      `${replyMagic} 0000000a 00000001 00000000`,
  ),
  go: bytes(`${exportInfo} ${replyMagic} 00000007 00000001 00000000`),
};
const unsupported = bytes(`${replyMagic} 00000008 80000001 00000000`);

interface Scripted extends AsyncDisposable {
  readonly uri: string;
}

/** A server that says `hello` at once and then answers the requests as `answer` does. */
async function startScripted(
  hello: Buffer,
  answer: (request: Buffer, socket: Socket) => Buffer | undefined,
): Promise<Scripted> {
  const folder = await mkdtemp(join(tmpdir(), 'firn-nbd-client-'));
  const path = join(folder, 'nbd.sock');
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.write(hello);
    let input = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      input = Buffer.concat([input, chunk]);
      for (let at = nextRequest(input); at >= 0; at = nextRequest(input)) {
        const request = input.subarray(at, at + 28);
        input = input.subarray(at + 28);
        const reply = answer(request, socket);
        if (reply !== undefined) socket.write(reply);
      }
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(path, resolve);
  });
  return {
    uri: `nbd+unix:///name?socket=${path}`,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => {
        server.close(resolve);
      });
      await rm(folder, { recursive: true });
    },
  };
}

/** Where the next whole request begins, past the options of the handshake, or -1. */
function nextRequest(input: Buffer): number {
  const at = input.indexOf(bytes('25609513'));
  return at >= 0 && input.length >= at + 28 ? at : -1;
}

const modern = Buffer.concat([greeting, accept.structured, accept.context, accept.go]);
const old = Buffer.concat([greeting, unsupported, accept.go]);

const cookieOf = (request: Buffer): string => request.toString('hex', 8, 16);
const simple = (request: Buffer, errno: string): Buffer =>
  bytes(`67446698 ${errno} ${cookieOf(request)}`);

/** Connects to a modern server that answers each request with the chunks, given as text. */
async function withChunks(
  chunks: (cookie: string) => string,
  use: (client: NbdClient) => Promise<void>,
): Promise<void> {
  await using server = await startScripted(modern, (request) => bytes(chunks(cookieOf(request))));
  await use(await connectNbd({ uri: server.uri }));
}

test('a server without structured replies is read all the same', async () => {
  await using server = await startScripted(old, (request) =>
    Buffer.concat([simple(request, '00000000'), Buffer.from('hello')]),
  );
  const client = await connectNbd({ uri: server.uri });
  assert.equal(client.lengthBytes, 1024 * 1024);
  const target = Buffer.alloc(5);
  await client.read(0, target);
  assert.equal(target.toString(), 'hello');
  assert.deepEqual(await client.extents(0, 10), [
    { offsetBytes: 0, lengthBytes: 10, kind: 'data' },
  ]);
  await client.disconnect();
  await assert.rejects(client.flush(), { code: 'invalid_state' });
});

test('answers in another order, in pieces and with holes come together', async () => {
  const requests: Buffer[] = [];
  await using server = await startScripted(modern, (request) => {
    requests.push(request);
    const [first, second] = requests;
    if (first === undefined || second === undefined) return undefined;
    const data = `668e33ef 0000 0001 ${cookieOf(first)} 0000000a 0000000000000003 6161`;
    const other = `668e33ef 0001 0001 ${cookieOf(second)} 00000009 0000000000000064 62`;
    const hole = `668e33ef 0001 0002 ${cookieOf(first)} 0000000c 0000000000000000 00000003`;
    return bytes(data + other + hole);
  });
  const client = await connectNbd({ uri: server.uri });
  const targets = [Buffer.alloc(5, 1), Buffer.alloc(1, 1)] as const;
  await Promise.all([client.read(0, targets[0]), client.read(100, targets[1])]);
  assert.equal(targets[0].toString(), '\0\0\0aa');
  assert.equal(targets[1].toString(), 'b');
});

test('every errno is an operating error with its name', async () => {
  const expected = {
    '00000001': ['read_only', /EPERM/],
    '00000005': ['io', /EIO/],
    '0000000c': ['unavailable', /ENOMEM/],
    '00000016': ['invalid_input', /EINVAL/],
    '0000001c': ['no_space', /ENOSPC/],
    '0000004b': ['invalid_input', /EOVERFLOW/],
    '0000005f': ['invalid_input', /ENOTSUP/],
    '0000006c': ['unavailable', /ESHUTDOWN/],
    '00001234': ['invalid_input', /EINVAL \(4660\)/],
  } as const;
  const errnos = Object.keys(expected);
  await using server = await startScripted(modern, (request) =>
    simple(request, errnos[request.readUInt32BE(20)] ?? ''),
  );
  const client = await connectNbd({ uri: server.uri });
  for (const [index, [code, message]] of Object.values(expected).entries()) {
    await assert.rejects(client.zero(index, 1), { code, message });
  }
});

test('the message of a structured error is kept', async () => {
  await withChunks(
    (cookie) => `668e33ef 0001 8001 ${cookie} 00000008 0000001c 0002 6e6f`,
    (client) => assert.rejects(client.read(0, Buffer.alloc(1)), { message: /ENOSPC: no$/ }),
  );
});

test('a read that is answered in part is an error', async () => {
  await withChunks(
    (cookie) => `668e33ef 0001 0001 ${cookie} 00000009 0000000000000000 61`,
    (client) => assert.rejects(client.read(0, Buffer.alloc(2)), { code: 'io', message: /in part/ }),
  );
});

test('a server that breaks the protocol ends everything that is pending', async () => {
  const breaches: ((cookie: string) => string)[] = [
    () => '67446698 00000000 00000000 00000063',
    (cookie) => `11111111 00000000 ${cookie}`,
    (cookie) => `668e33ef 0001 0001 ${cookie} 0000000a 0000000000000000 6161`,
    (cookie) => `668e33ef 0001 0001 ${cookie} 00000009 ffffffffffffffff 61`,
    (cookie) => `668e33ef 0001 0002 ${cookie} 0000000c 0000000000000000 ffffffff`,
    (cookie) => `668e33ef 0001 0007 ${cookie} 00000000`,
    (cookie) => `668e33ef 0001 0005 ${cookie} ffffffff`,
  ];
  for (const breach of breaches) {
    await withChunks(breach, async (client) => {
      const one = assert.rejects(client.read(0, Buffer.alloc(1)), { code: 'io' });
      const two = assert.rejects(client.flush(), { code: 'io' });
      await Promise.all([one, two]);
      await assert.rejects(client.flush(), { code: 'io' });
      await client.disconnect();
    });
  }
});

test('a lost connection ends everything that is pending', async () => {
  await using server = await startScripted(modern, (_, socket) => {
    socket.destroy();
    return undefined;
  });
  const client = await connectNbd({ uri: server.uri });
  await assert.rejects(client.flush(), { code: 'unavailable' });
  await assert.rejects(client.flush(), { code: 'unavailable' });
});

test('a handshake with nonsense is refused', async () => {
  const refused = bytes(`${replyMagic} 00000007 80000006 00000002 6e6f`);
  for (const [hello, code] of [
    [Buffer.alloc(18, 'x'), 'io'],
    [Buffer.concat([Buffer.from('NBDMAGICIHAVEOPT'), bytes('0000')]), 'io'],
    [Buffer.concat([greeting, Buffer.alloc(20)]), 'io'],
    [Buffer.concat([greeting, unsupported, refused]), 'not_found'],
    [Buffer.concat([greeting, unsupported, accept.go.subarray(32)]), 'io'],
  ] as const) {
    await using server = await startScripted(hello, () => undefined);
    await assert.rejects(connectNbd({ uri: server.uri }), { code });
  }
});

test('a malformed block status is an error', async () => {
  for (const payload of [
    '0000000c 0000002b 00000001 00000000',
    '0000000c 0000002a 00000000 00000000',
    '00000004 0000002a',
  ]) {
    await withChunks(
      (cookie) => `668e33ef 0001 0005 ${cookie} ${payload}`,
      (client) => assert.rejects(client.extents(0, 10), { code: 'io', message: /malformed/ }),
    );
  }
});
