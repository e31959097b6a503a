/** Volume types as answers show them (api-ref of Cinder, volumes-v3-types). */
import type { Metadata, VolumeTypeEncryptionRow, VolumeTypeRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { isAllowed } from '../../identity/policy.ts';
import { timeView } from './view.ts';

/** What everybody may see of extra specs; the others tell how the back end works. */
const openSpecs: readonly string[] = [
  'RESKEY:availability_zones',
  'multiattach',
  'replication_enabled',
];

export function extraSpecsFor(caller: Caller, extraSpecs: Metadata): Metadata {
  if (isAllowed(caller, 'volume_extension:types_extra_specs:read_sensitive')) return extraSpecs;
  return Object.fromEntries(Object.entries(extraSpecs).filter(([key]) => openSpecs.includes(key)));
}

export function typeView(row: VolumeTypeRow, caller: Caller): object {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    is_public: row.isPublic,
    'os-volume-type-access:is_public': row.isPublic,
    extra_specs: extraSpecsFor(caller, row.extraSpecs),
    ...(isAllowed(caller, 'volume_extension:access_types_qos_specs_id')
      ? { qos_specs_id: row.qosSpecsId }
      : {}),
  };
}

/** What clients can set of an encryption, and its id. */
export function encryptionFieldsView(row: VolumeTypeEncryptionRow): Record<string, unknown> {
  return {
    volume_type_id: row.volumeTypeId,
    encryption_id: row.id,
    provider: row.provider,
    cipher: row.cipher,
    key_size: row.keySize,
    control_location: row.controlLocation,
  };
}

export function encryptionView(row: VolumeTypeEncryptionRow): Record<string, unknown> {
  return {
    ...encryptionFieldsView(row),
    created_at: timeView(row.createdAt),
    updated_at: timeView(row.updatedAt),
    deleted_at: null,
    deleted: false,
  };
}
