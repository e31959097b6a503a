/** Which volumes may join a group, and which may leave it. */
import type { OperatingError } from '../../base/errors.ts';
import type { CatalogReader } from '../../catalog/catalog.ts';
import type { GroupRow, VolumeRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { isOneOf, memberStatuses } from '../states.ts';
import { byId, scopeOf } from '../scope.ts';
import { invalidInput, invalidVolume } from '../volume/find-volume.ts';
import { demandAvailable, findGroup } from './find-group.ts';

/**
 * The volumes, by their ids, that are not in the group yet; rejects when one of them cannot join.
 */
export async function joiningVolumes(
  reader: CatalogReader,
  caller: Caller,
  group: GroupRow,
  volumeIds: readonly string[],
): Promise<string[]> {
  const joining = new Set<string>();
  for (const id of volumeIds) {
    const refused = (why: string): OperatingError =>
      invalidVolume(`Cannot add volume ${id} to group ${group.id} ${why}`);
    const row = await reader.find('volumes', { id, projectId: scopeOf(caller) });
    if (row === undefined) throw refused('because volume cannot be found.');
    if (row.groupId === group.id) continue;
    const reason = reasonNotToJoin(row, group);
    if (reason !== undefined) throw refused(reason);
    joining.add(id);
  }
  return [...joining];
}

function reasonNotToJoin(row: VolumeRow, group: GroupRow): string | undefined {
  if (row.groupId !== null) return `because it is already in group ${row.groupId}.`;
  if (row.projectId !== group.projectId) return 'as they belong to different projects.';
  if (!group.volumeTypeIds.includes(row.volumeTypeId)) {
    return `because volume type ${row.volumeTypeId} is not supported by the group.`;
  }
  if (isOneOf(row.status, memberStatuses.join)) return undefined;
  return `because volume ${inStatus(row, memberStatuses.join)}`;
}

/** The volumes, by their ids, that leave the group; rejects when one is not in it, or is busy. */
export async function leavingVolumes(
  reader: CatalogReader,
  group: GroupRow,
  volumeIds: readonly string[],
): Promise<string[]> {
  for (const id of volumeIds) {
    const refused = (why: string): OperatingError =>
      invalidVolume(`Cannot remove volume ${id} from group ${group.id} because ${why}`);
    const row = await reader.find('volumes', byId(id));
    if (row?.groupId !== group.id) throw refused('it is not in the group.');
    if (!isOneOf(row.status, memberStatuses.leave)) {
      throw refused(`volume ${inStatus(row, memberStatuses.leave)}`);
    }
  }
  return [...new Set(volumeIds)];
}

function inStatus({ status }: VolumeRow, valid: readonly string[]): string {
  const listed = valid.map((one) => `'${one}'`).join(', ');
  return `is in an invalid state: ${status}. Valid states are: (${listed}).`;
}

/** Rejects unless a new volume, with the type that a client named, may begin in a group. */
export async function demandMayBegin(
  reader: CatalogReader,
  caller: Caller,
  volume: VolumeRow,
  given: { readonly groupId: string; readonly volumeType: string | null },
): Promise<void> {
  const group = await findGroup(reader, caller, given.groupId);
  demandAvailable(group);
  if (given.volumeType === null || given.volumeType === '') {
    throw invalidInput(
      'volume_type must be provided when creating a volume in a group.',
      'volume_type',
    );
  }
  if (!group.volumeTypeIds.includes(volume.volumeTypeId)) {
    throw invalidInput(
      `Invalid volume_type provided: ${given.volumeType} (requested type must be supported by ` +
        'this group).',
      'volume_type',
    );
  }
  if (group.projectId !== volume.projectId) {
    throw invalidInput(`Group ${group.id} belongs to another project.`, 'group_id');
  }
}
