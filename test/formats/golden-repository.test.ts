/** A repository that was written once stays readable, by Firn and by others. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { MiB } from '../../src/base/bytes.ts';
import { openRepository } from '../../src/repository/repository.ts';
import { openStoreRoot } from '../../src/store/open-root.ts';
import { needsPython } from '../peer.ts';
import {
  goldenBackups,
  goldenContent,
  goldenKey,
  goldenLengthBytes,
  goldenPassphrase,
} from './make-golden-repository.ts';

const golden = new URL('./golden-repository', import.meta.url);
const reader = fileURLToPath(new URL('./read_backup.py', import.meta.url));
const names = ['full', 'incremental'] as const;

for (const [kind, secret] of [
  ['key', { wrappingKey: goldenKey }],
  ['passphrase', { passphrase: goldenPassphrase }],
] as const) {
  test(`Firn opens the golden repository by its ${kind}, and finds nothing damaged`, async () => {
    const store = await openStoreRoot(golden.href).open('golden', { create: false });
    const repository = await openRepository(store, { ...secret, workers: 1 });
    for (const name of names) {
      const backup = await repository.openReader(
        await repository.readManifest(goldenBackups[name]),
      );
      const content = Buffer.alloc(goldenLengthBytes);
      await backup.read(0, content);
      backup.close();
      assert.ok(content.equals(goldenContent(name)), name);
    }
    const report = await repository.verify('all', 'blocks');
    assert.deepEqual([report.objects, report.backups], [[], []]);
    await repository.close();
  });
}

const peers = needsPython('cryptography', 'zstd');

test('a reader made from the document alone reads it', peers, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'firn-golden-'));
  t.after(() => rm(folder, { recursive: true }));
  const keyFile = join(folder, 'key');
  await writeFile(keyFile, goldenKey.toString('base64'));
  const place = join(fileURLToPath(golden), 'golden');
  for (const [name, secret] of [
    ['full', ['--key-file', keyFile]],
    ['incremental', ['--passphrase', goldenPassphrase]],
  ] as const) {
    const args = [reader, place, goldenBackups[name], ...secret];
    const image = execFileSync('python3', args, { maxBuffer: 128 * MiB });
    assert.ok(image.equals(goldenContent(name)), name);
  }
});
