/**
 * The job that makes a backup. It may run again from the start at any point:
 *
 * - A backup of a volume reads a short-lived snapshot, which has the backup's id. It is taken once,
 *   by the request, or by the job when the process ended between the two, and given up only after
 *   the row says `available`: a rerun reads the same bytes or finds all done.
 * - The row becomes `available`, and what was read is released, in one transaction. What only older
 *   backups needed is released afterwards, by a rerun too. Where that fails for good the backup
 *   stays as it is, a message tells it, and the volume's next backup does it.
 * - A row that leaves `creating` by force ends the work; the deletion's job, which comes after this
 *   one, removes what the repository has of it.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  backUp,
  type BackupFacts,
  type BackupOutcome,
  releaseOlder,
} from '../../backup/back-up.ts';
import { checkpointId } from '../../backup/checkpoint.ts';
import { must } from '../../base/assert.ts';
import { isoMicros } from '../../base/clock.ts';
import { isOperatingError, OperatingError } from '../../base/errors.ts';
import type { CatalogWriter } from '../../catalog/catalog.ts';
import type { BackupRow, JobRow } from '../../catalog/tables.ts';
import type { JobContext, JobHandler } from '../../job/job.ts';
import { failureText } from '../failure.ts';
import { recordFailure } from '../message.ts';
import type { OperationNeeds } from '../needs.ts';
import { backupChanges } from '../states.ts';
import { installationIdOf } from './claim-id.ts';
import { keepProgress } from './keep-progress.ts';
import { addPrune } from './prune-repository.ts';
import { releaseSource, type BackupSource } from './release-source.ts';
import { byId } from '../scope.ts';

export type BackupNeeds = Pick<
  OperationNeeds,
  'catalog' | 'clock' | 'engine' | 'jobs' | 'repositories' | 'journalFolder'
>;

const { during, to, failed } = backupChanges.create;

export function createBackupJob(needs: BackupNeeds): JobHandler {
  const { catalog, clock, engine } = needs;
  return {
    async run(job, context) {
      const row = await catalog.find('backups', byId(job.subjectId));
      if (row?.status === during) await makeBackup(needs, row, context);
      const source = sourceOf(job);
      await catalog.transact((transaction) => releaseSource(transaction, source, clock.now()));
      if (row?.status === during || row?.status === to) {
        const repository = await needs.repositories.open(row.container, { create: true });
        await releaseOlder({ engine, repository, backupId: source.backupId });
      }
      if (source.snapshotId === null) await engine.deleteSnapshot(source.backupId);
    },

    async fail(job, error) {
      const source = sourceOf(job);
      await catalog.transact(async (transaction) => {
        await recordEnd(needs, transaction, { job, error });
        await releaseSource(transaction, source, clock.now());
      });
      needs.jobs.wake();
      await rm(journalPath(needs, source.backupId), { force: true });
      // A backup that is not there needs no place to start the next one from.
      const row = await catalog.find('backups', byId(job.subjectId));
      if (row?.status !== to) await engine.deleteSnapshot(checkpointId(source.backupId));
      if (source.snapshotId === null) await engine.deleteSnapshot(source.backupId);
    },
  };
}

/** Says why there is no backup; or, when only what comes after it has failed, that there is one. */
async function recordEnd(
  { clock, jobs }: BackupNeeds,
  transaction: CatalogWriter,
  { job, error }: { job: JobRow; error: unknown },
): Promise<void> {
  const { subjectId, projectId, requestId } = job;
  const about = { job, resource: 'VOLUME_BACKUP', action: 'create backup', error } as const;
  const ended = await transaction.change(
    'backups',
    { ...byId(subjectId), status: during },
    { status: failed, failReason: failureText(error, requestId), updatedAt: clock.now() },
  );
  if (ended !== undefined) {
    // What it had stored already is of no use any more.
    await addPrune(transaction, jobs, { container: ended.container, projectId, requestId });
    const advice = 'Delete the backup, and create it again when the cause is gone.';
    await recordFailure(transaction, clock, { ...about, advice });
    return;
  }
  const row = await transaction.find('backups', byId(subjectId));
  const told = { projectId, requestId, resourceId: subjectId };
  if (row?.status !== to || (await transaction.find('messages', told)) !== undefined) return;
  const advice =
    'The backup itself is whole and available. What only older backups of the volume need on the ' +
    'host is given up after its next backup.';
  await recordFailure(transaction, clock, { ...about, advice });
}

function journalPath(needs: BackupNeeds, backupId: string): string {
  return join(needs.journalFolder, `${backupId}.journal`);
}

function sourceOf({ subjectId, payload }: JobRow): BackupSource {
  const { volumeId, snapshotId } = payload;
  return {
    backupId: subjectId,
    volumeId: must(typeof volumeId === 'string' ? volumeId : null, 'the volume in the payload'),
    snapshotId: typeof snapshotId === 'string' ? snapshotId : null,
  };
}

async function makeBackup(needs: BackupNeeds, row: BackupRow, context: JobContext): Promise<void> {
  const { catalog, clock, engine, repositories } = needs;
  if (row.snapshotId === null) {
    await engine.createSnapshots([{ volumeId: row.volumeId, snapshotId: row.id }]);
  }
  const lost = new AbortController();
  const keeper = keepProgress({ catalog, clock, backupId: row.id, onLost: () => lost.abort() });
  try {
    const outcome = await backUp({
      engine,
      repository: await repositories.open(row.container, { create: true }),
      snapshotId: row.snapshotId ?? row.id,
      facts: await factsOf(needs, row),
      journalPath: journalPath(needs, row.id),
      signal: AbortSignal.any([context.signal, lost.signal]),
      onProgress: (progress) => {
        context.progress(progress.bytesDone, progress.bytesTotal);
        keeper.report(progress);
      },
    });
    await keeper.settle();
    await markAvailable(needs, row, outcome);
  } catch (error) {
    await keeper.settle();
    const unwanted = lost.signal.aborted && !context.signal.aborted;
    if (!unwanted || !isOperatingError(error, 'aborted')) throw error;
    await rm(journalPath(needs, row.id), { force: true });
    await engine.deleteSnapshot(checkpointId(row.id));
  }
}

async function factsOf({ catalog }: BackupNeeds, row: BackupRow): Promise<BackupFacts> {
  const volume = await catalog.find('volumes', byId(row.volumeId));
  if (volume === undefined) {
    throw new OperatingError('not_found', `Volume ${row.volumeId} could not be found.`);
  }
  const type = await catalog.find('volumeTypes', { id: volume.volumeTypeId });
  return {
    backupId: row.id,
    making: row.incremental ? 'incremental' : 'full',
    name: row.name,
    description: row.description,
    metadata: row.metadata,
    projectId: row.projectId,
    userId: row.userId,
    snapshotId: row.snapshotId,
    dataTimestamp: isoMicros(row.dataTimestamp),
    installationId: await installationIdOf(catalog),
    volume: {
      volumeId: volume.id,
      name: volume.name,
      description: volume.description,
      sizeGiB: row.size,
      metadata: volume.metadata,
      bootable: volume.bootable,
      volumeType: type?.name ?? null,
      availabilityZone: volume.availabilityZone,
    },
  };
}

async function markAvailable(
  { catalog, clock }: BackupNeeds,
  row: BackupRow,
  outcome: BackupOutcome,
): Promise<void> {
  const { id: backupId, volumeId, snapshotId } = row;
  await catalog.transact(async (transaction) => {
    await transaction.change(
      'backups',
      { ...byId(backupId), status: during },
      {
        status: to,
        parentId: outcome.parentId,
        layerId: outcome.layerId,
        objectCount: outcome.objectCount,
        bytesTotal: outcome.bytesTotal,
        bytesDone: outcome.bytesRead,
        bytesStored: outcome.bytesStored,
        updatedAt: clock.now(),
      },
    );
    await releaseSource(transaction, { backupId, volumeId, snapshotId }, clock.now());
  });
}
