/**
 * Revert: a volume becomes again what its newest snapshot holds (microversion 3.40). The rules and
 * the order in which they are looked at are Cinder's. It takes the same short time at any size, as
 * nothing is copied.
 */
import { must } from '../../base/assert.ts';
import { OperatingError } from '../../base/errors.ts';
import type { CatalogReader, CatalogWriter } from '../../catalog/catalog.ts';
import type { JobRow, SnapshotRow, VolumeRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import type { JobHandler } from '../../job/job.ts';
import { recordFailure } from '../message.ts';
import type { OperationNeeds, Starting } from '../needs.ts';
import { byId, ofVolume } from '../scope.ts';
import { isOneOf, snapshotChanges, volumeChanges } from '../states.ts';
import { changeVolume } from './change-volume.ts';
import { findVolume, refuseWhileCopied } from './find-volume.ts';

const { from, during, to, failed } = volumeChanges.revert;

/** Begins to revert a volume to its newest snapshot, which has to be named. */
export async function revertVolume(
  { catalog, clock, jobs }: Starting,
  caller: Caller,
  volumeId: string,
  snapshotId: string,
): Promise<void> {
  authorize(caller, 'volume:revert_to_snapshot');
  await catalog.transact(async (transaction) => {
    const volume = await findVolume(transaction, caller, volumeId);
    const snapshot = await newestSnapshot(transaction, volume, snapshotId);
    await refuseIfUsed(transaction, volume, snapshot);
    const updatedAt = clock.now();
    await changeVolume(transaction, volume, from, { status: during, updatedAt });
    await transaction.change('snapshots', byId(snapshot.id), {
      status: snapshotChanges.revert.during,
      updatedAt,
    });
    await jobs.add(transaction, {
      kind: 'volume.revert',
      projectId: volume.projectId,
      subjectId: volume.id,
      requestId: caller.requestId,
      payload: { snapshotId: snapshot.id },
    });
  });
  jobs.wake();
}

async function newestSnapshot(
  reader: CatalogReader,
  volume: VolumeRow,
  snapshotId: string,
): Promise<SnapshotRow> {
  const [newest] = await reader.list('snapshots', { where: ofVolume(volume.id), limit: 1 });
  if (newest === undefined) throw refusal(`Volume ${volume.id} doesn't have any snapshots.`);
  if (newest.id !== snapshotId) {
    throw refusal(
      `Specified snapshot ${snapshotId} is None or not the latest one of volume ${volume.id}.`,
    );
  }
  if (newest.size !== volume.size) {
    throw refusal(
      `Can't revert volume ${volume.id} to its latest snapshot ${newest.id}. The volume size ` +
        'must be equal to the snapshot size.',
    );
  }
  return newest;
}

async function refuseIfUsed(
  reader: CatalogReader,
  volume: VolumeRow,
  snapshot: SnapshotRow,
): Promise<void> {
  const what = `Can't revert volume ${volume.id} to its latest snapshot ${snapshot.id}.`;
  const attached = await reader.count('attachments', ofVolume(volume.id));
  if (!isOneOf(volume.status, from) || attached > 0) {
    const reason = `${what} Volume's status must be 'available'.`;
    throw new OperatingError('conflict', `Invalid volume: ${reason}`);
  }
  if (!isOneOf(snapshot.status, snapshotChanges.revert.from)) {
    const reason = `${what} Snapshot's status must be 'available'.`;
    throw new OperatingError('conflict', `Invalid snapshot: ${reason}`);
  }
  await refuseWhileCopied(reader, volume.id);
}

function refusal(message: string): OperatingError {
  return new OperatingError('invalid_state', message);
}

export function revertVolumeJob(
  needs: Pick<OperationNeeds, 'catalog' | 'clock' | 'engine'>,
): JobHandler {
  const { catalog, clock, engine } = needs;
  return {
    async run(job) {
      const volumeId = job.subjectId;
      const volume = await catalog.find('volumes', byId(volumeId));
      if (volume?.status === during) {
        await engine.revertVolume({ volumeId, snapshotId: snapshotIn(job) });
      }
      await catalog.transact((transaction) => settle(transaction, job, to, clock.now()));
    },

    async fail(job, error) {
      await catalog.transact(async (transaction) => {
        if (!(await settle(transaction, job, failed, clock.now()))) return;
        await recordFailure(transaction, clock, {
          job,
          resource: 'VOLUME',
          action: 'revert volume',
          error,
          advice:
            'The snapshot is whole: make a volume of it, or ask an administrator to reset ' +
            'the status of this one.',
        });
      });
    },
  };
}

/** Ends `reverting` and `restoring`; false when the volume was taken out of it meanwhile. */
async function settle(
  transaction: CatalogWriter,
  job: JobRow,
  status: VolumeRow['status'],
  updatedAt: number,
): Promise<boolean> {
  const { revert } = snapshotChanges;
  const snapshot = { ...byId(snapshotIn(job)), status: revert.during };
  await transaction.change('snapshots', snapshot, { status: revert.to, updatedAt });
  const volume = { ...byId(job.subjectId), status: during };
  return (await transaction.change('volumes', volume, { status, updatedAt })) !== undefined;
}

function snapshotIn({ payload }: JobRow): string {
  const { snapshotId } = payload;
  return must(typeof snapshotId === 'string' ? snapshotId : null, 'the snapshot in the payload');
}
