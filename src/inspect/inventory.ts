import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { temporarySuffix } from '../base/durable-file.ts';
import { OperatingError, errnoOf, fromSystemError, isOperatingError } from '../base/errors.ts';
import { isUuid } from '../base/ids.ts';
import { isJsonObject } from '../base/json.ts';
import type { LayerRecord } from '../layer/layer-record.ts';
import { parseLayerRecord, recordFile } from '../layer/layer-record.ts';
import type { VolumeRecord } from '../volume/volume-record.ts';
import { parsePending, pendingFile } from '../volume/pending-records.ts';
import { parseVolumeRecord, recordSuffix } from '../volume/volume-record.ts';

/** What is wrong with a record; a newer Firn may have written one that this one cannot read. */
export interface RecordFault {
  readonly message: string;
  readonly isNewer: boolean;
}

/** A record as it was found: read, or the reason why not. */
export type Found<T> = { readonly record: T } | { readonly fault: RecordFault };

export interface LayerEntry {
  readonly id: string;
  /** Relative to the folder. */
  readonly path: string;
  readonly found: Found<LayerRecord>;
  /** Every name in the layer's folder, in order. */
  readonly names: readonly string[];
}

export interface VolumeEntry {
  readonly id: string;
  /** Relative to the folder. */
  readonly path: string;
  readonly found: Found<VolumeRecord>;
}

/** Something that is neither a volume's record nor a layer. */
export interface Stray {
  readonly path: string;
  /** True for what its name calls half made or half removed. */
  readonly isTemporary: boolean;
}

/** All that lies in a folder of volumes, as it is found, without a look into data and maps. */
export interface Inventory {
  readonly folder: string;
  readonly layers: ReadonlyMap<string, LayerEntry>;
  readonly volumes: ReadonlyMap<string, VolumeEntry>;
  readonly strays: readonly Stray[];
  /** Records that a crash kept from being written one by one; they count in place of those. */
  readonly pending: Found<readonly VolumeRecord[]> | undefined;
}

export const layersFolder = 'layers';
export const recordsFolder = 'volumes';
/** Where a repair puts what it cannot mend; never looked into. */
export const damagedFolder = 'damaged';

export const pendingPath = join(recordsFolder, pendingFile);

/** The record, if it could be read. */
export function recordOf<T>(entry: { readonly found: Found<T> } | undefined): T | undefined {
  return entry !== undefined && 'record' in entry.found ? entry.found.record : undefined;
}

/** Why the record could not be read, if it could not. */
export function faultOf<T>(entry: { readonly found: Found<T> }): RecordFault | undefined {
  return 'fault' in entry.found ? entry.found.fault : undefined;
}

/** Reads all records of a folder. Rejects only when the folder itself cannot be read. */
export async function takeInventory(folder: string): Promise<Inventory> {
  const layers = new Map<string, LayerEntry>();
  const volumes = new Map<string, VolumeEntry>();
  const strays: Stray[] = [];
  const stray = (path: string): void => {
    strays.push({ path, isTemporary: path.endsWith(temporarySuffix) });
  };
  const expected = new Set([layersFolder, recordsFolder, damagedFolder]);
  for (const name of await listFolder(folder)) if (!expected.has(name)) stray(name);
  for (const name of await listFolder(join(folder, layersFolder))) {
    const path = join(layersFolder, name);
    const entry = isUuid(name) ? await readLayer(folder, name) : undefined;
    if (entry === undefined) stray(path);
    else layers.set(name, entry);
  }
  for (const name of await listFolder(join(folder, recordsFolder))) {
    const path = join(recordsFolder, name);
    if (!name.endsWith(recordSuffix)) {
      if (name !== pendingFile) stray(path);
      continue;
    }
    const id = name.slice(0, -recordSuffix.length);
    const found = await readRecord(join(folder, path), (text) => parseVolumeRecord(text, id));
    if (found !== undefined) volumes.set(id, { id, path, found });
  }
  const pending = await readRecord(join(folder, pendingPath), parsePending);
  for (const record of pending !== undefined && 'record' in pending ? pending.record : []) {
    const { id } = record;
    volumes.set(id, { id, path: join(recordsFolder, id + recordSuffix), found: { record } });
  }
  return { folder, layers, volumes, strays, pending };
}

async function listFolder(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    throw fromSystemError(error, `${folder} cannot be read`);
  }
}

/** Undefined when a running engine has removed it since it was listed. */
async function readLayer(folder: string, id: string): Promise<LayerEntry | undefined> {
  const path = join(layersFolder, id);
  let names: string[];
  try {
    names = (await readdir(join(folder, path))).sort();
  } catch (error) {
    if (errnoOf(error) === 'ENOTDIR' || errnoOf(error) === 'ENOENT') return undefined;
    throw fromSystemError(error, `${join(folder, path)} cannot be read`);
  }
  const file = join(folder, path, recordFile);
  const found = await readRecord(file, (text) => parseLayerRecord(text, id));
  const missing = { fault: { message: `It has no ${recordFile}.`, isNewer: false } };
  return { id, path, found: found ?? missing, names };
}

async function readRecord<T>(
  path: string,
  parse: (text: string) => T,
): Promise<Found<T> | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    const failure = fromSystemError(error, `${path} cannot be read`);
    if (!isOperatingError(failure)) throw error;
    return { fault: { message: failure.message, isNewer: false } };
  }
  try {
    return { record: parse(text) };
  } catch (error) {
    if (!(error instanceof OperatingError)) throw error;
    return { fault: { message: error.message, isNewer: isNewer(text) } };
  }
}

/** True when the text says that it has a later format version than any that is known here. */
function isNewer(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    if (!isJsonObject(value)) return false;
    const { formatVersion } = value;
    return typeof formatVersion === 'number' && formatVersion > 2;
  } catch {
    // What is no JSON says nothing of its version.
    return false;
  }
}
