import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, fromSystemError } from '../base/errors.ts';
import { partBytes } from '../layer/data-file.ts';
import type { LayerRecord } from '../layer/layer-record.ts';
import { partIndexOf, progressFile, recordFile } from '../layer/layer-record.ts';
import { markLogFiles } from '../layer/mark-log-format.ts';
import { sectorBytes } from '../layer/sector.ts';
import type { LayerEntry } from './inventory.ts';

export interface FileFacts {
  readonly sizeBytes: number;
  /** What the host has set aside for it. */
  readonly hostBytes: number;
}

/** The files of a layer with a readable record. */
export interface LayerFiles {
  /** The parts of the data, by index. */
  readonly parts: ReadonlyMap<number, FileFacts>;
  readonly map: FileFacts | undefined;
  /** Names in the folder that the record does not know. */
  readonly others: readonly string[];
}

/** Looks at the files of a layer, not into them. */
export async function statLayer(
  folder: string,
  entry: LayerEntry,
  record: LayerRecord,
): Promise<LayerFiles> {
  const parts = new Map<number, FileFacts>();
  const others: string[] = [];
  let map: FileFacts | undefined;
  for (const name of entry.names) {
    const part = partIndexOf(record.dataFile, name);
    const path = join(folder, entry.path, name);
    if (part !== undefined) {
      const facts = await statFile(path);
      if (facts !== undefined) parts.set(part, facts);
    } else if (name === record.mapFile) map = await statFile(path);
    else if (!isKnown(name)) others.push(name);
  }
  return { parts, map, others };
}

/** Files beside data and map. A log of marks is the next opening's to take over or to remove. */
function isKnown(name: string): boolean {
  return name === recordFile || name === progressFile || markLogFiles.includes(name);
}

/** Undefined for what is not there, and for what is no file. */
async function statFile(path: string): Promise<FileFacts | undefined> {
  try {
    const facts = await stat(path);
    if (!facts.isFile()) return undefined;
    return { sizeBytes: facts.size, hostBytes: facts.blocks * 512 };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw fromSystemError(error, `${path} cannot be looked at`);
  }
}

/** What the host has set aside for the layer. */
export function hostBytesOf({ parts, map }: LayerFiles): number {
  let hostBytes = map?.hostBytes ?? 0;
  for (const part of parts.values()) hostBytes += part.hostBytes;
  return hostBytes;
}

/** The sector behind the last one that is wholly in the file in which `sector` lies. */
export function endOfStored(files: LayerFiles, sector: number): number {
  const partSectors = partBytes / sectorBytes;
  const part = Math.floor(sector / partSectors);
  const sizeBytes = files.parts.get(part)?.sizeBytes ?? 0;
  return part * partSectors + Math.floor(sizeBytes / sectorBytes);
}
