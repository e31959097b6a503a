import { join } from 'node:path';
import { temporarySuffix } from '../base/durable-file.ts';
import { fromSystemError } from '../base/errors.ts';
import { settleAll } from '../base/serial.ts';
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
import { emptyMap } from './new-map.ts';

/**
 * Makes the folder of an empty layer, durably. It gets its name last, so a layer is there whole or
 * only as something with the temporary suffix.
 */
export async function createLayerFolder(
  operations: FileOperations,
  layersFolder: string,
  record: LayerRecord,
): Promise<void> {
  await makeLayerFolder(operations, layersFolder, record);
  await syncLayerNames(operations, layersFolder);
}

/**
 * The same but for its name, which a power cut may take back until `syncLayerNames`. There was no
 * layer of this id before.
 */
export async function makeLayerFolder(
  operations: FileOperations,
  layersFolder: string,
  record: LayerRecord,
): Promise<void> {
  const folder = join(layersFolder, record.id);
  const temporary = folder + temporarySuffix;
  const text = Buffer.from(formatLayerRecord(record));
  try {
    await operations.makeFolder(temporary);
    // The disk takes together what is synced at the same time.
    await settleAll([
      createFile(operations, join(temporary, record.dataFile)),
      createFile(operations, join(temporary, record.mapFile), emptyMap()),
      createFile(operations, join(temporary, recordFile), text),
    ]);
    await operations.syncFolder(temporary);
    await operations.rename(temporary, folder);
  } catch (error) {
    throw fromSystemError(error, `Making layer ${record.id}`);
  }
}

/** Makes the names of all layers durable. */
export async function syncLayerNames(
  operations: FileOperations,
  layersFolder: string,
): Promise<void> {
  try {
    await operations.syncFolder(layersFolder);
  } catch (error) {
    throw fromSystemError(error, 'Naming layers');
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

/** Makes a new file. Its content is durable then; its name is the caller's to make durable. */
export async function createFile(
  operations: FileOperations,
  path: string,
  content?: Uint8Array,
): Promise<void> {
  const file = await operations.open(path, 'create');
  try {
    if (content === undefined) return;
    await file.write(content, 0);
    await file.datasync();
  } finally {
    await file.close();
  }
}
