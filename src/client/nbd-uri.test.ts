import assert from 'node:assert/strict';
import test from 'node:test';
import { parseNbdUri } from './nbd-uri.ts';

test('a TCP address has a host, a port and an export', () => {
  const exportName = 'a-b_c';
  assert.deepEqual(parseNbdUri('nbd://host:1234/a-b_c'), { host: 'host', port: 1234, exportName });
  assert.deepEqual(parseNbdUri('nbd://10.0.0.1/a-b_c'), {
    host: '10.0.0.1',
    port: 10809,
    exportName,
  });
  assert.deepEqual(parseNbdUri('nbd://[::1]:99/a-b_c'), { host: '::1', port: 99, exportName });
  assert.deepEqual(parseNbdUri('nbd://host/a%2Fb'), {
    host: 'host',
    port: 10809,
    exportName: 'a/b',
  });
});

test('an address in TLS may name a folder of certificates', () => {
  const place = { host: 'host', port: 10809, exportName: 'x' };
  assert.deepEqual(parseNbdUri('nbds://host/x'), { ...place, secure: {} });
  assert.deepEqual(parseNbdUri('nbds://host/x?tls-certificates=/a%20b'), {
    ...place,
    secure: { certificates: '/a b' },
  });
});

test('a unix address has a path and an export', () => {
  assert.deepEqual(parseNbdUri('nbd+unix:///name?socket=/run/a%20b.sock'), {
    path: '/run/a b.sock',
    exportName: 'name',
  });
});

test('anything else is invalid input, and is not repeated', () => {
  assert.throws(
    () => parseNbdUri('nbd:///secret-name'),
    (error: Error) => !/secret/.test(error.message),
  );
  const wrong = [
    '',
    'host',
    'http://host/x',
    'nbd:///x',
    'nbd+unix:///x',
    'nbd://host/%ff',
    'nbds:///x',
  ];
  for (const uri of [...wrong, 'nbd+unix:///x?socket=', 'nbd+unix://host/x?socket=/y']) {
    assert.throws(() => parseNbdUri(uri), { code: 'invalid_input' }, uri);
  }
});
