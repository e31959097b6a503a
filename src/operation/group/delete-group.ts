import { everyProject, type CatalogReader, type CatalogWriter } from '../../catalog/catalog.ts';
import type { GroupRow, VolumeRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import type { JobHandler } from '../../job/job.ts';
import { recordFailure } from '../message.ts';
import type { OperationNeeds, Starting } from '../needs.ts';
import { byId, ofVolume } from '../scope.ts';
import { groupChanges, isOneOf, volumeChanges } from '../states.ts';
import { findGroup, invalidGroup, volumesOf } from './find-group.ts';

const { from, during, failed } = groupChanges.delete;
const member = volumeChanges.delete;

/** Begins to delete a group; one that has volumes only with `deleteVolumes`, which go with it. */
export async function deleteGroup(
  { catalog, clock, jobs }: Starting,
  caller: Caller,
  groupId: string,
  { deleteVolumes }: { deleteVolumes: boolean },
): Promise<void> {
  authorize(caller, 'group:delete');
  await catalog.transact(async (transaction) => {
    const group = await findGroup(transaction, caller, groupId);
    if (!isOneOf(group.status, from)) {
      throw invalidGroup(
        `Group status must be available or error, but current status is: ${group.status}`,
      );
    }
    const ofGroup = { groupId: group.id, projectId: everyProject } as const;
    if ((await transaction.find('groupSnapshots', ofGroup)) !== undefined) {
      throw invalidGroup('Group has existing snapshots.');
    }
    const volumes = await volumesOf(transaction, group.id);
    if (volumes.length > 0 && !deleteVolumes) {
      throw invalidGroup(
        `Group ${group.id} still contains volumes. The delete-volumes flag is required to ` +
          'delete it.',
      );
    }
    for (const volume of volumes) await refuseVolume(transaction, group, volume);
    const updatedAt = clock.now();
    await changeVolumes(transaction, volumes, { status: member.during, updatedAt });
    await transaction.change('groups', byId(group.id), { status: during, updatedAt });
    await jobs.add(transaction, {
      kind: 'group.delete',
      projectId: group.projectId,
      subjectId: group.id,
      requestId: caller.requestId,
    });
  });
  jobs.wake();
}

/** Rejects when the volume cannot go. */
async function refuseVolume(
  reader: CatalogReader,
  group: GroupRow,
  volume: VolumeRow,
): Promise<void> {
  const where = ofVolume(volume.id);
  if ((await reader.count('attachments', where)) > 0) {
    throw invalidGroup(`Volume in group ${group.id} is attached. Need to detach first.`);
  }
  if ((await reader.count('snapshots', where)) > 0) {
    throw invalidGroup('Volume in group still has dependent snapshots.');
  }
  if (!isOneOf(volume.status, member.from)) {
    throw invalidGroup(
      `Volume ${volume.id} in group ${group.id} must be available or error to be deleted, but ` +
        `its status is: ${volume.status}.`,
    );
  }
  const clone = await reader.find('volumes', {
    projectId: everyProject,
    sourceVolumeId: volume.id,
    status: 'creating',
  });
  if (clone !== undefined) {
    throw invalidGroup(`Volume ${volume.id} is just being copied to volume ${clone.id}.`);
  }
}

async function changeVolumes(
  transaction: CatalogWriter,
  volumes: readonly VolumeRow[],
  changes: Partial<VolumeRow>,
): Promise<void> {
  for (const { id, status } of volumes) {
    await transaction.change('volumes', { ...byId(id), status }, changes);
  }
}

export function deleteGroupJob(
  needs: Pick<OperationNeeds, 'catalog' | 'clock' | 'engine'>,
): JobHandler {
  const { catalog, clock, engine } = needs;
  const dying = async (reader: CatalogReader, groupId: string): Promise<VolumeRow[]> =>
    (await volumesOf(reader, groupId)).filter(({ status }) => status === member.during);
  return {
    async run({ subjectId: groupId }) {
      for (const { id } of await dying(catalog, groupId)) {
        await engine.deleteVolume(id);
        await catalog.remove('volumes', byId(id));
      }
      await catalog.transact(async (transaction) => {
        // What an administrator has taken out of `deleting` by hand lives on without the group.
        const left = await volumesOf(transaction, groupId);
        await changeVolumes(transaction, left, { groupId: null, updatedAt: clock.now() });
        await transaction.remove('groups', byId(groupId));
      });
    },

    async fail(job, error) {
      await catalog.transact(async (transaction) => {
        const updatedAt = clock.now();
        const where = { ...byId(job.subjectId), status: during };
        const whole = await transaction.change('groups', where, { status: failed, updatedAt });
        const volumes = await dying(transaction, job.subjectId);
        await changeVolumes(transaction, volumes, { status: member.failed, updatedAt });
        if (whole === undefined) return;
        await recordFailure(transaction, clock, {
          job,
          resource: 'VOLUME_GROUP',
          action: 'delete group',
          error,
          advice: 'Delete it again when the cause is gone.',
        });
      });
    },
  };
}
