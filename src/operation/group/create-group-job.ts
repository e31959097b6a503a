/**
 * The job that makes the volumes of a group from its source. It may run again from the start at any
 * point:
 *
 * - The short-lived snapshots of a source group are taken once, by the request, or by the job when
 *   the process ended between the two, and given up only after the rows say `available`: a rerun
 *   clones the same instant, or finds all done.
 * - Group and volumes become `available`, or `error`, in one transaction.
 */
import { GiB } from '../../base/bytes.ts';
import type { CatalogReader, CatalogWriter } from '../../catalog/catalog.ts';
import type { GroupStatus, JobRow, VolumeRow, VolumeStatus } from '../../catalog/tables.ts';
import type { JobHandler } from '../../job/job.ts';
import { recordFailure } from '../message.ts';
import type { OperationNeeds } from '../needs.ts';
import { byId } from '../scope.ts';
import { groupChanges, volumeChanges } from '../states.ts';

type Needs = Pick<OperationNeeds, 'catalog' | 'clock' | 'engine'>;

const { during, to, failed } = groupChanges.createFromSource;
const member = volumeChanges.create;

export function createGroupJob(needs: Needs): JobHandler {
  const { catalog, clock, engine } = needs;
  const giveUpCopies = async (job: JobRow): Promise<void> => {
    for (const id of cloneIds(job)) await engine.deleteSnapshot(id);
  };
  return {
    async run(job, { signal }) {
      const clones = await clonesOf(catalog, job);
      if (clones.some(({ status }) => status === member.during)) {
        const copies = copiesFor(clones);
        if (copies.length > 0) await engine.createSnapshots(copies);
        for (const { id, size, snapshotId } of clones) {
          signal.throwIfAborted();
          const from = { snapshotId: snapshotId ?? id };
          await engine.createVolume({ volumeId: id, lengthBytes: size * GiB, from });
        }
      }
      const end = { group: to, volume: member.to, nowMs: clock.now() };
      await catalog.transact((transaction) => settle(transaction, job, end));
      await giveUpCopies(job);
    },

    async fail(job, error) {
      await catalog.transact(async (transaction) => {
        const end = { group: failed, volume: member.failed, nowMs: clock.now() };
        if (!(await settle(transaction, job, end))) return;
        await recordFailure(transaction, clock, {
          job,
          resource: 'VOLUME_GROUP',
          action: 'create group',
          error,
          advice: 'Delete the group with its volumes, and create it again.',
        });
      });
      await giveUpCopies(job);
    },
  };
}

/** The short-lived snapshots of volumes that are cloned; each has the id of its clone. */
export function copiesFor(
  clones: readonly VolumeRow[],
): { volumeId: string; snapshotId: string }[] {
  return clones.flatMap(({ id, sourceVolumeId }) =>
    sourceVolumeId === null ? [] : [{ volumeId: sourceVolumeId, snapshotId: id }],
  );
}

function cloneIds({ payload }: JobRow): string[] {
  const { volumeIds } = payload;
  return Array.isArray(volumeIds) ? volumeIds.filter((id) => typeof id === 'string') : [];
}

async function clonesOf(reader: CatalogReader, job: JobRow): Promise<VolumeRow[]> {
  const rows: VolumeRow[] = [];
  for (const id of cloneIds(job)) {
    const row = await reader.find('volumes', byId(id));
    if (row !== undefined) rows.push(row);
  }
  return rows;
}

/**
 * Ends the wait of the group and its volumes, of those that still wait; false when the group does
 * not.
 */
async function settle(
  transaction: CatalogWriter,
  job: JobRow,
  end: { group: GroupStatus; volume: VolumeStatus; nowMs: number },
): Promise<boolean> {
  const updatedAt = end.nowMs;
  const where = { ...byId(job.subjectId), status: during };
  const group = await transaction.change('groups', where, { status: end.group, updatedAt });
  for (const id of cloneIds(job)) {
    const creating = { ...byId(id), status: member.during };
    await transaction.change('volumes', creating, { status: end.volume, updatedAt });
  }
  return group !== undefined;
}
