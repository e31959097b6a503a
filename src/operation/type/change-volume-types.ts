/** Administration of volume types. Extra specs are kept and shown. */
import { must } from '../../base/assert.ts';
import { OperatingError } from '../../base/errors.ts';
import { newId } from '../../base/ids.ts';
import { everyProject, type CatalogWriter } from '../../catalog/catalog.ts';
import type { Metadata, VolumeTypeRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize, type Action } from '../../identity/policy.ts';
import type { Changing, Reading } from '../needs.ts';
import { everyRow } from '../../catalog/every-row.ts';
import { removeQuotas, renameQuotas } from '../quota-of-types.ts';
import { findVolumeType } from './find-volume-type.ts';
import { defaultTypeName } from './seed-volume-types.ts';

export interface NewVolumeType {
  readonly name: string;
  readonly description: string | null;
  readonly isPublic: boolean;
  readonly extraSpecs: Metadata;
}

export async function createVolumeType(
  { catalog, clock }: Changing,
  caller: Caller,
  input: NewVolumeType,
): Promise<VolumeTypeRow> {
  authorize(caller, 'volume_extension:type_create');
  return await catalog.transact(async (transaction) => {
    await refuseName(transaction, input.name);
    const dates = { createdAt: clock.now(), updatedAt: null };
    const row = { id: newId(), ...input, qosSpecsId: null, ...dates };
    await transaction.insert('volumeTypes', row);
    return row;
  });
}

export async function updateVolumeType(
  { catalog, clock }: Changing,
  caller: Caller,
  typeId: string,
  update: Partial<Omit<NewVolumeType, 'extraSpecs'>>,
): Promise<VolumeTypeRow> {
  authorize(caller, 'volume_extension:type_update');
  return await catalog.transact(async (transaction) => {
    const row = await findVolumeType(transaction, typeId);
    if (update.name !== undefined && update.name !== row.name) {
      if (row.name === defaultTypeName) throw refuseDefault('renamed');
      await refuseName(transaction, update.name);
      await renameQuotas(transaction, row, { name: update.name });
    }
    const changes = { ...update, updatedAt: clock.now() };
    const changed = await transaction.change('volumeTypes', { id: row.id }, changes);
    return must(changed, 'a row just read');
  });
}

export async function deleteVolumeType(
  { catalog }: Reading,
  caller: Caller,
  typeId: string,
): Promise<void> {
  authorize(caller, 'volume_extension:type_delete');
  await catalog.transact(async (transaction) => {
    const row = await findVolumeType(transaction, typeId);
    if (row.name === defaultTypeName) throw refuseDefault('deleted');
    const used = { volumeTypeId: row.id, projectId: everyProject } as const;
    if ((await transaction.find('volumes', used)) !== undefined) {
      throw new OperatingError(
        'invalid_state',
        `Target volume type is still in use: volumes have the type ${row.name}.`,
      );
    }
    for await (const group of everyRow(transaction, 'groups', { projectId: everyProject })) {
      if (!group.volumeTypeIds.includes(row.id)) continue;
      throw new OperatingError(
        'invalid_state',
        `Target volume type is still in use: groups support the type ${row.name}.`,
      );
    }
    await removeQuotas(transaction, row);
    await transaction.remove('volumeTypeAccess', { volumeTypeId: row.id });
    await transaction.remove('volumeTypeEncryption', { volumeTypeId: row.id });
    await transaction.remove('defaultTypes', { volumeTypeId: row.id });
    await transaction.remove('volumeTypes', { id: row.id });
  });
}

/** Makes the extra specs what `edit` makes of them. */
export async function editExtraSpecs(
  { catalog, clock }: Changing,
  caller: Caller,
  action: Action,
  typeId: string,
  edit: (extraSpecs: Metadata) => Metadata,
): Promise<VolumeTypeRow> {
  authorize(caller, action);
  return await catalog.transact(async (transaction) => {
    const row = await findVolumeType(transaction, typeId);
    const changes = { extraSpecs: edit(row.extraSpecs), updatedAt: clock.now() };
    const changed = await transaction.change('volumeTypes', { id: row.id }, changes);
    return must(changed, 'a row just read');
  });
}

async function refuseName(transaction: CatalogWriter, name: string): Promise<void> {
  const taken = await transaction.find('volumeTypes', { name });
  if (taken === undefined) return;
  throw new OperatingError('exists', `Volume Type ${name} already exists.`, { field: 'name' });
}

function refuseDefault(what: string): OperatingError {
  return new OperatingError('invalid_state', `The default volume type cannot be ${what}.`);
}
