/** Repairs: what is done is safe, is enough, and is shown first. */
import assert from 'node:assert/strict';
import { readFile, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { GiB } from '../base/bytes.ts';
import { systemClock } from '../base/clock.ts';
import { newId } from '../base/ids.ts';
import { createLayerFolder } from '../layer/layer-folder.ts';
import { directoryAt } from '../layer/map-format.ts';
import { nodeFileOperations } from '../layer/node-file-operations.ts';
import { openVolumeEngine } from '../volume/open-engine.ts';
import { checkFolder } from './check.ts';
import { TestFolder } from './folder-fixture.ts';
import { planRepair } from './repair-plan.ts';
import { keptPrefix, keptSnapshotPrefix } from './repair-step.ts';

async function withFolder(work: (folder: TestFolder) => Promise<void>): Promise<void> {
  const folder = await TestFolder.make();
  try {
    await work(folder);
  } finally {
    await folder.remove();
  }
}

/** Plans, sees that this changed nothing, does it, and answers what was done. */
async function repair(folder: TestFolder): Promise<string[]> {
  const before = await folder.everything();
  const { steps } = await planRepair(folder.folder);
  assert.deepEqual(await folder.everything(), before, 'a plan changes nothing');
  for (const step of steps) await step.run(systemClock);
  return steps.map((step) => step.verb);
}

async function codes(folder: TestFolder): Promise<string[]> {
  return (await checkFolder(folder.folder)).findings.map((finding) => finding.code);
}

test('a sound folder has nothing to repair', async () => {
  await withFolder(async (folder) => {
    assert.deepEqual(await planRepair(folder.folder), { steps: [], remaining: [] });
  });
});

test('leftovers and dead layers go', async () => {
  await withFolder(async (folder) => {
    const id = newId();
    const parent = await folder.head('v');
    const record = { id, parent, lengthBytes: GiB, dataFile: 'data', mapFile: 'map' };
    await createLayerFolder(nodeFileOperations, folder.path('layers'), record);
    await writeFile(folder.path('volumes', 'v.json.12.tmp'), '');
    await writeFile(folder.layer(parent, `map-${newId()}`), 'x');
    assert.deepEqual(await repair(folder), ['remove', 'remove', 'remove']);
    assert.deepEqual(await codes(folder), []);
  });
});

test('layers of a volume that is gone, and their parents with it, go as well', async () => {
  await withFolder(async (folder) => {
    const expected = await folder.read({ volumeId: 'clone' });
    const ids = [await folder.head('v'), await folder.snapshotLayer('s2')];
    const middle = newId();
    const record = { id: middle, parent: newId(), lengthBytes: GiB };
    await createLayerFolder(nodeFileOperations, folder.path('layers'), {
      ...record,
      dataFile: 'data',
      mapFile: 'map',
    });
    await folder.editLayer(ids[1] ?? '', (layer) => (layer['parent'] = middle));
    await rm(folder.path('volumes', 'v.json'));
    const { findings } = await checkFolder(folder.folder);
    assert.deepEqual(
      findings.map(({ code, severity, repair: how }) => `${code}, ${severity}: ${how}`).sort(),
      ['dead-layer', 'dead-layer', 'dead-layer', 'missing-parent'].map(
        (code) => `${code}, leftover: Removes it.`,
      ),
    );
    const left = await folder.copy();
    assert.deepEqual(await repair(folder), ['remove', 'remove', 'remove']);
    assert.deepEqual(await codes(folder), []);
    assert.ok((await folder.read({ volumeId: 'clone' })).equals(expected));
    const engine = await openVolumeEngine({ folder: left.folder });
    await engine.settled();
    await engine.close();
    assert.deepEqual(await codes(left), [], 'the next start does so too');
    assert.ok((await left.read({ volumeId: 'clone' })).equals(expected));
    await left.remove();
  });
});

test('what is left of a volume stays while another may need it', async () => {
  await withFolder(async (folder) => {
    const head = await folder.head('v');
    await rm(folder.path('volumes', 'v.json'));
    await rm(folder.layer(await folder.head('other')), { recursive: true });
    await rm(folder.layer((await folder.layerRecord(head)).parent ?? ''), { recursive: true });
    const engine = await openVolumeEngine({ folder: folder.folder });
    await engine.settled();
    await engine.close();
    assert.ok((await readdir(folder.path('layers'))).includes(head));
    assert.deepEqual(await repair(folder), ['keep']);
  });
});

test('header and directory of a map are made again from its pages', async () => {
  await withFolder(async (folder) => {
    const expected = await folder.read({ snapshotId: 's1' });
    const map = folder.layer(await folder.snapshotLayer('s1'), 'map');
    const before = await readFile(map);
    for (const position of [0, directoryAt(0)]) {
      await folder.flip(map, position);
      assert.deepEqual(await repair(folder), ['mend']);
      assert.deepEqual(await codes(folder), []);
    }
    assert.ok((await readFile(map)).equals(before));
    assert.ok((await folder.read({ snapshotId: 's1' })).equals(expected));
  });
});

test('records of several volumes are written one by one, or set aside when damaged', async () => {
  await withFolder(async (folder) => {
    const expected = await folder.read({ volumeId: 'v' });
    const pending = folder.path('volumes', 'records.pending');
    const volumes = [await folder.record('v'), await folder.record('other')];
    await writeFile(pending, JSON.stringify({ formatVersion: 1, volumes }));
    await rm(folder.path('volumes', 'v.json'));
    assert.deepEqual(await repair(folder), ['mend']);
    assert.deepEqual(await codes(folder), []);
    assert.ok((await folder.read({ volumeId: 'v' })).equals(expected));
    await writeFile(pending, '{');
    assert.deepEqual(await repair(folder), ['set aside']);
    assert.deepEqual(await codes(folder), []);
  });
});

test('nothing that a damaged volume record led to is lost', async () => {
  await withFolder(async (folder) => {
    const expected = await folder.read({ volumeId: 'v' });
    const snapshot = await folder.read({ snapshotId: 's2' });
    const head = await folder.head('v');
    const layer = await folder.snapshotLayer('s2');
    const text = await readFile(folder.path('volumes', 'v.json'), 'utf8');
    await writeFile(folder.path('volumes', 'v.json'), text.slice(0, 40));
    assert.deepEqual(await repair(folder), ['keep', 'set aside']);
    assert.deepEqual(await codes(folder), []);
    assert.ok((await folder.read({ volumeId: keptPrefix + head })).equals(expected));
    assert.ok((await folder.read({ snapshotId: keptSnapshotPrefix + head })).equals(expected));
    assert.ok((await folder.read({ snapshotId: keptSnapshotPrefix + layer })).equals(snapshot));
    assert.equal(
      await readFile(folder.path('damaged', 'volumes', 'v.json'), 'utf8'),
      text.slice(0, 40),
    );
  });
});

test('a layer whose record is damaged is set aside, and what lies under it stays', async () => {
  await withFolder(async (folder) => {
    const layer = await folder.snapshotLayer('s2');
    const data = await readFile(folder.layer(layer, 'data'));
    const base = await folder.read({ snapshotId: 's1' });
    await folder.editVolume('v', (record) => (record['snapshots'] = []));
    await rm(folder.path('volumes', 'clone.json'));
    await writeFile(folder.layer(layer, 'layer.json'), 'x');
    await repair(folder);
    const aside = folder.path('damaged', 'layers', layer, 'data');
    assert.ok((await readFile(aside)).equals(data));
    assert.deepEqual(await codes(folder), ['missing-parent']);
    const kept = (await readdir(folder.path('volumes'))).filter((name) =>
      name.startsWith(keptPrefix),
    );
    assert.equal(kept.length, 1);
    const engine = await openVolumeEngine({ folder: folder.folder });
    await engine.settled();
    await engine.close();
    const id = (kept[0] ?? '').replace('.json', '');
    const found = await folder.read({ volumeId: id });
    assert.ok(found.subarray(8192).equals(base.subarray(8192)));
  });
});

test('a head that a wrong digit made dead is kept', async () => {
  await withFolder(async (folder) => {
    const expected = await folder.read({ volumeId: 'other' });
    const head = await folder.head('other');
    await folder.editVolume('other', (record) => (record['head'] = newId()));
    assert.deepEqual(await repair(folder), ['keep']);
    assert.deepEqual(await codes(folder), ['missing-layer']);
    assert.ok((await folder.read({ volumeId: keptPrefix + head })).equals(expected));
  });
});

test('two volumes with one head get heads of their own', async () => {
  await withFolder(async (folder) => {
    const expected = await folder.read({ volumeId: 'v' });
    const head = await folder.head('v');
    await rm(folder.layer(await folder.head('clone')), { recursive: true });
    await folder.editVolume('clone', (record) => (record['head'] = head));
    assert.deepEqual(await repair(folder), ['new head', 'new head']);
    assert.deepEqual(await codes(folder), []);
    for (const volumeId of ['v', 'clone']) {
      assert.ok((await folder.read({ volumeId })).equals(expected));
    }
  });
});

test('a head with layers on it, and one that a snapshot names, change no more', async () => {
  await withFolder(async (folder) => {
    const expected = await folder.read({ snapshotId: 's2' });
    const layer = await folder.snapshotLayer('s2');
    await folder.editVolume('other', (record) => {
      record['head'] = layer;
      record['lengthBytes'] = GiB;
    });
    assert.ok((await repair(folder)).includes('new head'));
    assert.deepEqual(await codes(folder), []);
    assert.ok((await folder.read({ volumeId: 'other' })).equals(expected));
  });
});

test('a map that is cut off is not made again from nothing', async () => {
  for (const end of [0, directoryAt(0), directoryAt(0) + 512]) {
    await withFolder(async (folder) => {
      await truncate(folder.layer(await folder.snapshotLayer('s1'), 'map'), end);
      const { steps, remaining } = await planRepair(folder.folder);
      assert.deepEqual([steps.length, remaining.length > 0], [0, true], `${end}`);
    });
  }
});

test('what is lost is said, and left as it is', async () => {
  await withFolder(async (folder) => {
    await truncate(folder.layer(await folder.snapshotLayer('s1'), 'data'), 0);
    const { steps, remaining } = await planRepair(folder.folder);
    assert.deepEqual(steps, []);
    assert.deepEqual(
      remaining.map((finding) => finding.code),
      ['data-cut-off'],
    );
  });
});

test('a folder that a newer Firn wrote in is not touched', async () => {
  await withFolder(async (folder) => {
    await writeFile(folder.path('volumes', 'x.tmp'), '');
    await folder.editVolume('v', (record) => (record['formatVersion'] = 7));
    await assert.rejects(planRepair(folder.folder), { code: 'invalid_state' });
  });
});
