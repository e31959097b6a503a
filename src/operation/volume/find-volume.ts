import { OperatingError } from '../../base/errors.ts';
import { everyProject, type CatalogReader } from '../../catalog/catalog.ts';
import type { VolumeRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { scopeOf } from '../scope.ts';

/** The volume; rejects with `not_found` when there is none for this caller. */
export async function findVolume(
  reader: CatalogReader,
  caller: Caller,
  volumeId: string,
): Promise<VolumeRow> {
  const row = await reader.find('volumes', { id: volumeId, projectId: scopeOf(caller) });
  if (row === undefined) {
    throw new OperatingError('not_found', `Volume ${volumeId} could not be found.`);
  }
  return row;
}

/** A refusal in the shape that clients know. */
export function invalidVolume(reason: string): OperatingError {
  return new OperatingError('invalid_state', `Invalid volume: ${reason}`);
}

/** A value that is wrong by itself, in the shape that clients know. */
export function invalidInput(reason: string, field: string): OperatingError {
  return new OperatingError('invalid_input', `Invalid input received: ${reason}`, { field });
}

/** Rejects while a volume is being made of this one: it would lose its source. */
export async function refuseWhileCopied(reader: CatalogReader, volumeId: string): Promise<void> {
  const clone = await reader.find('volumes', {
    projectId: everyProject,
    sourceVolumeId: volumeId,
    status: 'creating',
  });
  if (clone === undefined) return;
  throw invalidVolume(`Volume ${volumeId} is just being copied to volume ${clone.id}.`);
}
