/** What is known of the image on a volume: hypervisors look there for what its disk needs. */
import { OperatingError } from '../../base/errors.ts';
import type { Metadata, VolumeRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize, type Action } from '../../identity/policy.ts';
import type { Changing, Reading } from '../needs.ts';
import { isOneOf } from '../states.ts';
import { changeVolume } from './change-volume.ts';
import { findVolume, invalidInput, invalidVolume } from './find-volume.ts';

const keysMax = 128;

/** Volumes that change just now keep it. */
const from = ['available', 'in-use', 'reserved', 'error', 'creating'] as const;

export async function showImageMetadata(
  { catalog }: Reading,
  caller: Caller,
  volumeId: string,
): Promise<Metadata> {
  authorize(caller, 'volume_extension:volume_image_metadata:show');
  return (await findVolume(catalog, caller, volumeId)).imageMetadata;
}

/** Sets these keys beside those that there are; resolves with all. */
export async function setImageMetadata(
  needs: Changing,
  caller: Caller,
  volumeId: string,
  metadata: Metadata,
): Promise<Metadata> {
  const action = 'volume_extension:volume_image_metadata:set';
  const row = await editImageMetadata(needs, caller, action, volumeId, (now) => ({
    ...now,
    ...metadata,
  }));
  return row.imageMetadata;
}

export async function unsetImageMetadata(
  needs: Changing,
  caller: Caller,
  volumeId: string,
  key: string,
): Promise<void> {
  const action = 'volume_extension:volume_image_metadata:remove';
  await editImageMetadata(needs, caller, action, volumeId, (now) => {
    if (!Object.hasOwn(now, key)) {
      throw new OperatingError('not_found', `Metadata key ${key} could not be found.`);
    }
    return Object.fromEntries(Object.entries(now).filter(([name]) => name !== key));
  });
}

async function editImageMetadata(
  { catalog, clock }: Changing,
  caller: Caller,
  action: Action,
  volumeId: string,
  edit: (metadata: Metadata) => Metadata,
): Promise<VolumeRow> {
  authorize(caller, action);
  return await catalog.transact(async (transaction) => {
    const row = await findVolume(transaction, caller, volumeId);
    if (!isOneOf(row.status, from)) {
      throw invalidVolume(`its image metadata cannot be changed while it is ${row.status}.`);
    }
    const imageMetadata = edit(row.imageMetadata);
    if (Object.keys(imageMetadata).length > keysMax) {
      throw invalidInput(`Image metadata has at most ${keysMax} keys.`, 'metadata');
    }
    const changes = { imageMetadata, updatedAt: clock.now() };
    return await changeVolume(transaction, row, from, changes);
  });
}
