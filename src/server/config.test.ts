import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { isOperatingError } from '../base/errors.ts';
import { readConfig, type ServeOptions } from './config.ts';

function refusal(options: ServeOptions): string {
  try {
    readConfig(options);
  } catch (error) {
    assert.ok(isOperatingError(error, 'invalid_input'));
    return error.message;
  }
  return '';
}

test('the defaults are those of the README', () => {
  const config = readConfig({ data: '/srv/firn' });
  assert.deepEqual(config.listen, { host: '127.0.0.1', port: 8776 });
  assert.deepEqual(config.nbd, { host: '127.0.0.1', port: 10_809 });
  assert.equal(config.nbdSocketPath, '/srv/firn/nbd.sock');
  assert.equal(config.storeUrl, 'file:///srv/firn/backups');
  assert.equal(config.keyPath, '/srv/firn/firn.key');
});

test('IPv6 addresses stand in brackets', () => {
  const config = readConfig({ listen: '[::]:80', nbd: '[::1]:0' });
  assert.deepEqual(config.listen, { host: '::', port: 80 });
  assert.deepEqual(config.nbd, { host: '::1', port: 0 });
});

test('what makes no sense is refused by the name of its flag', () => {
  for (const listen of ['', '8776', '127.0.0.1', 'host:99999', 'host:-1', '::1:80', 'a b:1']) {
    assert.match(refusal({ listen }), /^--listen /, listen);
  }
  assert.match(
    refusal({ nbd: '10.0.0.1:10809' }),
    /^--nbd 10.0.0.1:10809: expected TLS .*-insecure/,
  );
  assert.match(refusal({ store: 'backups' }), /^--store backups: expected a URL/);
  assert.match(refusal({ nbdSocket: `/${'x'.repeat(120)}` }), /^--nbd-socket .*107 bytes/);
  assert.match(refusal({ publicUrl: 'ftp://x' }), /^--public-url /);
  assert.match(refusal({ logLevel: 'loud' }), /^--log-level loud: expected one of/);
  assert.match(refusal({ data: '' }), /^--data /);
});

test('NBD beyond this machine is in TLS, or in clear when that is said', () => {
  const tls = { nbdTlsCert: 'cert.pem', nbdTlsKey: '/key.pem' };
  const config = readConfig({ nbd: '10.0.0.1:10809', ...tls, nbdTlsClientCa: 'ca.pem' });
  assert.deepEqual(config.nbdTls, {
    certificate: resolve('cert.pem'),
    key: '/key.pem',
    clientAuthority: resolve('ca.pem'),
  });
  assert.equal(config.nbdPublic, undefined);
  assert.equal(readConfig({ nbd: '10.0.0.1:1', nbdInsecure: 'true' }).nbdTls, undefined);
  assert.match(refusal({ nbd: '10.0.0.1:1', nbdInsecure: 'false' }), /^--nbd /);
  assert.match(refusal({ nbdInsecure: 'yes' }), /^--nbd-insecure yes: expected true or false/);
  assert.match(refusal({ ...tls, nbdInsecure: 'true' }), /^--nbd-insecure and --nbd-tls-cert/);
  assert.match(refusal({ nbdTlsCert: 'c' }), /^--nbd-tls-cert needs --nbd-tls-key/);
  assert.match(refusal({ nbdTlsKey: 'k' }), /^--nbd-tls-key needs --nbd-tls-cert/);
  assert.match(refusal({ nbdTlsClientCa: 'a' }), /^--nbd-tls-client-ca needs --nbd-tls-cert and/);
});

test('who listens on all addresses says which of them clients are told', () => {
  const open = { nbd: '0.0.0.0:10809', nbdInsecure: 'true' };
  assert.match(refusal(open), /^--nbd 0.0.0.0:10809: expected --nbd-public HOST:PORT/);
  assert.match(refusal({ ...open, nbd: '[::]:1' }), /^--nbd \[::\]:1: expected --nbd-public/);
  assert.deepEqual(readConfig({ ...open, nbdPublic: 'nbd.example:99' }).nbdPublic, {
    host: 'nbd.example',
    port: 99,
  });
  const behind = readConfig({ ...open, publicUrl: 'https://[2001:db8::1]/firn' });
  assert.deepEqual(behind.nbdPublic, { host: '2001:db8::1', port: 10_809 });
  for (const nbdPublic of ['nbd.example', 'nbd.example:0', '0.0.0.0:1']) {
    assert.match(refusal({ ...open, nbdPublic }), /^--nbd-public /);
  }
});
