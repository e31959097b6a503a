/** HTTP in TLS, from the flags of `firn serve` to clients that trust an authority of one's own. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startFirn } from '../../demo/firn-process.ts';
import { makeCertificates } from '../../src/nbd/certificate-fixture.ts';
import { Openstack } from '../openstack.ts';
import { needs } from '../peer.ts';

const firnCommand = fileURLToPath(new URL('../../bin/firn.ts', import.meta.url));

test(
  'clients that trust the authority work over TLS, others refuse',
  needs('openstack'),
  async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'firn-tls-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const { authority, server } = makeCertificates();
    const [certificate, key, ca] = ['cert.pem', 'key.pem', 'ca.pem'].map((name) =>
      join(folder, name),
    );
    await writeFile(certificate ?? '', server.certificate);
    await writeFile(key ?? '', server.key);
    await writeFile(ca ?? '', authority.certificate);
    const dataFolder = join(folder, 'data');
    const firn = await startFirn(dataFolder, [`--tls-cert=${certificate}`, `--tls-key=${key}`]);
    t.after(async () => void (await firn.stop()));

    const trusting = new Openstack(dataFolder, { OS_CACERT: ca });
    const said = await trusting.typed(
      'catalog show volumev3',
      'volume create --size 1 secure',
      'volume list',
      'image list',
      'user list',
    );
    assert.equal(said.stderr.trim(), '');
    assert.match(said.stdout, /public: https:\/\/127\.0\.0\.1:\d+\/volume\/v3\//);
    assert.match(said.stdout, /\| secure +\|/);
    const doubting = new Openstack(dataFolder);
    assert.match(await doubting.refused('volume list'), /certificate verify failed/i);

    const run = async (environment: NodeJS.ProcessEnv) =>
      await promisify(execFile)(
        process.execPath,
        [firnCommand, 'volume', 'list', '--data', dataFolder],
        { env: { PATH: process.env['PATH'], ...environment } },
      );
    assert.match((await run({ OS_CACERT: ca })).stdout, /secure/);
    await assert.rejects(run({}), { stderr: /OS_CACERT/ });
  },
);
