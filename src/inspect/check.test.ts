/** Each fault is planted in a folder that the engine made, and has to be found. */
import assert from 'node:assert/strict';
import { mkdir, open, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { GiB, MiB } from '../base/bytes.ts';
import { newId } from '../base/ids.ts';
import { FilePool } from '../layer/file-pool.ts';
import { createLayerFolder } from '../layer/layer-folder.ts';
import { directoryAt, pageAt } from '../layer/map-format.ts';
import { nodeFileOperations } from '../layer/node-file-operations.ts';
import { sealBlock } from '../layer/sealed-block.ts';
import { SectorMap } from '../layer/sector-map.ts';
import { data } from '../layer/sector.ts';
import { checkFolder } from './check.ts';
import type { Effect, Finding, FindingCode, Severity } from './finding.ts';
import { TestFolder, sector } from './folder-fixture.ts';

interface Fault {
  readonly name: string;
  readonly code: FindingCode;
  readonly severity?: Severity;
  readonly plant: (folder: TestFolder) => Promise<void>;
  /** Who is affected, sorted, as `volume` or `volume/snapshot`; not looked at if absent. */
  readonly affects?: readonly string[];
}

/** Makes an empty layer. */
async function addLayer(folder: TestFolder, parent: string | null, lengthBytes: number) {
  const id = newId();
  const record = { id, parent, lengthBytes, dataFile: 'data', mapFile: 'map' };
  await createLayerFolder(nodeFileOperations, folder.path('layers'), record);
  return id;
}

const pageOfSecondHalf = GiB / 2 / (64 * MiB);

const faults: readonly Fault[] = [
  {
    name: 'a volume record that is no JSON',
    code: 'damaged-volume-record',
    plant: (folder) => writeFile(folder.path('volumes', 'v.json'), '{"formatVersion": 1, "id'),
    affects: ['v'],
  },
  {
    name: 'a volume record with a wrong field',
    code: 'damaged-volume-record',
    plant: (folder) => folder.editVolume('v', (record) => (record['lengthBytes'] = '1')),
    affects: ['v'],
  },
  {
    name: 'a snapshot id twice in one volume',
    code: 'damaged-volume-record',
    plant: (folder) =>
      folder.editVolume('v', (record) => {
        const { snapshots } = record;
        assert.ok(Array.isArray(snapshots));
        record['snapshots'] = [...snapshots, ...snapshots];
      }),
  },
  {
    name: 'a volume record of a later version',
    code: 'newer-version',
    plant: (folder) => folder.editVolume('v', (record) => (record['formatVersion'] = 9)),
  },
  {
    name: 'records of several volumes that a crash left',
    code: 'pending-records',
    severity: 'note',
    plant: async (folder) => {
      const volumes = [await folder.record('v'), await folder.record('clone')];
      const text = JSON.stringify({ formatVersion: 1, volumes });
      await writeFile(folder.path('volumes', 'records.pending'), text);
      await rm(folder.path('volumes', 'v.json'));
    },
    affects: [],
  },
  {
    name: 'damaged records of several volumes',
    code: 'damaged-pending-records',
    plant: (folder) => writeFile(folder.path('volumes', 'records.pending'), '{"formatVersion": 1'),
    affects: ['clone', 'other', 'v'],
  },
  {
    name: 'a layer record that is no JSON',
    code: 'damaged-layer-record',
    plant: async (folder) =>
      writeFile(folder.layer(await folder.snapshotLayer('s2'), 'layer.json'), '\0'.repeat(100)),
    affects: ['v', 'v/s2'],
  },
  {
    name: 'a layer without a record',
    code: 'damaged-layer-record',
    plant: async (folder) => rm(folder.layer(await folder.head('other'), 'layer.json')),
    affects: ['other'],
  },
  {
    name: 'a layer record of a later version',
    code: 'newer-version',
    plant: async (folder) =>
      folder.editLayer(await folder.head('v'), (record) => (record['formatVersion'] = 9)),
  },
  {
    name: 'a layer folder under another name',
    code: 'damaged-layer-record',
    plant: async (folder) =>
      rename(folder.layer(await folder.head('other')), folder.layer(newId())),
  },
  {
    name: 'a missing head',
    code: 'missing-layer',
    plant: async (folder) => rm(folder.layer(await folder.head('v')), { recursive: true }),
    affects: ['v'],
  },
  {
    name: 'a snapshot of a missing layer',
    code: 'missing-layer',
    plant: (folder) =>
      folder.editVolume('other', (record) => {
        const named = { layer: newId(), lengthBytes: MiB, createdAt: 'now' };
        record['snapshots'] = [{ id: 'gone', ...named }];
      }),
    affects: ['other/gone'],
  },
  {
    name: 'a missing parent',
    code: 'missing-parent',
    plant: async (folder) =>
      rm(folder.layer(await folder.snapshotLayer('s1')), { recursive: true }),
  },
  {
    name: 'a cycle',
    code: 'cycle',
    plant: async (folder) => {
      const head = await folder.head('v');
      await folder.editLayer(await folder.snapshotLayer('s1'), (record) => {
        record['parent'] = head;
      });
    },
    affects: ['clone', 'v', 'v/s1', 'v/s2'],
  },
  {
    name: 'a parent that is larger than what lies on it',
    code: 'parent-larger',
    plant: async (folder) =>
      folder.editLayer(await folder.head('clone'), (record) => {
        record['lengthBytes'] = MiB;
      }),
    affects: ['clone'],
  },
  {
    name: 'a volume that is larger than its head',
    code: 'volume-larger',
    plant: (folder) => folder.editVolume('other', (record) => (record['lengthBytes'] = GiB)),
    affects: ['other'],
  },
  {
    name: 'a snapshot that is larger than its layer',
    code: 'snapshot-larger',
    plant: async (folder) =>
      folder.editLayer(await folder.snapshotLayer('s1'), (record) => {
        record['lengthBytes'] = 8 * sector;
      }),
    affects: ['v/s1'],
  },
  {
    name: 'two volumes with one head',
    code: 'shared-head',
    plant: async (folder) => {
      const head = await folder.head('v');
      await folder.editVolume('clone', (record) => (record['head'] = head));
    },
    affects: ['clone', 'v'],
  },
  {
    name: 'a head that is also a parent',
    code: 'head-has-children',
    plant: async (folder) => {
      const layer = await folder.snapshotLayer('s2');
      await folder.editVolume('clone', (record) => (record['head'] = layer));
    },
    affects: ['clone', 'v', 'v/s2'],
  },
  {
    name: 'a head that a snapshot names',
    code: 'head-is-snapshot',
    plant: async (folder) => {
      const layer = await folder.head('v');
      await folder.editVolume('other', (record) => {
        record['snapshots'] = [{ id: 'live', layer, lengthBytes: MiB, createdAt: 'now' }];
      });
    },
    affects: ['other/live', 'v'],
  },
  {
    name: 'a snapshot id in two volumes',
    code: 'duplicate-snapshot',
    plant: async (folder) => {
      const layer = await folder.snapshotLayer('s1');
      await folder.editVolume('clone', (record) => {
        record['snapshots'] = [{ id: 's1', layer, lengthBytes: GiB, createdAt: 'now' }];
      });
    },
    affects: ['clone/s1', 'v/s1'],
  },
  {
    name: 'a layer that nobody leads to',
    code: 'dead-layer',
    severity: 'leftover',
    plant: async (folder) => {
      await addLayer(folder, await folder.head('v'), GiB);
    },
    affects: [],
  },
  {
    name: 'a half-made layer',
    code: 'temporary',
    severity: 'leftover',
    plant: async (folder) => {
      await mkdir(folder.layer(`${newId()}.tmp`));
      await writeFile(folder.layer(`${newId()}.tmp`), '');
    },
  },
  {
    name: 'a half-written record',
    code: 'temporary',
    severity: 'leftover',
    plant: (folder) => writeFile(folder.path('volumes', 'v.json.0123.tmp'), '{'),
  },
  {
    name: 'files of an interrupted merge',
    code: 'unnamed-file',
    severity: 'leftover',
    plant: async (folder) => {
      await writeFile(folder.layer(await folder.head('v'), `data-${newId()}`), 'x');
    },
  },
  {
    name: 'a file that Firn does not know',
    code: 'unknown-file',
    severity: 'note',
    plant: (folder) => writeFile(folder.path('volumes', 'README'), 'x'),
  },
  {
    name: 'a missing data file',
    code: 'missing-data',
    plant: async (folder) => rm(folder.layer(await folder.head('other'), 'data')),
    affects: ['other'],
  },
  {
    name: 'a missing map',
    code: 'missing-map',
    plant: async (folder) => rm(folder.layer(await folder.head('other'), 'map')),
    affects: ['other'],
  },
  {
    name: 'a damaged map header',
    code: 'damaged-map-header',
    plant: async (folder) => folder.flip(folder.layer(await folder.head('other'), 'map'), 3),
  },
  {
    name: 'a map header of zeros',
    code: 'damaged-map-header',
    plant: async (folder) => {
      const path = folder.layer(await folder.head('other'), 'map');
      await folder.overwrite(path, 0, Buffer.alloc(8192));
    },
  },
  {
    name: 'a flipped bit of a directory',
    code: 'damaged-map-directory',
    plant: async (folder) =>
      folder.flip(folder.layer(await folder.head('other'), 'map'), directoryAt(0)),
    affects: ['other'],
  },
  {
    name: 'a flipped bit of a map',
    code: 'damaged-map-page',
    plant: async (folder) =>
      folder.flip(folder.layer(await folder.snapshotLayer('s1'), 'map'), pageAt(0)),
    affects: ['clone', 'v', 'v/s1', 'v/s2'],
  },
  {
    name: 'a flipped bit of a map where a newer layer hides it',
    code: 'damaged-map-page',
    plant: async (folder) =>
      folder.flip(folder.layer(await folder.head('clone'), 'map'), pageAt(0) + 100, 128),
    affects: ['clone'],
  },
  {
    name: 'a map that is cut off within its pages',
    code: 'damaged-map-page',
    plant: async (folder) =>
      truncate(folder.layer(await folder.snapshotLayer('s1'), 'map'), pageAt(pageOfSecondHalf)),
    affects: ['clone', 'v', 'v/s1', 'v/s2'],
  },
  {
    name: 'marks that mean nothing',
    code: 'damaged-map-page',
    plant: async (folder) => {
      await changeMap(folder, 'other', async (map) => {
        await map.load(0, 0);
        map.set(0, 1, data);
      });
      await using file = await open(folder.layer(await folder.head('other'), 'map'), 'r+');
      const page = sealBlock(new Uint8Array(4096).fill(255, 0, 1), pageAt(0));
      await file.write(page, 0, page.byteLength, pageAt(0));
    },
    affects: ['other'],
  },
  {
    name: 'data that is cut off',
    code: 'data-cut-off',
    plant: async (folder) =>
      truncate(folder.layer(await folder.snapshotLayer('s1'), 'data'), GiB / 2 + 100),
    affects: ['clone', 'v', 'v/s1', 'v/s2'],
  },
  {
    name: 'marks beyond the end of a volume',
    code: 'marks-beyond-end',
    plant: (folder) =>
      changeMap(folder, 'other', async (map) => {
        await map.load(0, 0);
        map.set((3 * MiB) / sector, (3 * MiB) / sector + 2, data);
      }),
    affects: ['other'],
  },
  {
    name: 'a map that was emptied',
    code: 'damaged-map-header',
    plant: async (folder) => truncate(folder.layer(await folder.head('other'), 'map'), 0),
    affects: ['other'],
  },
  {
    name: 'a map that ends behind its header',
    code: 'damaged-map-directory',
    plant: async (folder) =>
      truncate(folder.layer(await folder.head('other'), 'map'), directoryAt(0)),
    affects: ['other'],
  },
];

async function changeMap(
  folder: TestFolder,
  volumeId: string,
  change: (map: SectorMap) => void | Promise<void>,
): Promise<void> {
  const file = new FilePool(nodeFileOperations).file(
    folder.layer(await folder.head(volumeId), 'map'),
  );
  const map = new SectorMap(file);
  await map.open();
  await change(map);
  await map.write(map.take());
  await file.close();
}

const readerOf = ({ volumeId, snapshotId }: Effect): string =>
  snapshotId === null ? volumeId : `${volumeId}/${snapshotId}`;

async function withFolder(work: (folder: TestFolder) => Promise<void>): Promise<void> {
  const folder = await TestFolder.make();
  try {
    await work(folder);
  } finally {
    await folder.remove();
  }
}

function only(findings: readonly Finding[], code: FindingCode): Finding {
  const found = findings.find((finding) => finding.code === code);
  assert.ok(found, `${code} is among ${findings.map((finding) => finding.code).join()}`);
  return found;
}

test('a sound folder has no findings, and a check changes nothing', async () => {
  await withFolder(async (folder) => {
    const before = await folder.everything();
    assert.deepEqual(await checkFolder(folder.folder), {
      volumes: 3,
      snapshots: 2,
      layers: 5,
      findings: [],
    });
    assert.deepEqual(await folder.everything(), before);
  });
});

test('every planted fault is found', async (t) => {
  await withFolder(async (sound) => {
    for (const { name, code, severity = 'damage', plant, affects } of faults) {
      await t.test(name, async () => {
        const folder = await sound.copy();
        await plant(folder);
        const { findings } = await checkFolder(folder.folder);
        const finding = only(findings, code);
        assert.equal(finding.severity, severity);
        if (affects !== undefined) {
          assert.deepEqual(finding.affects.map(readerOf).sort(), affects);
        }
        await folder.remove();
      });
    }
  });
});

test('a fault is placed to the byte, and not where a newer layer hides it', async () => {
  await withFolder(async (folder) => {
    const path = folder.layer(await folder.snapshotLayer('s1'), 'data');
    await truncate(path, 0);
    const { affects } = only((await checkFolder(folder.folder)).findings, 'data-cut-off');
    const rangesOf = (reader: string): unknown =>
      affects.find((effect) => readerOf(effect) === reader)?.ranges;
    const tail = { offsetBytes: GiB / 2, lengthBytes: sector };
    assert.deepEqual(rangesOf('v/s1'), [{ offsetBytes: 0, lengthBytes: MiB }, tail]);
    assert.deepEqual(rangesOf('clone'), [{ offsetBytes: sector, lengthBytes: MiB - sector }, tail]);
    assert.deepEqual(rangesOf('v'), [
      { offsetBytes: 0, lengthBytes: sector },
      { offsetBytes: 3 * sector, lengthBytes: MiB - 3 * sector },
      tail,
    ]);
  });
});

test('reading all data finds nothing in a sound folder, and counts it', async () => {
  await withFolder(async (folder) => {
    let bytes = 0;
    const onDataRead = (count: number): void => void (bytes += count);
    assert.deepEqual((await checkFolder(folder.folder, { onDataRead })).findings, []);
    assert.equal(bytes, MiB + (1 + 1 + 1 + 1 + 16) * sector);
  });
});
