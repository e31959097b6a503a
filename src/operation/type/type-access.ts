/** Which projects may use the volume types that are not public. */
import { OperatingError } from '../../base/errors.ts';
import type { CatalogReader } from '../../catalog/catalog.ts';
import type { VolumeTypeAccessRow, VolumeTypeRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import type { Reading } from '../needs.ts';
import { isAdmin } from '../scope.ts';
import { findVolumeType, noVolumeType } from './find-volume-type.ts';

/** The most projects that one type, or types that one project, can be given. */
const accessRowsMax = 1000;

/** Whether the caller may see and use the type. */
export async function mayUseType(
  reader: CatalogReader,
  caller: Caller,
  type: VolumeTypeRow,
): Promise<boolean> {
  if (type.isPublic || isAdmin(caller)) return true;
  const id = `${type.id}:${caller.projectId}`;
  return (await reader.find('volumeTypeAccess', { id })) !== undefined;
}

/** The type, if the caller may see it; rejects with `not_found` otherwise. */
export async function findUsableType(
  reader: CatalogReader,
  caller: Caller,
  typeId: string,
): Promise<VolumeTypeRow> {
  const type = await findVolumeType(reader, typeId);
  if (await mayUseType(reader, caller, type)) return type;
  throw noVolumeType(typeId);
}

/** The types that are not public and that a project may use. */
export async function privateTypesOf(reader: CatalogReader, projectId: string): Promise<string[]> {
  const rows = await reader.list('volumeTypeAccess', {
    where: { projectId },
    limit: accessRowsMax,
  });
  return rows.map((row) => row.volumeTypeId);
}

/** The projects that may use a type which is not public. */
export async function listTypeAccess(
  { catalog }: Reading,
  caller: Caller,
  typeId: string,
): Promise<VolumeTypeAccessRow[]> {
  authorize(caller, 'volume_extension:volume_type_access:get_all_for_type');
  const type = await findVolumeType(catalog, typeId);
  if (type.isPublic) {
    throw new OperatingError('not_found', 'Access list not available for public volume types.');
  }
  const where = { volumeTypeId: type.id };
  return await catalog.list('volumeTypeAccess', { where, limit: accessRowsMax });
}

export async function addTypeAccess(
  { catalog }: Reading,
  caller: Caller,
  typeId: string,
  projectId: string,
): Promise<void> {
  authorize(caller, 'volume_extension:volume_type_access:addProjectAccess');
  await catalog.transact(async (transaction) => {
    const type = await findVolumeType(transaction, typeId);
    demandPrivate(type);
    const id = `${type.id}:${projectId}`;
    if ((await transaction.find('volumeTypeAccess', { id })) !== undefined) {
      throw new OperatingError(
        'exists',
        `Volume type access for ${type.id} / ${projectId} combination already exists.`,
      );
    }
    if ((await transaction.count('volumeTypeAccess', { volumeTypeId: type.id })) >= accessRowsMax) {
      throw new OperatingError(
        'invalid_input',
        `A volume type can be given to ${accessRowsMax} projects.`,
        { field: 'project' },
      );
    }
    await transaction.insert('volumeTypeAccess', { id, volumeTypeId: type.id, projectId });
  });
}

export async function removeTypeAccess(
  { catalog }: Reading,
  caller: Caller,
  typeId: string,
  projectId: string,
): Promise<void> {
  authorize(caller, 'volume_extension:volume_type_access:removeProjectAccess');
  await catalog.transact(async (transaction) => {
    const type = await findVolumeType(transaction, typeId);
    demandPrivate(type);
    const removed = await transaction.remove('volumeTypeAccess', { id: `${type.id}:${projectId}` });
    if (removed > 0) return;
    throw new OperatingError(
      'not_found',
      `Volume type access not found for ${type.id} / ${projectId} combination.`,
    );
  });
}

function demandPrivate(type: VolumeTypeRow): void {
  if (!type.isPublic) return;
  throw new OperatingError(
    'invalid_state',
    'Invalid volume type: Type access modification is not applicable to public volume type.',
  );
}
