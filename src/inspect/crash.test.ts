/** Whatever a crash or a power cut leaves, a check calls it no damage. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { MiB } from '../base/bytes.ts';
import type { FileOperations, OpenFile } from '../layer/file-operations.ts';
import type { OpenedEngine } from '../volume/open-engine.ts';
import { openVolumeEngine } from '../volume/open-engine.ts';
import { VolatileFiles } from '../volume/volatile-files.ts';
import { checkFolder } from './check.ts';
import { sector } from './folder-fixture.ts';

const seed = Number(process.env['FIRN_SEED'] ?? 7);
const cuts = Number(process.env['FIRN_CUTS'] ?? 6);

/** A small generator of numbers below 1 (mulberry32), the same for the same seed. */
function randomOf(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Calls `before` ahead of everything that changes the disk. */
function watched(real: FileOperations, before: () => void): FileOperations {
  const watch = (file: OpenFile): OpenFile => ({
    read: (target, position) => file.read(target, position),
    write: (content, position) => (before(), file.write(content, position)),
    datasync: () => (before(), file.datasync()),
    truncate: (lengthBytes) => (before(), file.truncate(lengthBytes)),
    punch: (position, lengthBytes) => (before(), file.punch(position, lengthBytes)),
    sizeBytes: () => file.sizeBytes(),
    allocatedBytes: () => file.allocatedBytes(),
    close: () => file.close(),
  });
  return {
    ...real,
    open: async (path, mode) => (before(), watch(await real.open(path, mode))),
    writeDurably: (path, content) => (before(), real.writeDurably(path, content)),
    rename: (from, to) => (before(), real.rename(from, to)),
    link: (existing, name) => (before(), real.link(existing, name)),
    remove: (path) => (before(), real.remove(path)),
  };
}

/** Some hundred changes that end in merges, in the same order for the same numbers. */
async function work(engine: OpenedEngine, random: () => number): Promise<void> {
  const lengthBytes = 200 * MiB;
  await engine.createVolume({ volumeId: 'v', lengthBytes });
  const device = await engine.openVolume('v');
  for (let round = 0; round < 6; round += 1) {
    for (let count = 0; count < 8; count += 1) {
      const at = Math.floor((random() * lengthBytes) / sector - 64) * sector;
      const offsetBytes = Math.max(0, at);
      const length = Math.ceil(random() * 63) * sector;
      if (random() < 0.7) await device.write(offsetBytes, Buffer.alloc(length, round + 1));
      else await device.trim(offsetBytes, length);
    }
    await device.flush();
    await engine.createSnapshots([{ volumeId: 'v', snapshotId: `s${round}` }]);
    if (round === 2)
      await engine.createVolume({ volumeId: 'c', lengthBytes, from: { snapshotId: 's1' } });
    if (round > 0 && round % 2 === 0) await engine.deleteSnapshot(`s${round - 1}`);
  }
  await device.close();
  await engine.settled();
}

test(`a power cut at any moment leaves no damage (FIRN_SEED=${seed})`, async () => {
  const random = randomOf(seed);
  const parent = await mkdtemp(join(tmpdir(), 'firn-crash-'));
  try {
    const count = await run(join(parent, 'whole'), randomOf(seed), undefined);
    for (let index = 0; index < cuts; index += 1) {
      const folder = join(parent, `run-${index}`);
      const copy = `${folder}-after`;
      const at = 1 + Math.floor(random() * count);
      const chance = random();
      const cut = (files: VolatileFiles): void => {
        execFileSync('cp', ['-a', '--sparse=always', folder, copy]);
        files.cutPower(folder, copy, () => random() < chance);
      };
      await run(folder, randomOf(seed), { at, cut });
      const { findings } = await checkFolder(copy);
      const damage = findings.filter((finding) => finding.severity === 'damage');
      assert.deepEqual(damage, [], `cut ${index} before change ${at}`);
      // What is opened again after the cut is sound too.
      const engine = await openVolumeEngine({ folder: copy });
      await engine.settled();
      await engine.close();
      assert.deepEqual((await checkFolder(copy)).findings.filter(isWorse), []);
      await rm(copy, { recursive: true });
      await rm(folder, { recursive: true });
    }
  } finally {
    await rm(parent, { recursive: true });
  }
});

function isWorse({ severity }: { severity: string }): boolean {
  return severity !== 'note';
}

/** Does all the work, with a power cut in a copy before one change; answers the changes made. */
async function run(
  folder: string,
  random: () => number,
  cutting: { at: number; cut: (files: VolatileFiles) => void } | undefined,
): Promise<number> {
  const files = new VolatileFiles();
  let changes = 0;
  const before = (): void => {
    changes += 1;
    if (changes === cutting?.at) cutting.cut(files);
  };
  const engine = await openVolumeEngine({ folder, fs: watched(files.operations, before) });
  await work(engine, random);
  await engine.close();
  return changes;
}
