/**
 * The job that restores a backup. A rerun writes everything again: the volume is `available` only
 * after it holds exactly the backup, in the same transaction in which the backup is released.
 */
import { restoreBackup } from '../../backup/restore-backup.ts';
import { must } from '../../base/assert.ts';
import { GiB } from '../../base/bytes.ts';
import { everyProject, type CatalogWriter } from '../../catalog/catalog.ts';
import type { JobRow, VolumeRow } from '../../catalog/tables.ts';
import type { JobContext, JobHandler } from '../../job/job.ts';
import { recordFailure } from '../message.ts';
import type { OperationNeeds } from '../needs.ts';
import { backupChanges, isOneOf, volumeChanges } from '../states.ts';
import type { Manifest } from './repository-types.ts';
import { restoredNamePrefix } from './restore-backup.ts';
import type { RestoreTarget } from './start-restore.ts';
import { byId } from '../scope.ts';

type Needs = Pick<OperationNeeds, 'catalog' | 'clock' | 'engine' | 'repositories'>;

/** A volume that was asked for by name is `creating`, any other `restoring-backup`. */
const during = [volumeChanges.restore.during, volumeChanges.create.during] as const;

export function restoreBackupJob(needs: Needs): JobHandler {
  const { catalog, clock } = needs;
  return {
    async run(job, context) {
      const { volumeId } = payloadOf(job);
      const volume = await catalog.find('volumes', byId(volumeId));
      if (volume !== undefined && isOneOf(volume.status, during)) {
        await restore(needs, job, volume, context);
      }
      await catalog.transact((transaction) => releaseBackup(transaction, job, clock.now()));
      await removeIfDeleted(needs, volumeId);
    },

    async fail(job, error) {
      const { volumeId, target } = payloadOf(job);
      const { restore, create } = volumeChanges;
      const status = target === 'named' ? create.failed : restore.failed;
      await removeIfDeleted(needs, volumeId);
      await catalog.transact(async (transaction) => {
        await transaction.change(
          'volumes',
          { ...byId(volumeId), status: during },
          { status, updatedAt: clock.now() },
        );
        await releaseBackup(transaction, job, clock.now());
        await recordFailure(transaction, clock, {
          job,
          resource: 'VOLUME_BACKUP',
          action: 'restore backup',
          error,
          advice: `Volume ${volumeId} holds no usable data: restore again, or delete it.`,
        });
      });
    },
  };
}

function payloadOf({ payload }: JobRow): { volumeId: string; target: RestoreTarget } {
  const { volumeId, target } = payload;
  return {
    volumeId: must(typeof volumeId === 'string' ? volumeId : null, 'the volume in the payload'),
    target: target === 'restored' || target === 'named' ? target : 'existing',
  };
}

async function restore(
  { catalog, clock, engine, repositories }: Needs,
  job: JobRow,
  volume: VolumeRow,
  context: JobContext,
): Promise<void> {
  const { target } = payloadOf(job);
  const where = byId(job.subjectId);
  const backup = must(await catalog.find('backups', where), 'the backup, held while restoring');
  if (target !== 'existing') {
    await engine.createVolume({ volumeId: volume.id, lengthBytes: volume.size * GiB });
  }
  const repository = await repositories.open(backup.container, { create: false });
  await restoreBackup({
    engine,
    repository,
    backupId: backup.id,
    volumeId: volume.id,
    signal: context.signal,
    onProgress: ({ bytesDone, bytesTotal }) => context.progress(bytesDone, bytesTotal),
  });
  const source = (await repository.readManifest(backup.id)).volume;
  await catalog.transact(async (transaction) => {
    const now = await transaction.find('volumes', {
      id: volume.id,
      projectId: everyProject,
      status: during,
    });
    if (now === undefined) return;
    await transaction.change(
      'volumes',
      { id: now.id, projectId: now.projectId, status: during },
      {
        ...volumeFacts(now, source, target),
        status: volumeChanges.restore.to,
        updatedAt: clock.now(),
      },
    );
    await releaseBackup(transaction, job, clock.now());
  });
}

/** What the volume takes over from the one that was backed up. */
function volumeFacts(
  volume: VolumeRow,
  source: Manifest['volume'],
  target: RestoreTarget,
): Partial<VolumeRow> {
  const metadata =
    target === 'named'
      ? { ...source.metadata, ...volume.metadata }
      : { ...volume.metadata, ...source.metadata };
  const nameless = volume.name === null || volume.name.startsWith(restoredNamePrefix);
  const takesName = target !== 'named' && nameless && source.name !== null;
  return {
    metadata,
    bootable: source.bootable,
    ...(takesName ? { name: source.name, description: source.description } : {}),
  };
}

/** The backup can be used again, unless another restore holds it meanwhile. */
async function releaseBackup(
  transaction: CatalogWriter,
  job: JobRow,
  updatedAt: number,
): Promise<void> {
  const { during: restoring, to } = backupChanges.restore;
  await transaction.change(
    'backups',
    {
      id: job.subjectId,
      projectId: everyProject,
      status: restoring,
      restoreVolumeId: payloadOf(job).volumeId,
    },
    { status: to, updatedAt },
  );
}

/** A volume that was deleted by force, perhaps before the engine had it, leaves nothing behind. */
async function removeIfDeleted(
  { catalog, engine }: Pick<Needs, 'catalog' | 'engine'>,
  volumeId: string,
): Promise<void> {
  const row = await catalog.find('volumes', byId(volumeId));
  if (row === undefined || row.status === 'deleting') await engine.deleteVolume(volumeId);
}
