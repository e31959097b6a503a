import { OperatingError } from '../../base/errors.ts';
import { everyProject, type CatalogReader } from '../../catalog/catalog.ts';
import type { GroupRow, VolumeRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { everyRow } from '../../catalog/every-row.ts';
import { scopeOf } from '../scope.ts';

/** The group; rejects with `not_found` when there is none for this caller. */
export async function findGroup(
  reader: CatalogReader,
  caller: Caller,
  groupId: string,
): Promise<GroupRow> {
  const row = await reader.find('groups', { id: groupId, projectId: scopeOf(caller) });
  if (row === undefined) {
    throw new OperatingError('not_found', `Group ${groupId} could not be found.`);
  }
  return row;
}

/** The volumes of a group. */
export async function volumesOf(reader: CatalogReader, groupId: string): Promise<VolumeRow[]> {
  return await Array.fromAsync(everyRow(reader, 'volumes', { groupId, projectId: everyProject }));
}

/** A refusal in the shape that clients know. */
export function invalidGroup(reason: string): OperatingError {
  return new OperatingError('invalid_state', `Invalid Group: ${reason}`);
}

/** Rejects unless the group is available: what changes or reads it has to wait for its job. */
export function demandAvailable(group: GroupRow): void {
  if (group.status === 'available') return;
  throw invalidGroup(`Group status must be available, but current status is: ${group.status}.`);
}
