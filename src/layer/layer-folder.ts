import { join } from 'node:path';
import { temporarySuffix } from '../base/durable-file.ts';
import { fromSystemError } from '../base/errors.ts';
import type { FileOperations } from './file-operations.ts';
import type { LayerRecord } from './layer-record.ts';
import {
  formatLayerRecord,
  parseLayerRecord,
  partIndexOf,
  progressFile,
  recordFile,
} from './layer-record.ts';
import { markLogFiles } from './mark-log-format.ts';
import { createMapFile } from './new-map.ts';

/**
 * Makes the folder of an empty layer, durably. It gets its name last, so a layer is there whole or
 * only as something with the temporary suffix.
 */
export async function createLayerFolder(
  operations: FileOperations,
  layersFolder: string,
  record: LayerRecord,
): Promise<void> {
  const folder = join(layersFolder, record.id);
  const temporary = folder + temporarySuffix;
  try {
    await operations.remove(temporary);
    await operations.makeFolder(temporary);
    await createFile(operations, join(temporary, record.dataFile));
    await createMapFile(operations, join(temporary, record.mapFile));
    // Also makes durable the names of the two files, which are in the same folder.
    await operations.writeDurably(join(temporary, recordFile), formatLayerRecord(record));
    await operations.rename(temporary, folder);
    await operations.syncFolder(layersFolder);
  } catch (error) {
    throw fromSystemError(error, `Making layer ${record.id}`);
  }
}

/**
 * Removes the folder of a layer, durably. From the first step on it is something to sweep; no later
 * removal, of what it lay on, outlives a power cut without this one.
 */
export async function removeLayerFolder(
  operations: FileOperations,
  layersFolder: string,
  id: string,
): Promise<void> {
  const folder = join(layersFolder, id);
  try {
    await operations.rename(folder, folder + temporarySuffix);
    await operations.syncFolder(layersFolder);
    await operations.remove(folder + temporarySuffix);
  } catch (error) {
    throw fromSystemError(error, `Removing layer ${id}`);
  }
}

/** Reads the record of a layer. Rejects with `corrupt` when it is damaged or missing. */
export async function readLayerRecord(
  operations: FileOperations,
  layersFolder: string,
  id: string,
): Promise<LayerRecord> {
  const path = join(layersFolder, id, recordFile);
  let text: string;
  try {
    text = await operations.readText(path);
  } catch (error) {
    throw fromSystemError(error, `Reading ${path}`);
  }
  return parseLayerRecord(text, id);
}

/**
 * Removes from a layer's folder what does not belong to it: the leftovers of a broken merge.
 * Answers whether an earlier process has left a log of marks.
 */
export async function sweepLayerFolder(
  operations: FileOperations,
  layersFolder: string,
  record: LayerRecord,
): Promise<boolean> {
  const folder = join(layersFolder, record.id);
  const known = new Set([recordFile, progressFile, record.mapFile]);
  let hasLog = false;
  for (const name of await operations.list(folder)) {
    if (markLogFiles.includes(name)) hasLog = true;
    else if (!known.has(name) && partIndexOf(record.dataFile, name) === undefined) {
      await operations.remove(join(folder, name));
    }
  }
  return hasLog;
}

/** Makes a new, empty file. */
export async function createFile(operations: FileOperations, path: string): Promise<void> {
  const file = await operations.open(path, 'create');
  await file.close();
}
