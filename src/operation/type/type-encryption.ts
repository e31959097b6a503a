/**
 * Encryption of volume types, kept as Cinder's clients set it. Firn has no key manager for
 * hypervisors, so no volume of such a type is made: one in clear must not pass for an encrypted
 * one.
 */
import { must } from '../../base/assert.ts';
import { OperatingError } from '../../base/errors.ts';
import { newId } from '../../base/ids.ts';
import { everyProject, type CatalogReader } from '../../catalog/catalog.ts';
import type { VolumeTypeEncryptionRow, VolumeTypeRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import type { Changing, Reading } from '../needs.ts';
import { findVolumeType } from './find-volume-type.ts';

export type EncryptionFields = Pick<
  VolumeTypeEncryptionRow,
  'provider' | 'cipher' | 'keySize' | 'controlLocation'
>;

/** Rejects with `invalid_input` a type whose volumes would have to be encrypted. */
export async function refuseEncrypted(reader: CatalogReader, type: VolumeTypeRow): Promise<void> {
  const found = await reader.find('volumeTypeEncryption', { volumeTypeId: type.id });
  if (found === undefined) return;
  throw new OperatingError(
    'invalid_input',
    `Key manager error: volume type ${type.name} asks for encryption, and there is no key ` +
      'manager here. Encrypt within the guest, or take another type.',
    { field: 'volume_type' },
  );
}

/** The type's encryption, if it has one. */
export async function showTypeEncryption(
  { catalog }: Reading,
  caller: Caller,
  typeId: string,
): Promise<VolumeTypeEncryptionRow | undefined> {
  authorize(caller, 'volume_extension:volume_type_encryption:get');
  const { id } = await findVolumeType(catalog, typeId);
  return await catalog.find('volumeTypeEncryption', { volumeTypeId: id });
}

export async function createTypeEncryption(
  { catalog, clock }: Changing,
  caller: Caller,
  typeId: string,
  fields: EncryptionFields,
): Promise<VolumeTypeEncryptionRow> {
  authorize(caller, 'volume_extension:volume_type_encryption:create');
  return await catalog.transact(async (transaction) => {
    const type = await findVolumeType(transaction, typeId);
    await demandUnused(transaction, type, 'create');
    const found = await transaction.find('volumeTypeEncryption', { volumeTypeId: type.id });
    if (found !== undefined) {
      throw new OperatingError(
        'invalid_state',
        `Volume type encryption for type ${type.id} already exists.`,
      );
    }
    const dates = { createdAt: clock.now(), updatedAt: null };
    const row = { id: newId(), volumeTypeId: type.id, ...fields, ...dates };
    await transaction.insert('volumeTypeEncryption', row);
    return row;
  });
}

export async function updateTypeEncryption(
  { catalog, clock }: Changing,
  caller: Caller,
  typeId: string,
  fields: Partial<EncryptionFields>,
): Promise<VolumeTypeEncryptionRow> {
  authorize(caller, 'volume_extension:volume_type_encryption:update');
  return await catalog.transact(async (transaction) => {
    const type = await findVolumeType(transaction, typeId);
    await demandUnused(transaction, type, 'update');
    const where = { volumeTypeId: type.id };
    if ((await transaction.find('volumeTypeEncryption', where)) === undefined) {
      throw noEncryption(type.id);
    }
    const changes = { ...fields, updatedAt: clock.now() };
    const changed = await transaction.change('volumeTypeEncryption', where, changes);
    return must(changed, 'a row just read');
  });
}

export async function deleteTypeEncryption(
  { catalog }: Reading,
  caller: Caller,
  typeId: string,
): Promise<void> {
  authorize(caller, 'volume_extension:volume_type_encryption:delete');
  await catalog.transact(async (transaction) => {
    const type = await findVolumeType(transaction, typeId);
    await demandUnused(transaction, type, 'delete');
    const where = { volumeTypeId: type.id };
    if ((await transaction.remove('volumeTypeEncryption', where)) === 0) {
      throw noEncryption(type.id);
    }
  });
}

function noEncryption(typeId: string): OperatingError {
  return new OperatingError(
    'not_found',
    `Volume type encryption for type ${typeId} does not exist.`,
  );
}

async function demandUnused(
  reader: CatalogReader,
  type: VolumeTypeRow,
  verb: 'create' | 'update' | 'delete',
): Promise<void> {
  const used = { volumeTypeId: type.id, projectId: everyProject } as const;
  if ((await reader.find('volumes', used)) === undefined) return;
  throw new OperatingError('invalid_state', `Cannot ${verb} encryption specs. Volume type in use.`);
}
