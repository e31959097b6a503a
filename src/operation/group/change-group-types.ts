/**
 * Administration of group types. Group specs are kept and shown; the engine has one kind of group,
 * whose snapshots are of one instant.
 */
import { must } from '../../base/assert.ts';
import { OperatingError } from '../../base/errors.ts';
import { newId } from '../../base/ids.ts';
import { everyProject, type CatalogWriter } from '../../catalog/catalog.ts';
import type { GroupTypeRow, Metadata } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize, type Action } from '../../identity/policy.ts';
import type { Changing, Reading } from '../needs.ts';
import { findGroupType } from './find-group-type.ts';
import { defaultGroupTypeName } from './seed-group-types.ts';

export interface NewGroupType {
  readonly name: string;
  readonly description: string | null;
  readonly isPublic: boolean;
  readonly groupSpecs: Metadata;
}

export async function createGroupType(
  { catalog, clock }: Changing,
  caller: Caller,
  input: NewGroupType,
): Promise<GroupTypeRow> {
  authorize(caller, 'group:group_types:create');
  return await catalog.transact(async (transaction) => {
    await refuseName(transaction, input.name);
    const row = { id: newId(), ...input, createdAt: clock.now(), updatedAt: null };
    await transaction.insert('groupTypes', row);
    return row;
  });
}

export async function updateGroupType(
  { catalog, clock }: Changing,
  caller: Caller,
  typeId: string,
  update: Partial<Omit<NewGroupType, 'groupSpecs'>>,
): Promise<GroupTypeRow> {
  authorize(caller, 'group:group_types:update');
  return await catalog.transact(async (transaction) => {
    const row = await findGroupType(transaction, caller, typeId);
    if (update.name !== undefined && update.name !== row.name) {
      if (row.name === defaultGroupTypeName) throw refuseDefault('renamed');
      await refuseName(transaction, update.name);
    }
    const changes = { ...update, updatedAt: clock.now() };
    const changed = await transaction.change('groupTypes', { id: row.id }, changes);
    return must(changed, 'a row just read');
  });
}

export async function deleteGroupType(
  { catalog }: Reading,
  caller: Caller,
  typeId: string,
): Promise<void> {
  authorize(caller, 'group:group_types:delete');
  await catalog.transact(async (transaction) => {
    const row = await findGroupType(transaction, caller, typeId);
    if (row.name === defaultGroupTypeName) throw refuseDefault('deleted');
    const used = { groupTypeId: row.id, projectId: everyProject } as const;
    if ((await transaction.find('groups', used)) !== undefined) {
      throw new OperatingError('invalid_state', 'Target group type is still in use.');
    }
    await transaction.remove('groupTypes', { id: row.id });
  });
}

/** Makes the group specs what `edit` makes of them. */
export async function editGroupSpecs(
  { catalog, clock }: Changing,
  caller: Caller,
  action: Action,
  typeId: string,
  edit: (groupSpecs: Metadata) => Metadata,
): Promise<GroupTypeRow> {
  authorize(caller, action);
  return await catalog.transact(async (transaction) => {
    const row = await findGroupType(transaction, caller, typeId);
    const changes = { groupSpecs: edit(row.groupSpecs), updatedAt: clock.now() };
    const changed = await transaction.change('groupTypes', { id: row.id }, changes);
    return must(changed, 'a row just read');
  });
}

async function refuseName(transaction: CatalogWriter, name: string): Promise<void> {
  const taken = await transaction.find('groupTypes', { name });
  if (taken === undefined) return;
  throw new OperatingError('exists', `Group Type ${name} already exists.`, { field: 'name' });
}

function refuseDefault(what: string): OperatingError {
  return new OperatingError('invalid_state', `The default group type cannot be ${what}.`);
}
