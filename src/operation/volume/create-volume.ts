import { newId } from '../../base/ids.ts';
import type { CatalogWriter } from '../../catalog/catalog.ts';
import type { Metadata, VolumeRow, VolumeTypeRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import { availabilityZoneFor } from '../availability-zones.ts';
import { multiattachOf } from '../attachment/multiattach.ts';
import { startRestore } from '../backup/start-restore.ts';
import { demandMayBegin } from '../group/members.ts';
import { demandBackupService, isDisabled } from '../installation/binaries.ts';
import type { Changing, Starting } from '../needs.ts';
import { demandQuota, demandVolumeSize } from '../quota.ts';
import { defaultTypeOf } from '../type/default-types.ts';
import { findVolumeType } from '../type/find-volume-type.ts';
import { refuseEncrypted } from '../type/type-encryption.ts';
import { imageMetadataOf } from './volume-from-image.ts';
import { volumeTypeFor } from './volume-type-for.ts';
import { findSource, sizeFor, type SourceIds, type VolumeSource } from './volume-source.ts';

export interface NewVolume extends SourceIds {
  /** GiB; null takes the source's. */
  readonly size: number | null;
  readonly name: string | null;
  readonly description: string | null;
  /** Id or name; null or empty takes the source's, or else the default. */
  readonly volumeType: string | null;
  readonly availabilityZone: string | null;
  readonly metadata: Metadata;
  readonly groupId: string | null;
}

/** Begins to make a volume: empty, a clone of a snapshot or volume, or restored from a backup. */
export async function createVolume(
  needs: Starting,
  caller: Caller,
  input: NewVolume,
): Promise<VolumeRow> {
  authorize(caller, 'volume:create');
  const row = await needs.catalog.transact(async (transaction) => {
    const source = await findSource(transaction, caller, input);
    if (source.kind === 'backup') await demandBackupService(transaction);
    const volume = await volumeFor(transaction, needs, caller, input, source);
    if (input.groupId !== null) {
      const { groupId, volumeType } = input;
      await demandMayBegin(transaction, caller, volume, { groupId, volumeType });
    }
    await insertVolume(transaction, volume);
    if (source.kind === 'backup' && !(await isDisabled(transaction, 'cinder-volume'))) {
      await startRestore(transaction, needs, caller, {
        backup: source.backup,
        volume,
        target: 'named',
      });
    } else {
      await needs.jobs.add(transaction, {
        kind: 'volume.create',
        projectId: volume.projectId,
        subjectId: volume.id,
        requestId: caller.requestId,
      });
    }
    return volume;
  });
  needs.jobs.wake();
  return row;
}

/** Adds a volume's row, if size and quota allow it. */
export async function insertVolume(transaction: CatalogWriter, volume: VolumeRow): Promise<void> {
  await demandVolumeSize(transaction, volume.projectId, volume.size);
  const demand = { volumes: 1, gigabytes: volume.size };
  await demandQuota(transaction, volume.projectId, demand, volume.volumeTypeId);
  await transaction.insert('volumes', volume);
}

/** The row of a volume that begins as `source`, which the caller may use. */
export async function volumeFor(
  transaction: CatalogWriter,
  { clock }: Pick<Changing, 'clock'>,
  caller: Caller,
  input: NewVolume,
  source: VolumeSource,
): Promise<VolumeRow> {
  const original =
    source.kind === 'snapshot' || source.kind === 'volume' ? source.volume : undefined;
  const type = await typeFor(transaction, caller, input.volumeType, original);
  await refuseEncrypted(transaction, type);
  return {
    id: newId(),
    projectId: caller.projectId,
    userId: caller.userId,
    name: input.name,
    description: input.description,
    size: sizeFor(source, input.size),
    status: 'creating',
    previousStatus: null,
    volumeTypeId: type.id,
    availabilityZone: availabilityZoneFor(input.availabilityZone),
    bootable: original?.bootable ?? source.kind === 'image',
    multiattach: multiattachOf(caller, type),
    readOnly: false,
    snapshotId: input.snapshotId,
    sourceVolumeId: input.sourceVolumeId,
    backupId: input.backupId,
    imageId: source.kind === 'image' ? source.image.id : null,
    groupId: input.groupId,
    managedFile: null,
    metadata: input.metadata,
    imageMetadata:
      source.kind === 'image' ? imageMetadataOf(source.image) : (original?.imageMetadata ?? {}),
    createdAt: clock.now(),
    updatedAt: null,
  };
}

/** The type that is named, or else the source's, or else the project's default. */
async function typeFor(
  transaction: CatalogWriter,
  caller: Caller,
  named: string | null,
  original: VolumeRow | undefined,
): Promise<VolumeTypeRow> {
  if (named !== null && named !== '') return await volumeTypeFor(transaction, caller, named);
  if (original !== undefined) return await findVolumeType(transaction, original.volumeTypeId);
  return await defaultTypeOf(transaction, caller.projectId);
}
