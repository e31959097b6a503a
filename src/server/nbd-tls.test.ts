import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { systemClock } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import { makeCertificate, makeCertificates } from '../nbd/certificate-fixture.ts';
import { until } from '../nbd/test-server.ts';
import type { NbdTls } from '../nbd/tls.ts';
import { type NbdTlsFiles, readNbdTls } from './nbd-tls.ts';
import { renewNbdTls } from './nbd-tls-renewal.ts';

const { authority, server, client } = makeCertificates();
const by = authority;
const host = 'localhost';
const good = { cert: server.certificate, key: server.key, ca: authority.certificate };

type Texts = Partial<Record<'cert' | 'key' | 'ca', string>>;

async function place(t: TestContext, texts: Texts): Promise<NbdTlsFiles> {
  const folder = await mkdtemp(join(tmpdir(), 'firn-tls-'));
  t.after(() => rm(folder, { recursive: true }));
  for (const [name, text] of Object.entries(texts)) await writeFile(join(folder, name), text);
  return {
    certificate: join(folder, 'cert'),
    key: join(folder, 'key'),
    clientAuthority: join(folder, 'ca'),
  };
}

/** Replaces a file at once, so that no look finds it half written. */
async function replace(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
}

async function refusal(t: TestContext, texts: Texts, told = host): Promise<string> {
  const files = await place(t, { ...good, ...texts });
  return readNbdTls(files, { host: told }).then(() => 'nothing', messageOf);
}

test('good certificates are read, also with others behind them', async (t) => {
  const files = await place(t, { ...good, cert: server.certificate + authority.certificate });
  for (const told of ['localhost', '127.0.0.1']) {
    const tls = await readNbdTls(files, { host: told });
    assert.equal(tls.key, server.key);
    assert.equal(tls.clientAuthority, authority.certificate);
  }
  const { clientAuthority, ...oneSided } = files;
  assert.ok(clientAuthority);
  const tls = await readNbdTls({ ...oneSided, clientAuthority: undefined }, { host });
  assert.equal(tls.clientAuthority, undefined);
});

test('what clients could not use is refused by the name of its flag', async (t) => {
  const old = { subject: 'old', by, hosts: [host], fromDay: -9, toDay: -2 };
  const expired = makeCertificate(old);
  const early = makeCertificate({ ...old, fromDay: 2, toDay: 9 });
  const protectedKey = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' },
  }).privateKey;
  const noText = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
  const expected: [Texts, RegExp][] = [
    [{ cert: '' }, /^--nbd-tls-cert \S+ holds no certificate in PEM form$/],
    [{ cert: server.key }, /^--nbd-tls-cert \S+ holds no certificate/],
    [{ cert: noText }, /^--nbd-tls-cert \S+ holds a certificate that is damaged$/],
    [{ cert: client.certificate }, /^--nbd-tls-key \S+ is not the key of the certificate in \S+$/],
    [{ key: client.key }, /^--nbd-tls-key \S+ is not the key/],
    [{ key: server.certificate }, /^--nbd-tls-key \S+ holds no private key/],
    [{ key: protectedKey }, /^--nbd-tls-key \S+ is protected by a passphrase/],
    [
      { cert: expired.certificate, key: expired.key },
      /^--nbd-tls-cert \S+ .*CN=old.* expired on 2/,
    ],
    [{ cert: early.certificate, key: early.key }, /^--nbd-tls-cert .* not valid before 2/],
    [{ ca: server.certificate }, /^--nbd-tls-client-ca \S+ holds .* may not sign others$/],
    [{ ca: 'x' }, /^--nbd-tls-client-ca \S+ holds no certificate/],
  ];
  for (const [texts, message] of expected) assert.match(await refusal(t, texts), message);
  assert.match(await refusal(t, {}, 'nbd.example'), /^--nbd-tls-cert .* not for nbd.example/);
  assert.match(await refusal(t, {}, '10.0.0.1'), /not for 10.0.0.1.*see --nbd-public$/);
  const oldRoot = makeCertificate({ subject: 'root', authority: true, fromDay: -9, toDay: -2 });
  assert.match(await refusal(t, { ca: oldRoot.certificate }), /^--nbd-tls-client-ca .* expired on/);
  const files = await place(t, good);
  for (const [flag, name] of [
    ['--nbd-tls-cert', 'certificate'],
    ['--nbd-tls-key', 'key'],
    ['--nbd-tls-client-ca', 'clientAuthority'],
  ] as const) {
    const missing = { ...files, [name]: '/nowhere' };
    const message = await readNbdTls(missing, { host }).then(() => '', messageOf);
    assert.match(message, new RegExp(`^${flag} /nowhere cannot be read`));
  }
  const clock = { now: () => systemClock.now() + 40 * 86_400_000 };
  await assert.rejects(readNbdTls(files, { host, clock }), /expired on/);
});

test('replaced certificates are used; while they do not fit, the old ones stay', async (t) => {
  const files = await place(t, good);
  const read = (): Promise<NbdTls> => readNbdTls(files, { host });
  const used: NbdTls[] = [];
  const problems: string[] = [];
  let looks = 0;
  const nextLooks = (): Promise<void> => {
    const enough = looks + 2;
    return until(() => looks >= enough, 'the files are looked at');
  };
  const end = renewNbdTls({
    current: await read(),
    read: () =>
      read().finally(() => {
        looks += 1;
      }),
    use: async (tls) => void used.push(tls),
    onProblem: (error) => void problems.push(messageOf(error)),
    everyMs: 2,
  });
  await nextLooks();
  assert.deepEqual([used, problems], [[], []]);
  const renewed = makeCertificate({ subject: 'server', by, hosts: [host], use: 'server' });
  await replace(files.certificate, renewed.certificate);
  await nextLooks();
  await nextLooks();
  assert.equal(used.length, 0);
  assert.equal(problems.length, 1, 'a problem that stays is told once');
  await replace(files.key, renewed.key);
  await nextLooks();
  assert.deepEqual(
    used.map((tls) => tls.certificate),
    [renewed.certificate],
  );
  await end();
  const after = looks;
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(looks, after);
});
