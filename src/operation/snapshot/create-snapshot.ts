import { isOperatingError } from '../../base/errors.ts';
import { newId } from '../../base/ids.ts';
import type { Metadata, SnapshotRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import type { JobHandler } from '../../job/job.ts';
import { recordFailure } from '../message.ts';
import type { OperationNeeds } from '../needs.ts';
import { demandQuota } from '../quota.ts';
import { isOneOf, snapshotChanges } from '../states.ts';
import { findVolume, invalidVolume } from '../volume/find-volume.ts';
import { byId } from '../scope.ts';

const { during, to, failed } = snapshotChanges.create;

type Needs = Pick<OperationNeeds, 'catalog' | 'clock' | 'jobs' | 'engine'>;

export interface NewSnapshot {
  /** Chosen by the caller, who may ask again for the same one; `exists` then. */
  readonly id?: string;
  readonly volumeId: string;
  readonly name: string | null;
  readonly description: string | null;
  readonly metadata: Metadata;
  /** Also of a volume that is in use. */
  readonly force: boolean;
}

/**
 * Takes a snapshot within this call, so that its instant is the request's. The row is `creating`
 * until the snapshot's job has seen that it is durable.
 */
export async function createSnapshot(
  needs: Needs,
  caller: Caller,
  input: NewSnapshot,
): Promise<SnapshotRow> {
  const { catalog, clock, jobs, engine } = needs;
  authorize(caller, 'volume:create_snapshot');
  const row = await catalog.transact(async (transaction) => {
    const volume = await findVolume(transaction, caller, input.volumeId);
    const allowed = input.force ? (['available', 'in-use'] as const) : (['available'] as const);
    if (!isOneOf(volume.status, allowed)) {
      throw invalidVolume(
        `Volume ${volume.id} status must be ${allowed.join(' or ')}, but current status is: ` +
          `${volume.status}.`,
      );
    }
    const demand = { snapshots: 1, gigabytes: volume.size };
    await demandQuota(transaction, volume.projectId, demand, volume.volumeTypeId);
    const snapshot: SnapshotRow = {
      id: input.id ?? newId(),
      projectId: volume.projectId,
      userId: caller.userId,
      volumeId: volume.id,
      volumeTypeId: volume.volumeTypeId,
      name: input.name,
      description: input.description,
      size: volume.size,
      status: during,
      progress: null,
      groupSnapshotId: null,
      metadata: input.metadata,
      createdAt: clock.now(),
      updatedAt: null,
    };
    await transaction.insert('snapshots', snapshot);
    await jobs.add(transaction, {
      kind: 'snapshot.create',
      projectId: snapshot.projectId,
      subjectId: snapshot.id,
      requestId: caller.requestId,
    });
    return snapshot;
  });
  try {
    await engine.beginSnapshots([{ volumeId: row.volumeId, snapshotId: row.id }]);
  } catch (error) {
    // The job meets the same error, and keeps it where the snapshot's owner finds it.
    if (!isOperatingError(error)) throw error;
  } finally {
    jobs.wake();
  }
  return row;
}

export function createSnapshotJob(needs: Omit<Needs, 'jobs'>): JobHandler {
  const { catalog, clock, engine } = needs;
  return {
    async run({ subjectId: id }) {
      const row = await catalog.find('snapshots', byId(id));
      if (row?.status !== during) return;
      await engine.createSnapshots([{ volumeId: row.volumeId, snapshotId: id }]);
      const changes = { status: to, updatedAt: clock.now() };
      await catalog.change('snapshots', { ...byId(id), status: during }, changes);
    },

    async fail(job, error) {
      await catalog.transact(async (transaction) => {
        const where = { ...byId(job.subjectId), status: during };
        const changes = { status: failed, updatedAt: clock.now() };
        if ((await transaction.change('snapshots', where, changes)) === undefined) return;
        await recordFailure(transaction, clock, {
          job,
          resource: 'VOLUME_SNAPSHOT',
          action: 'create snapshot',
          error,
          advice: 'Delete the snapshot, and take it again.',
        });
      });
    },
  };
}
