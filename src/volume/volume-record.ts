import { OperatingError } from '../base/errors.ts';
import { isUuid } from '../base/ids.ts';
import { isJsonObject } from '../base/json.ts';
import { isByteCount, parseJson } from '../layer/layer-record.ts';

/**
 * `volumes/ID.json` (docs/formats/layer.md): which layer takes a volume's writes, and what its
 * snapshots name. Replacing this one file is what commits a freeze, a snapshot, its removal, and a
 * new size.
 */
export interface VolumeRecord {
  readonly id: string;
  readonly lengthBytes: number;
  readonly head: string;
  /** What the volume was made from; kept so that making it again can be told from a mistake. */
  readonly origin: VolumeOrigin | null;
  readonly snapshots: readonly SnapshotRecord[];
}

export type VolumeOrigin =
  | { readonly snapshotId: string }
  | { readonly volumeId: string }
  | { readonly backupId: string };

export interface SnapshotRecord {
  readonly id: string;
  readonly layer: string;
  /** The size of the volume when the snapshot was taken. */
  readonly lengthBytes: number;
  readonly createdAt: string;
}

export const recordSuffix = '.json';

const formatVersion = 1;
const namePattern = /^[0-9A-Za-z][0-9A-Za-z._-]{0,99}$/;

/** True for an id that a volume or snapshot may have: 100 safe characters at most. */
export function isName(value: string): boolean {
  return namePattern.test(value);
}

/** A record as it stands in JSON. */
export function volumeValue(record: VolumeRecord): object {
  return { formatVersion, ...record };
}

export function formatVolumeRecord(record: VolumeRecord): string {
  return `${JSON.stringify(volumeValue(record))}\n`;
}

/** Reads a volume's record. Throws `corrupt` when it is not what a volume of this id has. */
export function parseVolumeRecord(text: string, id: string): VolumeRecord {
  return parseVolumeValue(parseJson(text, `volume ${id}`), id);
}

/** The same of a value that was read already. */
export function parseVolumeValue(value: unknown, id: string): VolumeRecord {
  const fail = (what: string): OperatingError =>
    new OperatingError('corrupt', `The record of volume ${id} is damaged: ${what}.`);
  if (!isJsonObject(value)) throw fail('it is no object');
  const { lengthBytes, head, snapshots } = value;
  if (value['formatVersion'] !== formatVersion) throw fail('its format version is unknown');
  if (value['id'] !== id) throw fail('its id is not the name of its file');
  if (!isByteCount(lengthBytes)) throw fail('its size is no number of bytes');
  if (typeof head !== 'string' || !isUuid(head)) throw fail('its head is no id');
  if (!Array.isArray(snapshots)) throw fail('it has no list of snapshots');
  const origin = parseOrigin(value['origin']);
  if (origin === undefined) throw fail('its origin is unknown');
  const parsed = snapshots.map((snapshot) => {
    const result = parseSnapshot(snapshot, lengthBytes);
    if (result === undefined) throw fail('one of its snapshots is not well-formed');
    return result;
  });
  if (new Set(parsed.map((snapshot) => snapshot.id)).size !== parsed.length) {
    throw fail('two of its snapshots have one id');
  }
  return { id, lengthBytes, head, origin, snapshots: parsed };
}

function parseOrigin(value: unknown): VolumeOrigin | null | undefined {
  if (value === null) return null;
  if (!isJsonObject(value)) return undefined;
  const { snapshotId, volumeId, backupId } = value;
  if (typeof backupId === 'string' && isName(backupId)) return { backupId };
  if (typeof snapshotId === 'string' && isName(snapshotId)) return { snapshotId };
  return typeof volumeId === 'string' && isName(volumeId) ? { volumeId } : undefined;
}

function parseSnapshot(value: unknown, lengthBytesMax: number): SnapshotRecord | undefined {
  if (!isJsonObject(value)) return undefined;
  const { id, layer, lengthBytes, createdAt } = value;
  if (typeof id !== 'string' || !isName(id) || typeof layer !== 'string' || !isUuid(layer))
    return undefined;
  if (!isByteCount(lengthBytes) || lengthBytes > lengthBytesMax) return undefined;
  if (typeof createdAt !== 'string') return undefined;
  return { id, layer, lengthBytes, createdAt };
}
