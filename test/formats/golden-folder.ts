/**
 * Makes the folder of volumes that pins the format, always the same to the byte.
 *
 * `test/formats/golden/` holds it as it was when the format was fixed. To write it anew after an
 * intended change of the format: `node test/formats/golden-folder.ts test/formats/golden`.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KiB, MiB } from '../../src/base/bytes.ts';
import { FilePool } from '../../src/layer/file-pool.ts';
import { createLayerFolder } from '../../src/layer/layer-folder.ts';
import { Layer } from '../../src/layer/layer.ts';
import { nodeFileOperations } from '../../src/layer/node-file-operations.ts';
import type { SectorKind } from '../../src/layer/sector.ts';
import { data, sectorBytes, zero } from '../../src/layer/sector.ts';
import type { VolumeRecord } from '../../src/volume/volume-record.ts';
import { formatVolumeRecord } from '../../src/volume/volume-record.ts';

/** Two pages of a map, and an end that is no whole sector. */
export const goldenLengthBytes = 65 * MiB + 1000;

export const goldenIds = {
  base: '00000000-0000-4000-8000-000000000001',
  middle: '00000000-0000-4000-8000-000000000002',
  head: '00000000-0000-4000-8000-000000000003',
  clone: '00000000-0000-4000-8000-000000000004',
} as const;

/** The far page has zeros only, so that the data files stay small. */
const farSector = (64 * MiB) / sectorBytes + 3;

interface Run {
  readonly sector: number;
  readonly kind: SectorKind;
  readonly fill?: number;
}

const layers: readonly { id: string; parent: string | null; runs: readonly Run[] }[] = [
  {
    id: goldenIds.base,
    parent: null,
    runs: [1, 2, 3, 5].map((sector) => ({ sector, kind: data, fill: 0x10 + sector })),
  },
  {
    id: goldenIds.middle,
    parent: goldenIds.base,
    runs: [
      { sector: 2, kind: data, fill: 0x22 },
      { sector: 3, kind: zero },
      { sector: farSector, kind: zero },
    ],
  },
  { id: goldenIds.head, parent: goldenIds.middle, runs: [{ sector: 3, kind: data, fill: 0x33 }] },
  { id: goldenIds.clone, parent: goldenIds.middle, runs: [] },
];

const snapshot = (id: string, layer: string, second: number) => ({
  id,
  layer,
  lengthBytes: goldenLengthBytes,
  createdAt: `2026-01-31T12:00:0${second}.000000`,
});

const volumes: readonly VolumeRecord[] = [
  {
    id: 'volume',
    lengthBytes: goldenLengthBytes,
    head: goldenIds.head,
    origin: null,
    snapshots: [
      snapshot('first', goldenIds.base, 1),
      snapshot('second', goldenIds.middle, 2),
      snapshot('alias', goldenIds.middle, 2),
    ],
  },
  {
    id: 'clone',
    lengthBytes: goldenLengthBytes,
    head: goldenIds.clone,
    origin: { snapshotId: 'second' },
    snapshots: [],
  },
];

/** By name: which sectors are not zeros, and the byte that fills them. */
export const goldenContent: Readonly<Record<string, Readonly<Record<number, number>>>> = {
  first: { 1: 0x11, 2: 0x12, 3: 0x13, 5: 0x15 },
  second: { 1: 0x11, 2: 0x22, 5: 0x15 },
  alias: { 1: 0x11, 2: 0x22, 5: 0x15 },
  clone: { 1: 0x11, 2: 0x22, 5: 0x15 },
  volume: { 1: 0x11, 2: 0x22, 3: 0x33, 5: 0x15 },
};

export async function makeGoldenFolder(folder: string): Promise<void> {
  const pool = new FilePool(nodeFileOperations);
  const layersFolder = join(folder, 'layers');
  await mkdir(layersFolder, { recursive: true });
  await mkdir(join(folder, 'volumes'));
  for (const { id, parent, runs } of layers) {
    const record = { id, parent, lengthBytes: goldenLengthBytes, dataFile: 'data', mapFile: 'map' };
    await createLayerFolder(nodeFileOperations, layersFolder, record);
    const layer = new Layer(join(layersFolder, id), record, pool);
    for (const { sector, kind, fill } of runs) {
      if (fill !== undefined) {
        await layer.write(sector * sectorBytes, Buffer.alloc(4 * KiB, fill));
      }
      await layer.mark(sector, sector + 1, kind);
    }
    await layer.flush();
    await layer.close();
  }
  for (const record of volumes) {
    await writeFile(join(folder, 'volumes', `${record.id}.json`), formatVolumeRecord(record));
  }
}

if (import.meta.main) await makeGoldenFolder(process.argv[2] ?? '');
