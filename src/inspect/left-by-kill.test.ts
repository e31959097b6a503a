import assert from 'node:assert/strict';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../base/clock.ts';
import { formatLogHeader } from '../layer/mark-log-format.ts';
import { openVolumeEngine } from '../volume/open-engine.ts';
import { checkFolder, checkFolderInUse } from './check.ts';
import type { KilledFolder } from './killed-folder-fixture.ts';
import { makeKilledFolder, startOnce } from './killed-folder-fixture.ts';
import { listFolder } from './list.ts';
import { planRepair } from './repair-plan.ts';

async function withKilled(
  options: { hasNewerHeads: boolean },
  work: (killed: KilledFolder) => Promise<void>,
): Promise<void> {
  const killed = await makeKilledFolder(options);
  try {
    await work(killed);
  } finally {
    await killed.remove();
  }
}

async function codes(folder: string): Promise<string[]> {
  const { findings } = await checkFolder(folder);
  return findings.map(({ severity, code }) => `${severity} ${code}`).sort();
}

/** The logs of a folder. */
async function logs(folder: string): Promise<string[]> {
  const names = await readdir(join(folder, 'layers'), { recursive: true });
  const found = names.filter((name) => /marks-[01]$/.test(name));
  return found.map((name) => join(folder, 'layers', name));
}

test('unflushed writes of a killed Firn are a note, until the next start', async () => {
  await withKilled({ hasNewerHeads: false }, async ({ folder }) => {
    assert.deepEqual(await codes(folder), ['note unflushed-marks']);
    const { volumes, layers } = await listFolder(folder);
    const head = volumes.find(({ id }) => id === 'v')?.head;
    assert.deepEqual(
      layers.filter((layer) => layer.isUnflushed).map(({ id, state }) => [id, state]),
      [[head, 'head']],
    );
    assert.deepEqual((await checkFolderInUse(folder)).findings, [], 'a running Firn is not killed');
    assert.deepEqual((await planRepair(folder)).steps, []);
    assert.deepEqual(await startOnce(folder), [1, 2, 0]);
    assert.deepEqual(await codes(folder), []);
    assert.ok((await listFolder(folder)).layers.every((layer) => !layer.isUnflushed));
  });
});

test('a log of another boot is not believed, and one without marks is no finding', async () => {
  await withKilled({ hasNewerHeads: true }, async ({ folder, newerHeads }) => {
    for (const path of await logs(folder)) {
      const log = await readFile(path);
      log.set(formatLogHeader(Buffer.alloc(16, 7), 0));
      await writeFile(path, log);
    }
    assert.deepEqual(await codes(folder), Array(newerHeads).fill('leftover dead-layer'));
  });
  await withKilled({ hasNewerHeads: false }, async ({ folder }) => {
    for (const path of await logs(folder)) {
      await writeFile(path, (await readFile(path)).subarray(0, 48));
    }
    assert.deepEqual(await codes(folder), []);
  });
});

test('heads that no record names yet are not called dead', async () => {
  await withKilled({ hasNewerHeads: true }, async ({ folder, newerHeads }) => {
    assert.ok(newerHeads > 0);
    const found = await codes(folder);
    assert.equal(found.filter((code) => code === 'note newer-head').length, newerHeads);
    assert.ok(
      found.every((code) => code.startsWith('note ')),
      found.join(),
    );
    const { findings } = await checkFolder(folder);
    const notes = findings.filter(({ code }) => code === 'newer-head');
    assert.ok(notes.every(({ what, repair }) => what.includes('volume v') && repair === null));
    const states = (await listFolder(folder)).layers.map(({ state }) => state);
    assert.equal(states.filter((state) => state === 'newer-head').length, newerHeads);
    assert.deepEqual((await planRepair(folder)).steps, []);
    assert.deepEqual(await startOnce(folder), [1, 2, 3]);
    assert.deepEqual(await codes(folder), []);
  });
});

async function repair(folder: string): Promise<string[]> {
  const { steps } = await planRepair(folder);
  for (const step of steps) await step.run(systemClock);
  return steps.map(({ verb, path }) => `${verb} ${path}`);
}

test('what another record has lost keeps a repair from no newer head', async () => {
  await withKilled({ hasNewerHeads: true }, async ({ folder }) => {
    await writeFile(join(folder, 'volumes', 'w.json'), '{');
    const steps = await repair(folder);
    assert.equal(steps.filter((step) => step.startsWith('keep volumes/lost-')).length, 1);
    assert.ok(steps.includes('set aside volumes/w.json'));
    assert.deepEqual(await startOnce(folder), [1, 2, 3]);
    assert.deepEqual(await codes(folder), []);
    const { volumes } = await listFolder(folder);
    const [lost] = volumes.filter(({ id }) => id !== 'v');
    assert.equal(lost?.snapshots.length, 1, 'the layer of w is kept');
  });
});

test('of a volume whose record is lost all heads are kept, with what was answered', async () => {
  await withKilled({ hasNewerHeads: true }, async ({ folder, newerHeads }) => {
    await writeFile(join(folder, 'volumes', 'v.json'), '{');
    await repair(folder);
    const engine = await openVolumeEngine({ folder });
    const { volumes } = await listFolder(folder);
    const lost = volumes.find(({ id }) => id.startsWith('lost-'));
    assert.equal(lost?.snapshots.length, newerHeads + 1);
    const device = await engine.openVolume(lost?.id ?? '');
    const found = Buffer.alloc(3 * 4096);
    await device.read(0, found);
    assert.deepEqual([found[0], found[4096], found[8192]], [1, 2, 3]);
    await device.close();
    await engine.close();
  });
});
