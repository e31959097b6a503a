/**
 * Snapshots of all volumes of a group at one instant, which is the request's: they are taken within
 * it, in one call of the engine. The rows are `creating` until the group snapshot's job has seen
 * that all are durable.
 */
import { isOperatingError } from '../../base/errors.ts';
import { newId } from '../../base/ids.ts';
import type { CatalogReader, CatalogWriter } from '../../catalog/catalog.ts';
import type { GroupSnapshotRow, SnapshotRow, VolumeRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import type { JobHandler } from '../../job/job.ts';
import { recordFailure } from '../message.ts';
import type { OperationNeeds } from '../needs.ts';
import { demandQuota } from '../quota.ts';
import { byId } from '../scope.ts';
import { groupSnapshotChanges, isOneOf, memberStatuses, snapshotChanges } from '../states.ts';
import { invalidVolume } from '../volume/find-volume.ts';
import { demandAvailable, findGroup, volumesOf } from './find-group.ts';
import { changeMembers, snapshotsOf } from './find-group-snapshot.ts';

const { during, to, failed } = groupSnapshotChanges.create;
const member = snapshotChanges.create;

type Needs = Pick<OperationNeeds, 'catalog' | 'clock' | 'jobs' | 'engine'>;

export interface NewGroupSnapshot {
  readonly groupId: string;
  readonly name: string | null;
  readonly description: string | null;
}

export async function createGroupSnapshot(
  needs: Needs,
  caller: Caller,
  input: NewGroupSnapshot,
): Promise<GroupSnapshotRow> {
  const { catalog, clock, jobs, engine } = needs;
  authorize(caller, 'group:create_group_snapshot');
  const { row, wanted } = await catalog.transact(async (transaction) => {
    const group = await findGroup(transaction, caller, input.groupId);
    demandAvailable(group);
    const volumes = await volumesOf(transaction, group.id);
    await demandSnapshots(transaction, group.projectId, volumes);
    const groupSnapshot: GroupSnapshotRow = {
      id: newId(),
      projectId: group.projectId,
      userId: caller.userId,
      groupId: group.id,
      groupTypeId: group.groupTypeId,
      name: input.name,
      description: input.description,
      status: during,
      createdAt: clock.now(),
      updatedAt: null,
    };
    await transaction.insert('groupSnapshots', groupSnapshot);
    const members = await insertMembers(transaction, groupSnapshot, volumes);
    await jobs.add(transaction, {
      kind: 'group_snapshot.create',
      projectId: groupSnapshot.projectId,
      subjectId: groupSnapshot.id,
      requestId: caller.requestId,
    });
    return { row: groupSnapshot, wanted: wantedOf(members) };
  });
  try {
    if (wanted.length > 0) await engine.beginSnapshots(wanted);
  } catch (error) {
    // The job meets the same error, and keeps it where the owner finds it.
    if (!isOperatingError(error)) throw error;
  } finally {
    jobs.wake();
  }
  return row;
}

/** Rejects while a volume is in a state that no snapshot can be taken in, or beyond the quota. */
async function demandSnapshots(
  transaction: CatalogReader,
  projectId: string,
  volumes: readonly VolumeRow[],
): Promise<void> {
  for (const { id, status } of volumes) {
    if (isOneOf(status, memberStatuses.snapshot)) continue;
    throw invalidVolume(
      `The snapshot cannot be created when the volume is in ${status} status: volume ${id}.`,
    );
  }
  const gigabytes = volumes.reduce((sum, { size }) => sum + size, 0);
  await demandQuota(transaction, projectId, { snapshots: volumes.length, gigabytes });
  for (const [typeId, ofType] of Map.groupBy(volumes, (volume) => volume.volumeTypeId)) {
    const size = ofType.reduce((sum, volume) => sum + volume.size, 0);
    const demand = { snapshots: ofType.length, gigabytes: size };
    await demandQuota(transaction, projectId, demand, typeId);
  }
}

/** The members have the name and the description of the whole. */
async function insertMembers(
  transaction: CatalogWriter,
  whole: GroupSnapshotRow,
  volumes: readonly VolumeRow[],
): Promise<SnapshotRow[]> {
  const members = volumes.map((volume): SnapshotRow => ({
    id: newId(),
    projectId: volume.projectId,
    userId: whole.userId,
    volumeId: volume.id,
    volumeTypeId: volume.volumeTypeId,
    name: whole.name,
    description: whole.description,
    size: volume.size,
    status: member.during,
    progress: null,
    groupSnapshotId: whole.id,
    metadata: {},
    createdAt: whole.createdAt,
    updatedAt: null,
  }));
  for (const row of members) await transaction.insert('snapshots', row);
  return members;
}

function wantedOf(members: readonly SnapshotRow[]): { volumeId: string; snapshotId: string }[] {
  return members.map(({ id, volumeId }) => ({ volumeId, snapshotId: id }));
}

export function createGroupSnapshotJob(needs: Omit<Needs, 'jobs'>): JobHandler {
  const { catalog, clock, engine } = needs;
  return {
    async run({ subjectId: id }) {
      const members = await snapshotsOf(catalog, id);
      // An administrator may have set the status of the whole by hand: the members still wait.
      if (members.some(({ status }) => status === member.during)) {
        await engine.createSnapshots(wantedOf(members));
      }
      await catalog.transact(async (transaction) => {
        const updatedAt = clock.now();
        const where = { ...byId(id), status: during };
        await transaction.change('groupSnapshots', where, { status: to, updatedAt });
        const changes = { status: member.to, updatedAt };
        await changeMembers(transaction, id, [member.during], changes);
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
          action: 'create group snapshot',
          error,
          advice: 'Delete the group snapshot, and take it again.',
        });
      });
    },
  };
}
