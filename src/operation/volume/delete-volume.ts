import { everyProject, type CatalogWriter } from '../../catalog/catalog.ts';
import type { VolumeRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import type { JobHandler } from '../../job/job.ts';
import { everyRow } from '../../catalog/every-row.ts';
import { refuseWhileHeld } from '../hold/holds.ts';
import { recordFailure } from '../message.ts';
import type { OperationNeeds } from '../needs.ts';
import { refuseWhileCloned } from '../snapshot/find-snapshot.ts';
import { dropExports, refuseWhileExported } from '../snapshot/snapshot-exports.ts';
import { isOneOf, snapshotChanges, volumeChanges } from '../states.ts';
import { changeVolume } from './change-volume.ts';
import { findVolume, invalidVolume, refuseWhileCopied } from './find-volume.ts';
import { byId, ofVolume } from '../scope.ts';

const { from, during, failed } = volumeChanges.delete;

type Needs = Pick<OperationNeeds, 'catalog' | 'clock' | 'jobs' | 'exports'>;

export interface VolumeDeletion {
  /** Its snapshots go with it. */
  readonly cascade: boolean;
  /** Whatever its status is: for administrators. Clients of it and its snapshots are cut. */
  readonly force: boolean;
}

/** Begins to delete a volume. */
export async function deleteVolume(
  needs: Needs,
  caller: Caller,
  volumeId: string,
  deletion: VolumeDeletion,
): Promise<void> {
  const { catalog, clock, jobs, exports } = needs;
  authorize(
    caller,
    deletion.force ? 'volume_extension:volume_admin_actions:force_delete' : 'volume:delete',
  );
  const dead = await catalog.transact(async (transaction) => {
    const row = await findVolume(transaction, caller, volumeId);
    if (row.groupId !== null) throw mustNotBeDeleted();
    if (!deletion.force) await refuseIfNeeded(transaction, row);
    await giveUpSnapshots(transaction, row, deletion, clock.now());
    await changeVolume(transaction, row, [row.status], {
      status: during,
      updatedAt: clock.now(),
    });
    const exportNames = await dropClients(transaction, row);
    await jobs.add(transaction, {
      kind: 'volume.delete',
      projectId: row.projectId,
      subjectId: row.id,
      requestId: caller.requestId,
    });
    return exportNames;
  });
  for (const name of dead) await exports.remove(name);
  jobs.wake();
}

async function refuseIfNeeded(transaction: CatalogWriter, row: VolumeRow): Promise<void> {
  if ((await transaction.find('attachments', ofVolume(row.id))) !== undefined) {
    throw invalidVolume(`Volume ${row.id} is still attached, detach volume first.`);
  }
  if (!isOneOf(row.status, from)) throw mustNotBeDeleted();
  await refuseWhileHeld(transaction, `Volume ${row.id}`, [row.id]);
  await refuseWhileCopied(transaction, row.id);
  await refuseWhileExported(transaction, { volumeId: row.id });
}

/** Without `cascade` there must be no snapshots; with it, all must be in a state to be deleted. */
async function giveUpSnapshots(
  transaction: CatalogWriter,
  row: VolumeRow,
  { cascade, force }: VolumeDeletion,
  nowMs: number,
): Promise<void> {
  const where = ofVolume(row.id);
  const total = await transaction.count('snapshots', where);
  if (total === 0) return;
  if (!cascade) throw mustNotBeDeleted();
  const deletable = { ...where, status: snapshotChanges.delete.from, groupSnapshotId: null };
  if ((await transaction.count('snapshots', deletable)) !== total) {
    throw invalidVolume(
      'Failed to update snapshot: all snapshots must be available or error, and not be in use, ' +
        'before they can be deleted with their volume.',
    );
  }
  const changes = { status: snapshotChanges.delete.during, updatedAt: nowMs };
  for (;;) {
    const snapshots = await transaction.list('snapshots', { where: deletable, limit: 1000 });
    if (snapshots.length === 0) return;
    await refuseWhileCloned(
      transaction,
      snapshots.map(({ id }) => id),
    );
    const ids = snapshots.map(({ id }) => id);
    if (!force) await refuseWhileHeld(transaction, `Volume ${row.id} with its snapshots`, ids);
    for (const { id } of snapshots)
      await transaction.change('snapshots', { ...where, id }, changes);
  }
}

/** The volume and its snapshots lose all clients; the names that are void then. */
async function dropClients(transaction: CatalogWriter, row: VolumeRow): Promise<string[]> {
  const where = ofVolume(row.id);
  const names = await dropExports(transaction, where);
  for await (const { exportName } of everyRow(transaction, 'attachments', where)) {
    if (exportName !== null) names.push(exportName);
  }
  await transaction.remove('attachments', where);
  return names;
}

function mustNotBeDeleted(): Error {
  return invalidVolume(
    'Volume status must be available or error or error_restoring or error_extending or ' +
      'error_managing and must not be migrating, attached, belong to a group, have snapshots ' +
      'or be disassociated from snapshots after volume transfer.',
  );
}

export function deleteVolumeJob(
  needs: Pick<OperationNeeds, 'catalog' | 'clock' | 'engine'>,
): JobHandler {
  const { catalog, clock, engine } = needs;
  return {
    async run({ subjectId: id }) {
      await engine.deleteVolume(id);
      await catalog.transact(async (transaction) => {
        await transaction.remove('snapshots', ofVolume(id));
        await transaction.remove('volumes', byId(id));
      });
    },

    async fail(job, error) {
      await catalog.transact(async (transaction) => {
        const where = { ...byId(job.subjectId), status: during };
        const changes = { status: failed, updatedAt: clock.now() };
        const changed = await transaction.change('volumes', where, changes);
        if (changed === undefined) return;
        await failSnapshots(transaction, job.subjectId, clock.now());
        await recordFailure(transaction, clock, {
          job,
          resource: 'VOLUME',
          action: 'delete volume',
          error,
          advice: 'Delete it again when the cause is gone.',
        });
      });
    },
  };
}

/** Snapshots that were to go with the volume can be deleted again, alone or with it. */
async function failSnapshots(
  transaction: CatalogWriter,
  volumeId: string,
  updatedAt: number,
): Promise<void> {
  const where = { volumeId, projectId: everyProject, status: 'deleting' } as const;
  for (;;) {
    const rows = await transaction.list('snapshots', { where, limit: 1000 });
    if (rows.length === 0) return;
    for (const { id } of rows) {
      const changes = { status: snapshotChanges.delete.failed, updatedAt };
      await transaction.change('snapshots', { ...where, id }, changes);
    }
  }
}
