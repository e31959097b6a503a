import { everyProject } from '../../catalog/catalog.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import type { JobHandler } from '../../job/job.ts';
import { recordFailure } from '../message.ts';
import type { OperationNeeds, Starting } from '../needs.ts';
import { byId } from '../scope.ts';
import { refuseWhileCloned } from '../snapshot/find-snapshot.ts';
import { refuseWhileExported } from '../snapshot/snapshot-exports.ts';
import { groupSnapshotChanges, isOneOf, snapshotChanges } from '../states.ts';
import {
  changeMembers,
  findGroupSnapshot,
  invalidGroupSnapshot,
  snapshotsOf,
} from './find-group-snapshot.ts';

const { from, during, failed } = groupSnapshotChanges.delete;
const member = snapshotChanges.delete;

/** Begins to delete a group snapshot with all its members. */
export async function deleteGroupSnapshot(
  { catalog, clock, jobs }: Starting,
  caller: Caller,
  groupSnapshotId: string,
): Promise<void> {
  authorize(caller, 'group:delete_group_snapshot');
  await catalog.transact(async (transaction) => {
    const row = await findGroupSnapshot(transaction, caller, groupSnapshotId);
    const made = await transaction.find('groups', {
      projectId: everyProject,
      groupSnapshotId: row.id,
      status: 'creating',
    });
    if (!isOneOf(row.status, from) || made !== undefined) {
      throw invalidGroupSnapshot(
        'GroupSnapshot status must be available or error, and no Group can be currently using ' +
          'it as source for its creation.',
      );
    }
    const members = await snapshotsOf(transaction, row.id);
    const busy = members.find(({ status }) => !isOneOf(status, member.from));
    if (busy !== undefined) {
      throw invalidGroupSnapshot(
        `Snapshot ${busy.id} must be available or error, but its status is: ${busy.status}.`,
      );
    }
    for (const { id } of members) {
      await refuseWhileCloned(transaction, [id]);
      await refuseWhileExported(transaction, { snapshotId: id });
    }
    const updatedAt = clock.now();
    await transaction.change('groupSnapshots', byId(row.id), { status: during, updatedAt });
    const changes = { status: member.during, updatedAt };
    await changeMembers(transaction, row.id, member.from, changes);
    await jobs.add(transaction, {
      kind: 'group_snapshot.delete',
      projectId: row.projectId,
      subjectId: row.id,
      requestId: caller.requestId,
    });
  });
  jobs.wake();
}

export function deleteGroupSnapshotJob(
  needs: Pick<OperationNeeds, 'catalog' | 'clock' | 'engine'>,
): JobHandler {
  const { catalog, clock, engine } = needs;
  return {
    async run({ subjectId: id }) {
      const members = await snapshotsOf(catalog, id);
      for (const snapshot of members) await engine.deleteSnapshot(snapshot.id);
      await catalog.transact(async (transaction) => {
        const where = { groupSnapshotId: id, projectId: everyProject } as const;
        await transaction.remove('snapshots', where);
        await transaction.remove('groupSnapshots', byId(id));
      });
    },

    async fail(job, error) {
      await catalog.transact(async (transaction) => {
        const updatedAt = clock.now();
        const where = { ...byId(job.subjectId), status: during };
        const whole = await transaction.change('groupSnapshots', where, {
          status: failed,
          updatedAt,
        });
        const changes = { status: member.failed, updatedAt };
        await changeMembers(transaction, job.subjectId, [member.during], changes);
        if (whole === undefined) return;
        await recordFailure(transaction, clock, {
          job,
          resource: 'VOLUME_GROUP_SNAPSHOT',
          action: 'delete group snapshot',
          error,
          advice: 'Delete it again when the cause is gone.',
        });
      });
    },
  };
}
