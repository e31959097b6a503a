import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { test, type TestContext } from 'node:test';
import { createLog } from './log.ts';
import { buildApp } from './app.ts';

/** What is answered to these bytes on a connection of their own, until that is closed. */
async function ask(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(text);
  return Buffer.concat(await Array.fromAsync(socket)).toString();
}

async function listening(t: TestContext): Promise<number> {
  const app = buildApp({
    log: createLog({ level: 'silent' }),
    publicUrl: 'http://firn.test',
    audit: { record: async () => undefined },
    ready: async () => undefined,
    register: (app) => {
      app.get('/slow', (_request, reply) => {
        reply.raw.writeHead(200, { 'content-length': '10' });
        reply.raw.write('first');
      });
    },
  });
  t.after(() => app.close());
  await app.listen({ host: '127.0.0.1', port: 0 });
  return (app.server.address() as AddressInfo).port;
}

test('what is no request is answered in JSON that clients understand', async (t) => {
  const port = await listening(t);
  const secret = 's'.repeat(17_000);
  for (const [text, status, message] of [
    [`GET / HTTP/1.1\r\nHost: h\r\nX-Auth-Token: ${secret}\r\n\r\n`, 431, /16 KiB/],
    [`GET /${secret} HTTP/1.1\r\nHost: h\r\n\r\n`, 431, /16 KiB/],
    ['not http at all\r\n\r\n', 400, /not HTTP/],
    ['POST / HTTP/1.1\r\nHost: h\r\nContent-Length: many\r\n\r\n', 400, /not HTTP/],
  ] as const) {
    const [head = '', body = ''] = (await ask(port, text)).split('\r\n\r\n');
    assert.match(head, new RegExp(`^HTTP/1.1 ${status} `));
    assert.match(head, /x-openstack-request-id: req-/);
    const { error } = JSON.parse(body) as { error: { code: number; message: string } };
    assert.equal(error.code, status);
    assert.match(error.message, message);
    assert.ok(!body.includes('sss'));
  }
});

test('an answer that is on its way gets nothing into it', async (t) => {
  const port = await listening(t);
  const socket = connect(port, '127.0.0.1');
  socket.write('GET /slow HTTP/1.1\r\nHost: h\r\n\r\n');
  const [begun] = (await once(socket, 'data')) as [Buffer];
  assert.match(begun.toString(), /^HTTP\/1\.1 200/);
  socket.write('no request\r\n\r\n');
  const rest = await Array.fromAsync(socket).catch(() => []);
  assert.doesNotMatch(Buffer.concat([begun, ...rest]).toString(), /HTTP\/1\.1 400/);
});
