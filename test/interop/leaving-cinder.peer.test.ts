/** Backups that Cinder's own driver made, taken over. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { randomBytes, seeded } from '../../demo/random.ts';
import { GiB, MiB } from '../../src/base/bytes.ts';
import {
  findCinderBackups,
  type Imported,
  importCinderBackups,
} from '../../src/cinder/import-backups.ts';
import {
  createRepository,
  openRepository,
  type Repository,
} from '../../src/repository/repository.ts';
import { MemoryStore } from '../../src/store/memory.ts';
import { openBucket } from '../../src/store/open-bucket.ts';

const run = promisify(execFile);
const script = fileURLToPath(new URL('../servers/cinder_backup.py', import.meta.url));
const hasCinder = existsSync('/usr/lib/python3/dist-packages/cinder/backup/chunkeddriver.py');
const skip = !hasCinder && process.env['CI'] !== 'true' && 'not installed: python3-cinder';

/** What the volume held each time; the second time a MiB of zeros, and changes across blocks. */
function contents(): Buffer[] {
  const first = Buffer.concat([randomBytes(seeded(3), 5 * MiB), Buffer.alloc(3 * MiB)]);
  const second = Buffer.from(first);
  second.fill(0, MiB, 2 * MiB);
  second.write('hello', 7_000_000);
  second.write('abc', 100_000);
  const third = Buffer.from(second);
  third.fill(0, 32 * 1024, 96 * 1024);
  third.write('zero no more', MiB + 5);
  return [first, second, third];
}

async function importAll(folder: string, repository: Repository): Promise<Imported[]> {
  const bucket = await openBucket(`file://${folder}`);
  return Array.fromAsync(importCinderBackups(await findCinderBackups(bucket), repository));
}

async function newRepository(): Promise<Repository> {
  const store = new MemoryStore('memory:test');
  const wrappingKey = Buffer.alloc(32, 5);
  await createRepository(store, { wrappingKey });
  return openRepository(store, { wrappingKey, workers: 1 });
}

describe('leaving Cinder', { skip }, () => {
  let folder: string;
  const ids = [randomUUID(), randomUUID(), randomUUID()];
  const volumeId = randomUUID();
  const held = contents();

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'firn-cinder-'));
    await mkdir(join(folder, 'backups'));
    const plan = [];
    for (const [index, compression] of ['zlib', 'bz2', 'none'].entries()) {
      const file = join(folder, `volume-${index}`);
      await writeFile(file, held[index] ?? '');
      const parent = index === 0 ? null : ids[index - 1];
      const facts = { id: ids[index], parent_id: parent, volume_id: volumeId };
      plan.push({ ...facts, file, compression, name: `backup ${index}` });
    }
    const words = ['-B', script, join(folder, 'backups'), JSON.stringify(plan)];
    await run('/usr/bin/python3', words, { cwd: folder });
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it('takes over full and incremental backups, with names, dates and zeros', async () => {
    const repository = await newRepository();
    const imported = await importAll(join(folder, 'backups'), repository);
    assert.deepEqual(
      imported.map(({ kind }) => kind),
      ['imported', 'imported', 'imported'],
    );
    for (const [index, id] of ids.entries()) {
      const manifest = await repository.readManifest(id);
      assert.equal(manifest.name, `backup ${index}`);
      assert.equal(manifest.createdAt, `2025-03-04T0${index}:00:00.000000`);
      assert.equal(manifest.lengthBytes, GiB);
      assert.deepEqual(
        [manifest.volume.volumeId, manifest.volume.name, manifest.volume.bootable],
        [volumeId, 'the volume', true],
      );
      assert.deepEqual(manifest.volume.metadata, { tier: 'gold' });
      const reader = await repository.openReader(manifest);
      const read = Buffer.alloc(8 * MiB);
      await reader.read(0, read);
      assert.ok(read.equals(held[index] ?? Buffer.alloc(0)), `backup ${index} is equal`);
      reader.close();
    }
    await repository.deleteBackup(ids[0] ?? '');
    const again = await importAll(join(folder, 'backups'), repository);
    assert.deepEqual(
      again.map(({ kind }) => kind),
      ['imported', 'there', 'there'],
    );
    await repository.close();
  });

  it('notices a flipped bit and a missing object, which Cinder does not', async () => {
    const names = await readdir(join(folder, 'backups'), { recursive: true });
    const objects = names.filter((name) => name.includes(`backup_${ids[1]}-`)).sort();
    const victim = join(folder, 'backups', objects.at(-1) ?? '');
    const whole = await readFile(victim);
    const flipped = Buffer.from(whole);
    flipped.writeUInt8(flipped.readUInt8(whole.length >> 1) ^ 1, whole.length >> 1);
    for (const damage of [() => writeFile(victim, flipped), () => rm(victim)]) {
      await damage();
      const repository = await newRepository();
      const imported = await importAll(join(folder, 'backups'), repository);
      assert.deepEqual(
        imported.map(({ kind }) => kind),
        ['imported', 'failed', 'failed'],
      );
      const reasons = imported.flatMap((it) => (it.kind === 'failed' ? [it.error.message] : []));
      assert.match(reasons[0] ?? '', /is damaged|is missing/);
      assert.match(reasons[1] ?? '', /its parent .* is not there, or is damaged/);
      await repository.close();
      await writeFile(victim, whole);
    }
  });
});
