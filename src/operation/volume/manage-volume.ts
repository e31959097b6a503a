/** Raw files of the host become volumes, and volumes raw files. */
import { must } from '../../base/assert.ts';
import { GiB } from '../../base/bytes.ts';
import { OperatingError } from '../../base/errors.ts';
import { newId } from '../../base/ids.ts';
import type { JsonObject } from '../../base/json.ts';
import { everyProject, type CatalogReader } from '../../catalog/catalog.ts';
import type { Metadata, VolumeRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import type { JobHandler } from '../../job/job.ts';
import type { AdoptionFolder } from '../disk/adoption-folder.ts';
import { gibFor } from '../disk/disk-content.ts';
import { bytesOfSnapshot } from '../disk/raw-disk.ts';
import { poolName, services, isDisabled } from '../installation/binaries.ts';
import { recordFailure } from '../message.ts';
import type { OperationNeeds } from '../needs.ts';
import { byId, ofVolume } from '../scope.ts';
import { isOneOf, volumeChanges } from '../states.ts';
import { changeVolume } from './change-volume.ts';
import { insertVolume, volumeFor } from './create-volume.ts';
import { findVolume, invalidVolume, refuseWhileCopied } from './find-volume.ts';
import { releaseVolume } from './release-volume.ts';

const { from, during } = volumeChanges.unmanage;

type Needs = Pick<OperationNeeds, 'catalog' | 'clock' | 'jobs' | 'adoption'>;

export interface ManageableVolume {
  readonly name: string;
  readonly sizeGiB: number;
  /** The volume that the file is already, if it is one. */
  readonly volumeId: string | null;
}

/** Rejects a host that is not this one. */
export function demandHost(host: string | undefined): void {
  if (host === poolName || host === services['cinder-volume']) return;
  throw new OperatingError(
    'invalid_input',
    `Invalid host: the only host is ${poolName}, not ${host ?? 'none'}.`,
    { field: 'host' },
  );
}

/** The files that could become volumes, in the order of their names. */
export async function listManageable(
  { catalog, adoption }: Pick<Needs, 'catalog' | 'adoption'>,
  caller: Caller,
): Promise<ManageableVolume[]> {
  authorize(caller, 'volume_extension:list_manageable');
  const found: ManageableVolume[] = [];
  for (const { name, sizeBytes } of (await adoption?.list()) ?? []) {
    const volume = await volumeOf(catalog, name);
    found.push({ name, sizeGiB: gibFor(sizeBytes), volumeId: volume?.id ?? null });
  }
  return found;
}

async function volumeOf(reader: CatalogReader, file: string): Promise<VolumeRow | undefined> {
  return await reader.find('volumes', { projectId: everyProject, managedFile: file });
}

export interface Managing {
  readonly file: string;
  readonly name: string | null;
  readonly description: string | null;
  readonly volumeType: string | null;
  readonly availabilityZone: string | null;
  readonly metadata: Metadata;
  readonly bootable: boolean;
}

/** Begins to make a volume of a file, which stays where it is. */
export async function manageVolume(
  needs: Needs,
  caller: Caller,
  input: Managing,
): Promise<VolumeRow> {
  authorize(caller, 'volume_extension:volume_manage');
  const file = await needs.adoption?.find(input.file);
  if (file === undefined) {
    throw new OperatingError(
      'invalid_input',
      `Invalid reference: Manage existing volume failed due to invalid backend reference ` +
        `${input.file.slice(0, 255)}: there is no such file in the folder of files to be managed.`,
      { field: 'ref' },
    );
  }
  const row = await needs.catalog.transact(async (transaction) => {
    if (await isDisabled(transaction, 'cinder-volume')) {
      throw new OperatingError('unavailable', 'Service is unavailable at this time.');
    }
    const already = await volumeOf(transaction, file.name);
    if (already !== undefined) {
      throw new OperatingError(
        'invalid_state',
        `Unable to manage existing volume. Volume ${file.name} already managed as ${already.id}.`,
      );
    }
    const none = { snapshotId: null, sourceVolumeId: null, backupId: null, imageId: null };
    const wanted = { ...input, ...none, size: gibFor(file.sizeBytes), groupId: null };
    const empty = await volumeFor(transaction, needs, caller, wanted, { kind: 'empty' });
    const volume = { ...empty, managedFile: file.name, bootable: input.bootable };
    await insertVolume(transaction, volume);
    await needs.jobs.add(transaction, {
      kind: 'volume.create',
      projectId: volume.projectId,
      subjectId: volume.id,
      requestId: caller.requestId,
    });
    return volume;
  });
  needs.jobs.wake();
  return row;
}

/** Begins to let a volume go: it becomes the file `volume-<id>.raw`, and is no volume any more. */
export async function unmanageVolume(
  needs: Needs,
  caller: Caller,
  volumeId: string,
): Promise<void> {
  authorize(caller, 'volume_extension:volume_unmanage');
  demandFolder(needs.adoption);
  await needs.catalog.transact(async (transaction) => {
    const row = await findVolume(transaction, caller, volumeId);
    const snapshot = await transaction.find('snapshots', ofVolume(row.id));
    if (!isOneOf(row.status, from) || row.groupId !== null || snapshot !== undefined) {
      throw invalidVolume(
        'Volume status must be available and it must have no snapshots and be in no group to be ' +
          `unmanaged; its status is ${row.status}.`,
      );
    }
    await refuseWhileCopied(transaction, row.id);
    await changeVolume(transaction, row, from, {
      status: during,
      previousStatus: row.status,
      updatedAt: needs.clock.now(),
    });
    await needs.jobs.add(transaction, {
      kind: 'volume.unmanage',
      projectId: row.projectId,
      subjectId: row.id,
      requestId: caller.requestId,
      payload: { snapshotId: newId() },
    });
  });
  needs.jobs.wake();
}

/** The folder; rejects with `invalid_state` when none is set. */
export function demandFolder(adoption: AdoptionFolder | undefined): AdoptionFolder {
  if (adoption !== undefined) return adoption;
  throw new OperatingError(
    'invalid_state',
    'No folder of files to be managed is set: see volumes.manage_folder of the configuration.',
  );
}

function snapshotIn({ snapshotId }: JsonObject): string {
  return must(typeof snapshotId === 'string' ? snapshotId : null, 'the snapshot in the payload');
}

const fileOf = (volumeId: string): string => `volume-${volumeId}.raw`;

export function unmanageVolumeJob(
  needs: Pick<OperationNeeds, 'catalog' | 'clock' | 'engine' | 'adoption'>,
): JobHandler {
  const { catalog, clock, engine } = needs;
  return {
    async run({ subjectId: volumeId, payload }, { signal }) {
      const row = await catalog.find('volumes', byId(volumeId));
      if (row?.status !== during) return;
      const snapshotId = snapshotIn(payload);
      const folder = demandFolder(needs.adoption);
      // A file that has its name is whole: an attempt before this one was stopped after it.
      if ((await folder.find(fileOf(volumeId))) === undefined) {
        await engine.createSnapshots([{ volumeId, snapshotId }]);
        const content = bytesOfSnapshot(engine, snapshotId, signal);
        await folder.write(fileOf(volumeId), row.size * GiB, content);
      }
      await engine.deleteVolume(volumeId);
      await catalog.remove('volumes', { ...byId(volumeId), status: during });
    },

    async fail(job, error) {
      await engine.deleteSnapshot(snapshotIn(job.payload));
      await needs.adoption?.remove(fileOf(job.subjectId));
      await catalog.transact(async (transaction) => {
        const volumeId = job.subjectId;
        await releaseVolume(transaction, { volumeId, during, nowMs: clock.now() });
        await recordFailure(transaction, clock, {
          job,
          resource: 'VOLUME',
          action: 'unmanage volume',
          error,
          advice: 'The volume is as it was; try again when the cause is gone.',
        });
      });
    },
  };
}
