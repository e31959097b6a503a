import { OperatingError, messageOf } from '../base/errors.ts';
import { isUuid } from '../base/ids.ts';
import { isJsonObject } from '../base/json.ts';
import { type Backing, parseBacking } from './backing.ts';

/** `layer.json` (docs/formats/layer.md): what a layer is, beside its data and its map. */
export interface LayerRecord {
  readonly id: string;
  /** The layer below, or null for the oldest. */
  readonly parent: string | null;
  /** No sector at or beyond this size is anything but absent. */
  readonly lengthBytes: number;
  /** The names of the two files inside the layer's folder; `dataFile` is the first part. */
  readonly dataFile: string;
  readonly mapFile: string;
  /** The backup that the layer is still being filled from; its parent is null. */
  readonly backing?: Backing | undefined;
}

export const recordFile = 'layer.json';
/** How far a merge into the layer's files has come (docs/formats/layer.md, Merging). */
export const progressFile = 'merge.json';

/** A layer that is not whole would show zeros to whoever knows nothing of backings. */
const formatVersions = { whole: 1, backed: 2 } as const;
const filePattern = /^(data|map)(-[0-9a-f-]{36})?$/;

/** The name of a part of a data file (data-file.ts): `data`, `data.1`, `data.2` … */
export function partName(dataFile: string, index: number): string {
  return index === 0 ? dataFile : `${dataFile}.${index}`;
}

/** Which part of a data file a name in the folder is; undefined for all other names. */
export function partIndexOf(dataFile: string, name: string): number | undefined {
  if (name === dataFile) return 0;
  if (!name.startsWith(`${dataFile}.`)) return undefined;
  const suffix = name.slice(dataFile.length + 1);
  return /^[1-9][0-9]{0,5}$/.test(suffix) ? Number(suffix) : undefined;
}

export function formatLayerRecord(record: LayerRecord): string {
  const { whole, backed } = formatVersions;
  const formatVersion = record.backing === undefined ? whole : backed;
  return `${JSON.stringify({ formatVersion, ...record }, null, 2)}\n`;
}

/** Reads `layer.json`. Throws `corrupt` when it is not what a layer of this id has. */
export function parseLayerRecord(text: string, id: string): LayerRecord {
  const value = parseJson(text, `layer ${id}`);
  const fail = (what: string): OperatingError =>
    new OperatingError('corrupt', `The record of layer ${id} is damaged: ${what}.`);
  if (!isJsonObject(value)) throw fail('it is no object');
  const { parent, lengthBytes, dataFile, mapFile } = value;
  const isBacked = value['formatVersion'] === formatVersions.backed;
  if (!isBacked && value['formatVersion'] !== formatVersions.whole) {
    throw fail('its format version is unknown');
  }
  if (value['id'] !== id) throw fail('its id is not the name of its folder');
  if (parent !== null && (typeof parent !== 'string' || !isUuid(parent))) {
    throw fail('its parent is no id');
  }
  if (!isByteCount(lengthBytes)) throw fail('its size is no number of bytes');
  if (typeof dataFile !== 'string' || !filePattern.test(dataFile)) {
    throw fail('its data file has no valid name');
  }
  if (typeof mapFile !== 'string' || !filePattern.test(mapFile)) {
    throw fail('its map file has no valid name');
  }
  if (!isBacked) return { id, parent, lengthBytes, dataFile, mapFile };
  const backing = parseBacking(value['backing']);
  if (backing === undefined || parent !== null)
    throw fail('the backup under it is not well-formed');
  return { id, parent, lengthBytes, dataFile, mapFile, backing };
}

/** Parses JSON, or throws `corrupt` that names the `subject`. */
export function parseJson(text: string, subject: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new OperatingError(
      'corrupt',
      `The record of ${subject} is no JSON: ${messageOf(error)}`,
      {
        cause: error,
      },
    );
  }
}

/** True for a whole number of bytes above zero that a file can have. */
export function isByteCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0;
}
