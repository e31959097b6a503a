/**
 * The manifest of a backup: what it is, where its map begins, and all that is needed to make its
 * volume and its record again without any catalogue. A backup is there when its manifest is there.
 *
 * It is JSON in UTF-8, sealed with the backup's id as label, and called `backups/<backup id>`. Text
 * is limited; what is longer was not written by Firn.
 */
import { OperatingError } from '../base/errors.ts';
import { isUuid } from '../base/ids.ts';
import type { JsonValue } from '../base/json.ts';
import { idBytes, volumeBytesMax } from './block.ts';
import type { RepositoryKeys } from './keys.ts';
import { ManifestFields } from './manifest-fields.ts';
import { depthOf } from './map.ts';
import { objectLabel, seal, sealBytes, unseal } from './seal.ts';

/** What the caller says about a backup when it is committed. */
export interface ManifestFacts {
  readonly backupId: string;
  readonly making: 'full' | 'incremental';
  /** The backup whose map this one started from, or null; nothing depends on it any more. */
  readonly parentId: string | null;
  readonly name: string | null;
  readonly description: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly projectId: string;
  readonly userId: string;
  readonly snapshotId: string | null;
  /** The instant whose data the backup holds: ISO 8601 in UTC, without zone. */
  readonly dataTimestamp: string;
  /** The frozen layer that was read: where the next backup's changes are counted from. */
  readonly layerId: string;
  /** The installation that made it and has its first record; absent where none has. */
  readonly installationId?: string;
  readonly volume: VolumeFacts;
}

export interface VolumeFacts {
  readonly volumeId: string;
  readonly name: string | null;
  readonly description: string | null;
  readonly sizeGiB: number;
  readonly metadata: Readonly<Record<string, string>>;
  readonly bootable: boolean;
  readonly volumeType: string | null;
  readonly availabilityZone: string | null;
}

export interface BackupStatistics {
  /** Bytes that were handed over as data, zeros among them included. */
  readonly bytesRead: number;
  /** Bytes of blocks that were in no backup before. */
  readonly bytesNew: number;
  /** Bytes that were put into the store, packs and indexes. */
  readonly bytesStored: number;
  readonly blocksNew: number;
  readonly blocksShared: number;
  readonly blocksZero: number;
  /** Objects that were put into the store, the manifest included. */
  readonly objectCount: number;
}

export interface Manifest extends ManifestFacts {
  readonly formatVersion: 1;
  readonly repositoryId: string;
  /** ISO 8601 in UTC, without zone. */
  readonly createdAt: string;
  readonly lengthBytes: number;
  readonly map: { readonly rootId: string; readonly depth: number };
  readonly statistics: BackupStatistics;
}

const manifestBytesMax = 1024 * 1024;
export const sealedManifestBytesMax = manifestBytesMax + sealBytes;

export function manifestName(backupId: string): string {
  return `backups/${backupId}`;
}

/** The backup id of an object that is called `name`, or undefined when no manifest is called so. */
export function backupIdOf(name: string): string | undefined {
  const id = name.slice('backups/'.length);
  return isUuid(id) && manifestName(id) === name ? id : undefined;
}

/** Rejects with `invalid_input` what could not be read back, such as text over a limit. */
export function sealManifest(keys: RepositoryKeys, manifest: Manifest): Buffer {
  try {
    decodeManifest(structuredClone(manifest), keys.repositoryId);
  } catch (error) {
    throw new OperatingError('invalid_input', 'a backup cannot be described so', { cause: error });
  }
  const plain = Buffer.from(JSON.stringify(manifest));
  return seal(keys.objectKey('manifest'), objectLabel('manifest', manifest.backupId), plain);
}

/** Opens a manifest and checks every field of it. Rejects with `corrupt`. */
export function openManifest(keys: RepositoryKeys, backupId: string, sealed: Uint8Array): Manifest {
  const subject = `the manifest ${manifestName(backupId)}`;
  const label = objectLabel('manifest', backupId);
  const options = { subject, plainBytesMax: manifestBytesMax };
  const plain = unseal(keys.objectKey('manifest'), label, sealed, options);
  let manifest: Manifest;
  try {
    manifest = decodeManifest(JSON.parse(plain.toString()), keys.repositoryId);
  } catch (error) {
    throw new OperatingError('corrupt', `${subject} is damaged`, { cause: error });
  }
  if (manifest.backupId === backupId) return manifest;
  throw new OperatingError('corrupt', `${subject} is that of another backup`);
}

function decodeManifest(value: JsonValue | Manifest, repositoryId: string): Manifest {
  const fields = new ManifestFields(value, 'manifest');
  if (fields.count('formatVersion', 1) !== 1) {
    throw new OperatingError('corrupt', 'the format of the manifest is newer than this version');
  }
  if (fields.id('repositoryId') !== repositoryId) {
    throw new OperatingError('corrupt', 'the manifest is of another repository');
  }
  const lengthBytes = fields.count('lengthBytes', volumeBytesMax);
  return {
    formatVersion: 1,
    backupId: fields.id('backupId'),
    repositoryId,
    createdAt: fields.text('createdAt', 32),
    making: decodeMaking(fields),
    parentId: fields.idOrNull('parentId'),
    name: fields.textOrNull('name', 255),
    description: fields.textOrNull('description', 65_535),
    metadata: fields.texts('metadata'),
    projectId: fields.text('projectId', 64),
    userId: fields.text('userId', 64),
    snapshotId: fields.idOrNull('snapshotId'),
    dataTimestamp: fields.text('dataTimestamp', 32),
    layerId: fields.text('layerId', 64),
    ...(fields.has('installationId') ? { installationId: fields.id('installationId') } : {}),
    volume: decodeVolume(fields.object('volume')),
    lengthBytes,
    map: decodeMap(fields.object('map'), lengthBytes),
    statistics: decodeStatistics(fields.object('statistics')),
  };
}

function decodeVolume(fields: ManifestFields): VolumeFacts {
  return {
    volumeId: fields.id('volumeId'),
    name: fields.textOrNull('name', 255),
    description: fields.textOrNull('description', 65_535),
    sizeGiB: fields.count('sizeGiB', 2 ** 31),
    metadata: fields.texts('metadata'),
    bootable: fields.flag('bootable'),
    volumeType: fields.textOrNull('volumeType', 255),
    availabilityZone: fields.textOrNull('availabilityZone', 255),
  };
}

function decodeMap(fields: ManifestFields, lengthBytes: number): Manifest['map'] {
  const rootId = fields.text('rootId', idBytes * 2);
  const depth = fields.count('depth', 8);
  if (!/^[0-9a-f]{64}$/.test(rootId) || depth !== depthOf(lengthBytes)) fields.fail('map');
  return { rootId, depth };
}

function decodeStatistics(fields: ManifestFields): BackupStatistics {
  return {
    bytesRead: fields.count('bytesRead'),
    bytesNew: fields.count('bytesNew'),
    bytesStored: fields.count('bytesStored'),
    blocksNew: fields.count('blocksNew'),
    blocksShared: fields.count('blocksShared'),
    blocksZero: fields.count('blocksZero'),
    objectCount: fields.count('objectCount'),
  };
}

function decodeMaking(fields: ManifestFields): Manifest['making'] {
  const making = fields.text('making', 16);
  return making === 'full' || making === 'incremental' ? making : fields.fail('making');
}
