/**
 * Volumes that several hosts may use at once: those whose type said so, in Cinder's words, when
 * they were made. What keeps the hosts from destroying each other's data is a file system for it.
 */
import { everyProject, type CatalogReader } from '../../catalog/catalog.ts';
import type { VolumeRow, VolumeTypeRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import { attachable, attachableAgain, isOneOf } from '../states.ts';
import { invalidVolume } from '../volume/find-volume.ts';

/** Whether a new volume of this type may be attached more than once; asks the policy if so. */
export function multiattachOf(caller: Caller, type: VolumeTypeRow): boolean {
  const multiattach = type.extraSpecs['multiattach'] === '<is> True';
  if (multiattach) authorize(caller, 'volume:multiattach');
  return multiattach;
}

/**
 * Rejects with `invalid_state` when a new attachment of the volume cannot begin. One for an
 * instance that has the volume already always can: it moves to another host.
 */
export async function demandAttachable(
  reader: CatalogReader,
  caller: Caller,
  volume: VolumeRow,
  instanceId: string | null,
): Promise<void> {
  const { id, status, multiattach, bootable } = volume;
  if (status.includes('error')) {
    throw invalidVolume(
      'Volume attachments can not be created if the volume is in an error state. ' +
        `The Volume ${id} currently has a status of: ${status}`,
    );
  }
  if (multiattach && bootable && status === 'in-use') {
    authorize(caller, 'volume:multiattach_bootable_volume');
  }
  if (isOneOf(status, multiattach ? attachableAgain : attachable)) return;
  if (instanceId !== null && isOneOf(status, ['in-use', 'reserved'])) {
    const same = { projectId: everyProject, volumeId: id, instanceId } as const;
    if ((await reader.find('attachments', same)) !== undefined) return;
  }
  const allowed = multiattach ? 'available or in-use or downloading' : 'available or downloading';
  throw invalidVolume(
    `Volume ${id} status must be ${allowed} to reserve, but the current status is ${status}.`,
  );
}
