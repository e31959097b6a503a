/**
 * What Cinder's chunked backup drivers (posix, NFS, Swift, S3, GCS) write about a backup, in an
 * object `PREFIX_metadata` beside `PREFIX-00001`, `PREFIX-00002`, … (cinder/backup/
 * chunkeddriver.py, version 1.0.0):
 *
 *     { "version": "1.0.0", "backup_id", "volume_id", "backup_name", "backup_description",
 *       "created_at": "2026-11-25 18:30:00+00:00", "parent_id": UUID or null,
 *       "objects": [{ NAME: { "offset", "length", "compression", "md5" } }, …],
 *       "volume_meta": JSON text with "volume-base-metadata" and "volume-metadata", or null }
 *
 * `length` and `md5` are of the plain bytes. An incremental backup has objects for what differs
 * from its parent only; zeros are stored as zeros.
 */
import { GiB, roundUp } from '../base/bytes.ts';
import { OperatingError } from '../base/errors.ts';
import { isUuid } from '../base/ids.ts';
import { isJsonObject, type JsonObject } from '../base/json.ts';

const objectsMax = 10_000_000;
const volumeBytesMax = 2 ** 50;

export const compressions = ['none', 'zlib', 'bz2', 'zstd'] as const;
export type Compression = (typeof compressions)[number];

export interface CinderObject {
  /** Its name in the bucket. */
  readonly name: string;
  readonly offsetBytes: number;
  /** Of the plain bytes. */
  readonly lengthBytes: number;
  readonly compression: Compression;
  readonly md5: string;
}

export interface CinderBackup {
  readonly backupId: string;
  readonly parentId: string | null;
  readonly name: string | null;
  readonly description: string | null;
  /** Milliseconds since 1970-01-01 UTC. */
  readonly createdAt: number;
  readonly volume: {
    readonly volumeId: string;
    readonly name: string | null;
    readonly description: string | null;
    readonly metadata: Record<string, string>;
    readonly bootable: boolean;
    readonly availabilityZone: string | null;
  };
  /** In the order of their offsets; they do not overlap. */
  readonly objects: readonly CinderObject[];
  /** The end of the last object, in whole GiB, or the size that the metadata gives if larger. */
  readonly lengthBytes: number;
}

/** Reads the metadata object `name`. Rejects with `corrupt` what Cinder did not write so. */
export function readCinderMetadata(name: string, bytes: Uint8Array): CinderBackup {
  const fields = parse(bytes, name);
  const fail = (what: string): never => {
    throw new OperatingError('corrupt', `${name}: ${what}`);
  };
  if (fields['version'] !== '1.0.0') fail('its version is not one that Firn knows');
  const text = (key: string): string => {
    const value = fields[key];
    return typeof value === 'string' ? value : fail(`${key} is missing`);
  };
  const id = (key: string): string => (isUuid(text(key)) ? text(key) : fail(`${key} is no UUID`));
  const parentId = fields['parent_id'] ?? null;
  if (parentId !== null && !(typeof parentId === 'string' && isUuid(parentId))) fail('parent_id');
  const base = volumeMeta(fields['volume_meta']);
  const objects = objectsOf(fields['objects'], name, fail);
  const last = objects.at(-1);
  const sizeGiB = base.fields['size'];
  const end = roundUp(
    Math.max(1, last === undefined ? 0 : last.offsetBytes + last.lengthBytes),
    GiB,
  );
  const said = typeof sizeGiB === 'number' && Number.isSafeInteger(sizeGiB) ? sizeGiB * GiB : 0;
  const lengthBytes = Math.max(end, said);
  if (lengthBytes > volumeBytesMax) fail('the volume is too large');
  return {
    backupId: id('backup_id'),
    parentId: typeof parentId === 'string' ? parentId : null,
    name: shortText(fields['backup_name'], 255),
    description: shortText(fields['backup_description'], 65_535),
    createdAt: timeOf(text('created_at')) ?? fail('created_at is no time'),
    volume: {
      volumeId: id('volume_id'),
      name: shortText(base.fields['display_name'], 255),
      description: shortText(base.fields['display_description'], 65_535),
      metadata: base.metadata,
      bootable: base.fields['bootable'] === true || base.fields['bootable'] === 1,
      availabilityZone: shortText(base.fields['availability_zone'], 255),
    },
    objects,
    lengthBytes,
  };
}

function parse(bytes: Uint8Array, name: string): JsonObject {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString());
    if (isJsonObject(value)) return value;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new OperatingError('corrupt', `${name} is not JSON`);
}

/** Names in the metadata are relative to where the metadata object itself lies. */
function objectsOf(
  value: unknown,
  metadataName: string,
  fail: (what: string) => never,
): CinderObject[] {
  if (!Array.isArray(value) || value.length > objectsMax) return fail('objects');
  const objects = value.filter(isJsonObject).flatMap((entry) =>
    Object.entries(entry).map(([name, facts]): CinderObject => {
      if (!isJsonObject(facts)) return fail(`the object ${name}`);
      const { offset, length, compression, md5 } = facts;
      const known = compressions.find((it) => it === compression);
      const fine =
        typeof offset === 'number' && typeof length === 'number' && typeof md5 === 'string';
      if (!fine || known === undefined) return fail(`the object ${name}`);
      const whole = Number.isSafeInteger(offset) && Number.isSafeInteger(length);
      if (!whole || offset < 0 || length < 0 || offset + length > volumeBytesMax) {
        return fail(`the range of ${name}`);
      }
      const place = placeOf(metadataName, name) ?? fail(`the name ${name}`);
      return { name: place, offsetBytes: offset, lengthBytes: length, compression: known, md5 };
    }),
  );
  objects.sort((a, b) => a.offsetBytes - b.offsetBytes);
  let end = 0;
  for (const { name, offsetBytes, lengthBytes } of objects) {
    if (offsetBytes < end) return fail(`${name} overlaps another object`);
    end = offsetBytes + lengthBytes;
  }
  return objects;
}

/** The full name of an object; undefined when it is none of this backup's. */
function placeOf(metadataName: string, name: string): string | undefined {
  const prefix = metadataName.slice(0, -'_metadata'.length);
  const ownPrefix = name.replace(/-\d+$/, '');
  return ownPrefix !== name && `/${prefix}`.endsWith(`/${ownPrefix}`)
    ? `${prefix}${name.slice(ownPrefix.length)}`
    : undefined;
}

function volumeMeta(value: unknown): { fields: JsonObject; metadata: Record<string, string> } {
  let meta: unknown = value;
  try {
    if (typeof value === 'string') meta = JSON.parse(value);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  if (!isJsonObject(meta)) return { fields: {}, metadata: {} };
  const fields = meta['volume-base-metadata'];
  const own = meta['volume-metadata'];
  const pairs = Object.entries(isJsonObject(own) ? own : {}).flatMap(([key, text]) =>
    typeof text === 'string' && key.length <= 255 && text.length <= 255 ? [[key, text]] : [],
  );
  return {
    fields: isJsonObject(fields) ? fields : {},
    metadata: Object.fromEntries(pairs) as Record<string, string>,
  };
}

function shortText(value: unknown, charsMax: number): string | null {
  return typeof value === 'string' && value !== '' ? value.slice(0, charsMax) : null;
}

/** Python's `str()` of a time, with or without zone; without one it is UTC. */
function timeOf(text: string): number | undefined {
  const zoned = /(?:Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`;
  const ms = Date.parse(zoned.replace(' ', 'T'));
  return Number.isNaN(ms) ? undefined : ms;
}
