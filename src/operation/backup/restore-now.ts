/** What restoring a backup does, for the request that waits for it and for the job. */
import { join } from 'node:path';
import { backingOf } from '../../backup/backing-source.ts';
import { restoreBackup } from '../../backup/restore-backup.ts';
import { GiB } from '../../base/bytes.ts';
import { type CatalogWriter } from '../../catalog/catalog.ts';
import type { BackupRow, VolumeRow } from '../../catalog/tables.ts';
import type { JobContext } from '../../job/job.ts';
import type { OperationNeeds } from '../needs.ts';
import { backupChanges, volumeChanges } from '../states.ts';
import { storedIdOf } from './find-backup.ts';
import type { Manifest } from './repository-types.ts';
import { restoredNamePrefix } from './restored-name.ts';
import type { RestoreTarget } from './start-restore.ts';
import { byId } from '../scope.ts';

export type RestoreNeeds = Pick<
  OperationNeeds,
  'catalog' | 'clock' | 'engine' | 'repositories' | 'hydrator' | 'journalFolder'
>;

/** A volume that was asked for by name is `creating`, any other `restoring-backup`. */
export const restoringStatuses = [
  volumeChanges.restore.during,
  volumeChanges.create.during,
] as const;

export interface RestoreWork {
  readonly backup: BackupRow;
  readonly volumeId: string;
  readonly target: RestoreTarget;
  readonly instant: boolean;
  /** The job that does it: what another one has done of the same restore does not count. */
  readonly jobId: string;
}

/** Where the place is kept that a job has reached. */
export function placePath({ journalFolder }: RestoreNeeds, jobId: string): string {
  return join(journalFolder, `${jobId}.restore`);
}

/** Restores into a volume whose row is in a status for it. It may be repeated. */
export async function restoreNow(
  needs: RestoreNeeds,
  work: RestoreWork,
  context: JobContext,
): Promise<void> {
  const { catalog, clock, repositories } = needs;
  const { backup, volumeId, target } = work;
  const repository = await repositories.open(backup.container, { create: false });
  const manifest = await repository.readManifest(storedIdOf(backup));
  const row = await catalog.find('volumes', byId(volumeId));
  if (row === undefined) return;
  await makeContent(needs, work, { manifest, lengthBytes: row.size * GiB }, context);
  await catalog.transact(async (transaction) => {
    const where = { ...byId(volumeId), status: restoringStatuses };
    const now = await transaction.find('volumes', where);
    if (now === undefined) return;
    await transaction.change('volumes', where, {
      ...volumeFacts(now, manifest.volume, target),
      status: volumeChanges.restore.to,
      updatedAt: clock.now(),
    });
    await releaseBackup(transaction, { backupId: backup.id, volumeId }, clock.now());
  });
}

async function makeContent(
  needs: RestoreNeeds,
  { backup, volumeId, target, instant, jobId }: RestoreWork,
  { manifest, lengthBytes }: { manifest: Manifest; lengthBytes: number },
  context: JobContext,
): Promise<void> {
  const { engine, hydrator, repositories } = needs;
  if (instant) {
    const backing = backingOf(backup.container, manifest);
    await hydrator.createVolume({ volumeId, lengthBytes, backing });
    return;
  }
  if (target !== 'existing') await engine.createVolume({ volumeId, lengthBytes });
  await restoreBackup({
    engine,
    repository: await repositories.open(backup.container, { create: false }),
    backupId: manifest.backupId,
    volumeId,
    place: { path: placePath(needs, jobId), purpose: `restore ${jobId}` },
    signal: context.signal,
    onProgress: ({ bytesDone, bytesTotal }) => context.progress(bytesDone, bytesTotal),
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
export async function releaseBackup(
  transaction: CatalogWriter,
  { backupId, volumeId }: { backupId: string; volumeId: string },
  updatedAt: number,
): Promise<void> {
  const { during: restoring, to } = backupChanges.restore;
  await transaction.change(
    'backups',
    { ...byId(backupId), status: restoring, restoreVolumeId: volumeId },
    { status: to, updatedAt },
  );
}
