/**
 * A new group whose volumes are clones: of the members of a group snapshot, or of the volumes of
 * another group as they are at one instant, which is the request's. For the latter short-lived
 * snapshots are taken in one call of the engine; each has the id of the clone that is made of it.
 */
import { isOperatingError } from '../../base/errors.ts';
import { newId } from '../../base/ids.ts';
import type { CatalogReader, CatalogWriter } from '../../catalog/catalog.ts';
import type { GroupRow, VolumeRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import type { OperationNeeds } from '../needs.ts';
import { groupChanges } from '../states.ts';
import { insertVolume, volumeFor } from '../volume/create-volume.ts';
import { findSource, type SourceIds } from '../volume/volume-source.ts';
import { copiesFor } from './create-group-job.ts';
import { insertGroup } from './create-group.ts';
import { demandAvailable, findGroup, invalidGroup, volumesOf } from './find-group.ts';
import { findGroupSnapshot, invalidGroupSnapshot, snapshotsOf } from './find-group-snapshot.ts';

export type GroupSource = { readonly groupSnapshotId: string } | { readonly sourceGroupId: string };

export interface NewGroupFromSource {
  readonly name: string | null;
  readonly description: string | null;
  readonly source: GroupSource;
}

type Needs = Pick<OperationNeeds, 'catalog' | 'clock' | 'jobs' | 'engine'>;

/** The group that the new one is like, and what its volumes begin as. */
interface Original {
  readonly group: GroupRow;
  readonly volumes: readonly SourceIds[];
}

/** Begins to make the group and its volumes. */
export async function createGroupFromSource(
  needs: Needs,
  caller: Caller,
  input: NewGroupFromSource,
): Promise<GroupRow> {
  const { catalog, jobs, engine } = needs;
  authorize(caller, 'group:create');
  const { row, copies } = await catalog.transact(async (transaction) => {
    const original = await originalOf(transaction, caller, input.source);
    const group = newGroup(needs, caller, input, original);
    await insertGroup(transaction, group);
    const volumes = await insertVolumes(transaction, needs, caller, group.id, original);
    await jobs.add(transaction, {
      kind: 'group.create',
      projectId: group.projectId,
      subjectId: group.id,
      requestId: caller.requestId,
      payload: { volumeIds: volumes.map(({ id }) => id) },
    });
    return { row: group, copies: copiesFor(volumes) };
  });
  try {
    if (copies.length > 0) await engine.beginSnapshots(copies);
  } catch (error) {
    // The job meets the same error, and keeps it where the group's owner finds it.
    if (!isOperatingError(error)) throw error;
  } finally {
    jobs.wake();
  }
  return row;
}

async function originalOf(
  reader: CatalogReader,
  caller: Caller,
  source: GroupSource,
): Promise<Original> {
  const none = { snapshotId: null, sourceVolumeId: null, backupId: null, imageId: null };
  if ('sourceGroupId' in source) {
    const group = await findGroup(reader, caller, source.sourceGroupId);
    demandAvailable(group);
    const members = await volumesOf(reader, group.id);
    if (members.length === 0) {
      throw invalidGroup('Source Group is empty. No group will be created.');
    }
    return { group, volumes: members.map(({ id }) => ({ ...none, sourceVolumeId: id })) };
  }
  const groupSnapshot = await findGroupSnapshot(reader, caller, source.groupSnapshotId);
  if (groupSnapshot.status !== 'available') {
    throw invalidGroupSnapshot(
      `GroupSnapshot status must be available, but current status is: ${groupSnapshot.status}.`,
    );
  }
  const members = await snapshotsOf(reader, groupSnapshot.id);
  if (members.length === 0) {
    throw invalidGroup('Group snapshot is empty. No group will be created.');
  }
  return {
    group: await findGroup(reader, caller, groupSnapshot.groupId),
    volumes: members.map(({ id }) => ({ ...none, snapshotId: id })),
  };
}

function newGroup(
  { clock }: Pick<Needs, 'clock'>,
  caller: Caller,
  { name, description, source }: NewGroupFromSource,
  { group }: Original,
): GroupRow {
  return {
    ...group,
    id: newId(),
    projectId: caller.projectId,
    userId: caller.userId,
    name,
    description,
    status: groupChanges.createFromSource.during,
    groupSnapshotId: 'groupSnapshotId' in source ? source.groupSnapshotId : null,
    sourceGroupId: 'sourceGroupId' in source ? source.sourceGroupId : null,
    createdAt: clock.now(),
    updatedAt: null,
  };
}

/** The clones have their sources' sizes and types, and no names. */
async function insertVolumes(
  transaction: CatalogWriter,
  needs: Pick<Needs, 'clock'>,
  caller: Caller,
  groupId: string,
  original: Original,
): Promise<VolumeRow[]> {
  const rows: VolumeRow[] = [];
  for (const ids of original.volumes) {
    const source = await findSource(transaction, caller, ids);
    const row = await volumeFor(
      transaction,
      needs,
      caller,
      {
        ...ids,
        groupId,
        size: null,
        name: null,
        description: null,
        volumeType: null,
        availabilityZone: original.group.availabilityZone,
        metadata: {},
      },
      source,
    );
    await insertVolume(transaction, row);
    rows.push(row);
  }
  return rows;
}
