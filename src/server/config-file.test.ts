import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { isOperatingError } from '../base/errors.ts';
import { gatherOptions } from './config-source.ts';
import { type Config, readConfig } from './config.ts';

let folder = '';

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'firn-config-'));
});
after(() => rm(folder, { recursive: true }));

async function configOf(
  text: string,
  over: { flags?: Record<string, string>; environment?: Record<string, string> } = {},
): Promise<Config> {
  const path = join(folder, 'firn.yaml');
  await writeFile(path, text);
  const { flags = {}, environment = {} } = over;
  const { given } = await gatherOptions({ flags: { '--config': path, ...flags }, environment });
  return readConfig(given);
}

async function mistakes(text: string): Promise<string[]> {
  const error: unknown = await configOf(text).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(isOperatingError(error, 'invalid_input'), String(error));
  return error.message.split('\n');
}

const whole = `# Firn
data: data        # beside this file
listen: 127.0.0.1:1
nbd:
  listen: 10.0.0.1:2
  tls: { cert: cert.pem, key: /key.pem }
store:
  url: file:///srv/backups
log: { level: info }
`;

test('a file sets what flags set; its paths are relative to its folder', async () => {
  const config = await configOf(whole);
  assert.equal(config.dataFolder, join(folder, 'data'));
  assert.deepEqual(config.listen, { host: '127.0.0.1', port: 1 });
  assert.deepEqual(config.nbd, { host: '10.0.0.1', port: 2 });
  assert.equal(config.nbdTls?.certificate, join(folder, 'cert.pem'));
  assert.equal(config.nbdTls?.key, '/key.pem');
  assert.equal(config.storeUrl, 'file:///srv/backups');
  assert.equal(config.logLevel, 'info');
});

test('flags win over the environment, which wins over the file', async () => {
  const environment = { FIRN_LISTEN: '127.0.0.1:5', FIRN_LOG: 'debug' };
  const config = await configOf(whole, { flags: { '--listen': '127.0.0.1:6' }, environment });
  assert.equal(config.listen.port, 6);
  assert.equal(config.logLevel, 'debug');
  assert.equal(config.nbd.port, 2);
});

test('an empty file is one without options', async () => {
  for (const text of ['', '# nothing yet\n', '---\n']) {
    assert.equal((await configOf(text)).listen.port, 8776, text);
  }
});

test('every mistake is named with its line and what to do', async () => {
  assert.deepEqual(
    await mistakes('listne: 127.0.0.1:1\n\nnbd: 10.0.0.1:1\nstore:\n  ulr: x\nwhatever: 1\n'),
    [
      'firn.yaml line 1: listne is no option; did you mean listen?',
      'firn.yaml line 3: nbd is a section; write its options below it, indented: ' +
        'listen, socket, public, tls.cert, tls.key, tls.client_ca, insecure',
      'firn.yaml line 5: store.ulr is no option; did you mean store.url?',
      'firn.yaml line 6: whatever is no option; remove it, or see "firn config options" for ' +
        'those that are',
    ],
  );
  assert.deepEqual(await mistakes('listen: 8776\nlog:\n  level: loud\n'), [
    'firn.yaml line 1: listen 8776: expected HOST:PORT, such as 127.0.0.1:8776',
    'firn.yaml line 3: log.level loud: expected one of silent, error, warn, info, debug',
  ]);
  assert.deepEqual(await mistakes('log:\n  level: loud\nlistne: 1\nlisten: 8776\n'), [
    'firn.yaml line 2: log.level loud: expected one of silent, error, warn, info, debug',
    'firn.yaml line 3: listne is no option; did you mean listen?',
    'firn.yaml line 4: listen 8776: expected HOST:PORT, such as 127.0.0.1:8776',
  ]);
  assert.match(
    (await mistakes('store:\n  url: ftp://x\n'))[0] ?? '',
    /line 2: .*: file:\/\/\/PATH/,
  );
  assert.deepEqual(await mistakes('listen:\ndata: [a]\n'), [
    'firn.yaml line 1: listen has no value; write "listen: HOST:PORT"',
    'firn.yaml line 2: data has no value; write "data: DIR"',
  ]);
  assert.match((await mistakes('- listen\n'))[0] ?? '', /^firn.yaml line 1: write it as KEY: VAL/);
  assert.match((await mistakes('listen: a\nlisten: b\n'))[0] ?? '', /^firn.yaml line 2: .*unique/);
  assert.match((await mistakes('listen: "a\n'))[0] ?? '', /^firn.yaml line \d: Missing closing/);
  assert.match(
    (await mistakes('nbd:\n  listen: 10.0.0.1:1\n'))[0] ?? '',
    /line 2: nbd.listen .*TL/,
  );
});

test('a file that is missing or unreadable is named', async () => {
  const source = { flags: { '--config': join(folder, 'none.yaml') }, environment: {} };
  await assert.rejects(gatherOptions(source), /the configuration file .*none.yaml cannot be read/);
});

test('firn.yaml in the data folder is found, and cannot name another folder', async () => {
  const data = join(folder, 'found');
  await mkdir(data);
  const source = { flags: { '--data': data }, environment: {} };
  await writeFile(join(data, 'firn.yaml'), 'listen: 127.0.0.1:7\n');
  const { given } = await gatherOptions(source);
  assert.equal(readConfig(given).listen.port, 7);
  await writeFile(join(data, 'firn.yaml'), 'data: /elsewhere\n');
  await assert.rejects(gatherOptions(source), /line 1: data names another folder.*remove the line/);
});
