import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { isOperatingError } from '../base/errors.ts';
import { gatherOptions } from './config-source.ts';
import { type Config, readConfig } from './config.ts';

const environment = {};

/** A configuration that flags alone give. */
async function configOf(flags: Record<string, string>): Promise<Config> {
  const { given } = await gatherOptions({
    flags: { '--data': '/srv/firn', ...flags },
    environment,
  });
  return readConfig(given);
}

async function refusal(source: Promise<Config>): Promise<string> {
  const error: unknown = await source.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(isOperatingError(error, 'invalid_input'), String(error));
  return error.message;
}

test('the defaults are those of the README', async () => {
  const config = await configOf({ '--data': '/srv/firn' });
  assert.deepEqual(config.listen, { host: '127.0.0.1', port: 8776 });
  assert.deepEqual(config.nbd, { host: '127.0.0.1', port: 10_809 });
  assert.equal(config.nbdSocketPath, '/srv/firn/nbd.sock');
  assert.equal(config.storeUrl, 'file:///srv/firn/backups');
  assert.equal(config.keyPath, '/srv/firn/firn.key');
});

test('IPv6 addresses stand in brackets', async () => {
  const config = await configOf({ '--listen': '[::]:80', '--nbd': '[::1]:0' });
  assert.deepEqual(config.listen, { host: '::', port: 80 });
  assert.deepEqual(config.nbd, { host: '::1', port: 0 });
});

test('what makes no sense is refused by the name of its flag', async () => {
  for (const listen of ['', '8776', '127.0.0.1', 'host:99999', 'host:-1', '::1:80', 'a b:1']) {
    assert.match(await refusal(configOf({ '--listen': listen })), /^--listen /, listen);
  }
  assert.match(
    await refusal(configOf({ '--nbd': '10.0.0.1:10809' })),
    /^--nbd 10.0.0.1:10809: expected TLS .*-insecure/,
  );
  assert.match(
    await refusal(configOf({ '--store': 'backups' })),
    /^--store backups: expected a URL/,
  );
  assert.match(
    await refusal(configOf({ '--nbd-socket': `/${'x'.repeat(120)}` })),
    /^--nbd-socket .*107 bytes/,
  );
  assert.match(await refusal(configOf({ '--public-url': 'ftp://x' })), /^--public-url /);
  assert.match(
    await refusal(configOf({ '--log-level': 'loud' })),
    /^--log-level loud: expected one of/,
  );
  assert.match(await refusal(configOf({ '--data': '' })), /^--data /);
});

test('NBD beyond this machine is in TLS, or in clear when that is said', async () => {
  const tls = { '--nbd-tls-cert': 'cert.pem', '--nbd-tls-key': '/key.pem' };
  const config = await configOf({
    '--nbd': '10.0.0.1:10809',
    ...tls,
    '--nbd-tls-client-ca': 'ca.pem',
  });
  assert.deepEqual(config.nbdTls, {
    certificate: resolve('cert.pem'),
    key: '/key.pem',
    clientAuthority: resolve('ca.pem'),
  });
  assert.equal(config.nbdPublic, undefined);
  assert.equal(
    (await configOf({ '--nbd': '10.0.0.1:1', '--nbd-insecure': 'true' })).nbdTls,
    undefined,
  );
  assert.match(
    await refusal(configOf({ '--nbd': '10.0.0.1:1', '--nbd-insecure': 'false' })),
    /^--nbd /,
  );
  assert.match(
    await refusal(configOf({ '--nbd-insecure': 'yes' })),
    /^--nbd-insecure yes: expected true or false/,
  );
  assert.match(
    await refusal(configOf({ ...tls, '--nbd-insecure': 'true' })),
    /^--nbd-insecure and --nbd-tls-cert/,
  );
  assert.match(
    await refusal(configOf({ '--nbd-tls-cert': 'c' })),
    /^--nbd-tls-cert needs --nbd-tls-key/,
  );
  assert.match(
    await refusal(configOf({ '--nbd-tls-key': 'k' })),
    /^--nbd-tls-key needs --nbd-tls-cert/,
  );
  assert.match(
    await refusal(configOf({ '--nbd-tls-client-ca': 'a' })),
    /^--nbd-tls-client-ca needs --nbd-tls-cert and/,
  );
});

test('who listens on all addresses says which of them clients are told', async () => {
  const open = { '--nbd': '0.0.0.0:10809', '--nbd-insecure': 'true' };
  assert.match(
    await refusal(configOf(open)),
    /^--nbd 0.0.0.0:10809: expected --nbd-public HOST:PORT/,
  );
  assert.match(
    await refusal(configOf({ ...open, '--nbd': '[::]:1' })),
    /^--nbd \[::\]:1: expected --nbd-public/,
  );
  assert.deepEqual((await configOf({ ...open, '--nbd-public': 'nbd.example:99' })).nbdPublic, {
    host: 'nbd.example',
    port: 99,
  });
  const behind = await configOf({ ...open, '--public-url': 'https://[2001:db8::1]/firn' });
  assert.deepEqual(behind.nbdPublic, { host: '2001:db8::1', port: 10_809 });
  for (const nbdPublic of ['nbd.example', 'nbd.example:0', '0.0.0.0:1']) {
    assert.match(await refusal(configOf({ ...open, '--nbd-public': nbdPublic })), /^--nbd-public /);
  }
});
