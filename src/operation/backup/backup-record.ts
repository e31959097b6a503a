/**
 * A backup's record as text that administrators carry from one installation to another (Block
 * Storage v3, "Export a backup's record"): base64 of a JSON object with Cinder's names of fields.
 * What the backup is comes from its manifest when it is imported; the record only says where it is.
 */
import { OperatingError } from '../../base/errors.ts';
import { isUuid } from '../../base/ids.ts';
import { isoMicros } from '../../base/clock.ts';
import { isJsonObject, type JsonObject } from '../../base/json.ts';
import type { BackupRow } from '../../catalog/tables.ts';
import { storedIdOf } from './find-backup.ts';

/** Clients expect a name that begins so (tempest, `test_volumes_backup.py`). */
export const recordService = 'cinder.backup.drivers.firn.FirnBackupDriver';

const textCharsMax = 1024 * 1024;

export interface BackupRecord {
  readonly service: string;
  readonly url: string;
}

/** Where a record says that its backup is, and what it is to be called. */
export interface RecordPlace {
  readonly id: string;
  readonly container: string;
  readonly repositoryId: string;
  readonly storedId: string;
  /** Undefined: as the manifest says. */
  readonly name: string | null | undefined;
  readonly description: string | null | undefined;
}

export function encodeRecord(row: BackupRow, repositoryId: string): BackupRecord {
  const fields: JsonObject = {
    id: row.id,
    user_id: row.userId,
    project_id: row.projectId,
    volume_id: row.volumeId,
    snapshot_id: row.snapshotId,
    parent_id: row.parentId,
    display_name: row.name,
    display_description: row.description,
    size: row.size,
    status: row.status,
    container: row.container,
    availability_zone: row.availabilityZone,
    object_count: row.objectCount,
    created_at: isoMicros(row.createdAt),
    data_timestamp: isoMicros(row.dataTimestamp),
    service: recordService,
    service_metadata: `${repositoryId}/${storedIdOf(row)}`,
  };
  return { service: recordService, url: Buffer.from(JSON.stringify(fields)).toString('base64') };
}

/** Rejects with `invalid_input` what no record of Firn's decodes to. */
export function decodeRecord({ service, url }: BackupRecord): RecordPlace {
  if (service !== recordService) {
    throw invalidRecord(
      'backup_service',
      `backups of ${service.slice(0, 100)} cannot be read; "firn repository import-cinder" takes ` +
        "over what Cinder's own drivers wrote",
    );
  }
  const fields = fieldsOf(url);
  const [repositoryId = '', storedId = ''] = text(fields, 'service_metadata').split('/');
  const id = text(fields, 'id');
  if (![id, repositoryId, storedId].every(isUuid)) throw malformed();
  return {
    id,
    container: text(fields, 'container'),
    repositoryId,
    storedId,
    name: optionalText(fields, 'display_name', 255),
    description: optionalText(fields, 'display_description', 65_535),
  };
}

function fieldsOf(url: string): JsonObject {
  if (url.length > textCharsMax) throw malformed();
  try {
    const fields: unknown = JSON.parse(Buffer.from(url, 'base64').toString());
    if (isJsonObject(fields)) return fields;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw malformed();
}

function text(fields: JsonObject, key: string): string {
  const value = fields[key];
  if (typeof value === 'string') return value;
  throw malformed();
}

function optionalText(
  fields: JsonObject,
  key: string,
  charsMax: number,
): string | null | undefined {
  const value = fields[key];
  if (value === undefined || value === null) return value;
  if (typeof value === 'string' && value.length <= charsMax) return value;
  throw malformed();
}

function malformed(): OperatingError {
  return invalidRecord('backup_url', 'it is not what export_record answered');
}

function invalidRecord(field: string, why: string): OperatingError {
  return new OperatingError(
    'invalid_input',
    `Invalid input received: Can't parse backup record: ${why}.`,
    { field },
  );
}
