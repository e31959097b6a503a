import assert from 'node:assert/strict';
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
  assert.match(refusal({ nbd: '0.0.0.0:10809' }), /^--nbd .*no encryption/);
  assert.match(refusal({ store: 'backups' }), /^--store backups: expected a URL/);
  assert.match(refusal({ nbdSocket: `/${'x'.repeat(120)}` }), /^--nbd-socket .*107 bytes/);
  assert.match(refusal({ publicUrl: 'ftp://x' }), /^--public-url /);
  assert.match(refusal({ logLevel: 'loud' }), /^--log-level loud: expected one of/);
  assert.match(refusal({ data: '' }), /^--data /);
});
