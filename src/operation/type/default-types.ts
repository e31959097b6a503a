/** The volume types that volumes of single projects have when none is named. */
import { isOperatingError, OperatingError } from '../../base/errors.ts';
import type { CatalogReader } from '../../catalog/catalog.ts';
import type { DefaultTypeRow, VolumeTypeRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import { must } from '../../base/assert.ts';
import type { Reading } from '../needs.ts';
import { volumeTypeFor } from '../volume/volume-type-for.ts';
import { defaultTypeName } from './seed-volume-types.ts';

/** What a project's volumes have when no type is named: its own default, or everybody's. */
export async function defaultTypeOf(
  reader: CatalogReader,
  projectId: string,
): Promise<VolumeTypeRow> {
  const own = await reader.find('defaultTypes', { id: projectId });
  const type =
    own === undefined ? undefined : await reader.find('volumeTypes', { id: own.volumeTypeId });
  if (type !== undefined) return type;
  const row = await reader.find('volumeTypes', { name: defaultTypeName });
  return must(row, 'the default volume type, made at the first start');
}

/** A project that a request names; who is who says whether there is one. */
export interface NamedProject {
  readonly id: string;
  readonly exists: () => Promise<boolean>;
}

async function demandProject({ id, exists }: NamedProject): Promise<void> {
  if (await exists()) return;
  throw new OperatingError('not_found', `Project with id ${id} not found.`);
}

/** Rejects with `not_found` for a project that there is not, and `invalid_input` for a type. */
export async function setDefaultType(
  { catalog }: Reading,
  caller: Caller,
  project: NamedProject,
  typeIdOrName: string,
): Promise<DefaultTypeRow> {
  authorize(caller, 'volume_extension:default_set_or_update');
  await demandProject(project);
  const projectId = project.id;
  return await catalog.transact(async (transaction) => {
    const type = await namedType(transaction, caller, typeIdOrName);
    const row = { id: projectId, volumeTypeId: type.id };
    await transaction.remove('defaultTypes', { id: projectId });
    await transaction.insert('defaultTypes', row);
    return row;
  });
}

/** A type that is named in a body and is not there is the body's mistake, as in Cinder. */
async function namedType(
  reader: CatalogReader,
  caller: Caller,
  idOrName: string,
): Promise<VolumeTypeRow> {
  try {
    return await volumeTypeFor(reader, caller, idOrName);
  } catch (error) {
    if (!isOperatingError(error, 'not_found')) throw error;
    throw new OperatingError('invalid_input', error.message, { field: 'volume_type' });
  }
}

/** The default that was set for a project. */
export async function showDefaultType(
  { catalog }: Reading,
  caller: Caller,
  project: NamedProject,
): Promise<DefaultTypeRow> {
  authorize(caller, 'volume_extension:default_get');
  await demandProject(project);
  const row = await catalog.find('defaultTypes', { id: project.id });
  if (row !== undefined) return row;
  throw new OperatingError('not_found', `Default type for project ${project.id} not found.`);
}

/** The defaults of all projects that have one, at most 1,000. */
export async function listDefaultTypes(
  { catalog }: Reading,
  caller: Caller,
): Promise<DefaultTypeRow[]> {
  authorize(caller, 'volume_extension:default_get_all');
  return await catalog.list('defaultTypes', { where: {}, limit: 1000 });
}

/** Also of a project that is gone. */
export async function unsetDefaultType(
  { catalog }: Reading,
  caller: Caller,
  projectId: string,
): Promise<void> {
  authorize(caller, 'volume_extension:default_unset');
  await catalog.remove('defaultTypes', { id: projectId });
}
