import { basename, dirname, join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { isoMicros } from '../base/clock.ts';
import { OperatingError } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import type { FilePool } from '../layer/file-pool.ts';
import { createLayerFolder, removeLayerFolder } from '../layer/layer-folder.ts';
import type { LayerRecord } from '../layer/layer-record.ts';
import { nodeFileOperations as files } from '../layer/node-file-operations.ts';
import { PendingRecords } from '../volume/pending-records.ts';
import type { VolumeRecord } from '../volume/volume-record.ts';
import { formatVolumeRecord, recordSuffix } from '../volume/volume-record.ts';
import type { Inventory } from './inventory.ts';
import { damagedFolder, layersFolder, pendingPath, recordOf, recordsFolder } from './inventory.ts';
import { mendMapFile } from './mend-map.ts';
import type { References } from './references.ts';

/** One thing that a repair does. */
export interface RepairStep {
  readonly verb: 'remove' | 'set aside' | 'keep' | 'new head' | 'mend';
  /** Relative to the folder. */
  readonly path: string;
  /** A sentence that says what is done, and why that is safe. */
  readonly what: string;
  /** Does it, durably. */
  run(clock: Clock): Promise<void>;
}

/** Volumes that a repair makes begin so. */
export const keptPrefix = 'lost-';
/** And the snapshots in them. */
export const keptSnapshotPrefix = 'lost-snapshot-';

/** Removes what is half made, or what no record names. */
export function removePath(folder: string, path: string): RepairStep {
  return {
    verb: 'remove',
    path,
    what: 'Nothing refers to it.',
    run: async () => {
      await files.remove(join(folder, path));
      await files.syncFolder(dirname(join(folder, path)));
    },
  };
}

/** Removes a layer that no volume and no snapshot leads to, while every record is readable. */
export function removeLayer(folder: string, id: string): RepairStep {
  return {
    verb: 'remove',
    path: join(layersFolder, id),
    what: 'No volume and no snapshot leads to this layer.',
    run: () => removeLayerFolder(files, join(folder, layersFolder), id),
  };
}

/** Moves something into `damaged/`, where it keeps its path. */
export function setAsidePath(folder: string, path: string): RepairStep {
  const target = join(damagedFolder, path);
  return {
    verb: 'set aside',
    path,
    what: `It goes to ${target} as it is; put it back once it is mended by hand.`,
    run: async () => {
      const place = join(folder, dirname(target));
      await files.makeFolder(place);
      await files.rename(join(folder, path), join(place, await freeName(place, basename(path))));
      await files.syncFolder(place);
      await files.syncFolder(dirname(join(folder, path)));
    },
  };
}

async function freeName(folder: string, name: string): Promise<string> {
  const taken = new Set(await files.list(folder));
  if (!taken.has(name)) return name;
  for (let count = 2; ; count += 1) if (!taken.has(`${name}.${count}`)) return `${name}.${count}`;
}

/**
 * Makes a volume whose snapshots name layers that a damaged record may lead to, so that they stay.
 * They stay frozen: the volume gets a head of its own.
 */
export function keepUnderNewName(
  folder: string,
  top: LayerRecord,
  layers: readonly LayerRecord[],
): RepairStep {
  const id = keptPrefix + top.id;
  return {
    verb: 'keep',
    path: join(recordsFolder, id + recordSuffix),
    what:
      `A new volume ${id} gets snapshots of layers that nobody leads to ` +
      `(${layers.length}): what is damaged may have led to them.`,
    run: async (clock) => {
      const { lengthBytes } = top;
      const head = await newHead(folder, top.id, lengthBytes);
      const createdAt = isoMicros(clock.now());
      const snapshots = layers.map((layer) => ({
        id: keptSnapshotPrefix + layer.id,
        layer: layer.id,
        lengthBytes: Math.min(layer.lengthBytes, lengthBytes),
        createdAt,
      }));
      await writeVolume(folder, { id, lengthBytes, head, origin: null, snapshots });
    },
  };
}

/** Puts a new, empty head on a layer for each volume whose head it is: it changes no more then. */
export function newHeads(
  folder: string,
  inventory: Inventory,
  references: References,
  layer: LayerRecord,
): RepairStep[] {
  const heads = references.namesOf(layer.id).filter((name) => name.snapshotId === null);
  return heads.map(({ volumeId }) => ({
    verb: 'new head',
    path: join(recordsFolder, volumeId + recordSuffix),
    what: `Volume ${volumeId} gets a new head on layer ${layer.id}, which changes no more.`,
    run: async () => {
      const record = recordOf(inventory.volumes.get(volumeId));
      if (record === undefined) throw new OperatingError('not_found', `Volume ${volumeId} is gone`);
      const head = await newHead(folder, layer.id, Math.max(record.lengthBytes, layer.lengthBytes));
      await writeVolume(folder, { ...record, head });
    },
  }));
}

/** Writes the single records of a change of several that a crash has cut off. */
export function finishPending(folder: string): RepairStep {
  return {
    verb: 'mend',
    path: pendingPath,
    what: 'Its records are written one by one, as the next opening would.',
    run: () => new PendingRecords(join(folder, recordsFolder), files).recover(),
  };
}

/** Writes the header of a map again, and its directories from its pages. */
export function mendMap(folder: string, record: LayerRecord, pool: FilePool): RepairStep {
  const path = join(layersFolder, record.id, record.mapFile);
  return {
    verb: 'mend',
    path,
    what: 'The damaged parts of header and directories are made again from the pages.',
    run: () => mendMapFile(pool.file(join(folder, path))),
  };
}

async function newHead(folder: string, parent: string, lengthBytes: number): Promise<string> {
  const id = newId();
  const record = { id, parent, lengthBytes, dataFile: 'data', mapFile: 'map' };
  await createLayerFolder(files, join(folder, layersFolder), record);
  return id;
}

async function writeVolume(folder: string, record: VolumeRecord): Promise<void> {
  const path = join(folder, recordsFolder, record.id + recordSuffix);
  await files.writeDurably(path, formatVolumeRecord(record));
}
