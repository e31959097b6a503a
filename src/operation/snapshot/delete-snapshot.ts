import { everyProject } from '../../catalog/catalog.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import type { JobHandler } from '../../job/job.ts';
import { refuseWhileHeld } from '../hold/holds.ts';
import { recordFailure } from '../message.ts';
import type { OperationNeeds, Starting } from '../needs.ts';
import { isOneOf, snapshotChanges } from '../states.ts';
import { findSnapshot, invalidSnapshot, refuseWhileCloned } from './find-snapshot.ts';
import { byId } from '../scope.ts';
import { dropExports, refuseWhileExported } from './snapshot-exports.ts';

const { from, during, failed } = snapshotChanges.delete;

/**
 * Begins to delete a snapshot; with `force`, for administrators, whatever its status is and whoever
 * reads it.
 */
export async function deleteSnapshot(
  { catalog, clock, jobs, exports }: Starting & Pick<OperationNeeds, 'exports'>,
  caller: Caller,
  snapshotId: string,
  { force }: { force: boolean },
): Promise<void> {
  authorize(
    caller,
    force ? 'volume_extension:snapshot_admin_actions:force_delete' : 'volume:delete_snapshot',
  );
  const dead = await catalog.transact(async (transaction) => {
    const row = await findSnapshot(transaction, caller, snapshotId);
    if (row.groupSnapshotId !== null || (!force && !isOneOf(row.status, from))) {
      throw invalidSnapshot(
        'Snapshot status must be available or error and must not be part of a group.',
      );
    }
    await refuseWhileCloned(transaction, [row.id]);
    if (!force) await refuseWhileHeld(transaction, `Snapshot ${row.id}`, [row.id, row.volumeId]);
    if (!force) await refuseWhileExported(transaction, { snapshotId: row.id });
    await transaction.change(
      'snapshots',
      { id: row.id, projectId: row.projectId, status: row.status },
      { status: during, updatedAt: clock.now() },
    );
    await jobs.add(transaction, {
      kind: 'snapshot.delete',
      projectId: row.projectId,
      subjectId: row.id,
      requestId: caller.requestId,
    });
    return await dropExports(transaction, { snapshotId: row.id, projectId: everyProject });
  });
  for (const name of dead) await exports.remove(name);
  jobs.wake();
}

export function deleteSnapshotJob(
  needs: Pick<OperationNeeds, 'catalog' | 'clock' | 'engine'>,
): JobHandler {
  const { catalog, clock, engine } = needs;
  return {
    async run({ subjectId: id }) {
      await engine.deleteSnapshot(id);
      await catalog.remove('snapshots', byId(id));
    },

    async fail(job, error) {
      await catalog.transact(async (transaction) => {
        const where = { ...byId(job.subjectId), status: during };
        const changes = { status: failed, updatedAt: clock.now() };
        if ((await transaction.change('snapshots', where, changes)) === undefined) return;
        await recordFailure(transaction, clock, {
          job,
          resource: 'VOLUME_SNAPSHOT',
          action: 'delete snapshot',
          error,
          advice: 'Delete it again when the cause is gone.',
        });
      });
    },
  };
}
