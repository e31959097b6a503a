import { isOperatingError, messageOf } from '../../base/errors.ts';
import { type Catalog, everyProject } from '../../catalog/catalog.ts';
import type { BackupRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import { availabilityZone } from '../availability-zones.ts';
import type { OperationNeeds } from '../needs.ts';
import { byId } from '../scope.ts';
import { containerFor } from './container.ts';
import { emptyFigures } from './create-backup.ts';
import type { Manifest, Repository } from './repository-types.ts';

type Needs = Pick<OperationNeeds, 'catalog' | 'repositories'>;

export interface Adoption {
  /** Ids of the backups that the catalogue has from now on. */
  readonly adopted: readonly string[];
  /** How many it had already; their records stay as they are. */
  readonly knownCount: number;
  readonly damaged: readonly { readonly id: string; readonly reason: string }[];
}

/**
 * Fills the catalogue with the backups of one container, or of all, from their manifests. A backup
 * belongs to the project that its manifest names if there is one, and else to the caller's. It may
 * be repeated, and never makes a second record.
 */
export async function adoptBackups(
  { catalog, repositories }: Needs,
  caller: Caller,
  container: string | null,
): Promise<Adoption> {
  authorize(caller, 'firn:adopt_repository');
  const containers =
    container === null ? await repositories.containers() : [containerFor(container)];
  const adopted: string[] = [];
  const damaged: { id: string; reason: string }[] = [];
  let knownCount = 0;
  for (const name of containers) {
    const repository = await openIfThere(repositories, name, { named: container !== null });
    if (repository === undefined) continue;
    for await (const found of repository.listBackups()) {
      if ('error' in found) damaged.push({ id: found.backupId, reason: messageOf(found.error) });
      else if (await adoptBackup(catalog, caller, name, found)) adopted.push(found.backupId);
      else knownCount += 1;
    }
  }
  return { adopted, knownCount, damaged };
}

/** A folder beside the containers need not hold a repository; one that was named has to. */
async function openIfThere(
  repositories: Needs['repositories'],
  container: string,
  { named }: { named: boolean },
): Promise<Repository | undefined> {
  try {
    return await repositories.open(container, { create: false });
  } catch (error) {
    if (named || !isOperatingError(error, 'not_found')) throw error;
    return undefined;
  }
}

/** False when the catalogue has a record for the backup already. */
async function adoptBackup(
  catalog: Catalog,
  caller: Caller,
  container: string,
  manifest: Manifest,
): Promise<boolean> {
  return await catalog.transact(async (transaction) => {
    if ((await transaction.find('backups', byId(manifest.backupId))) !== undefined) return false;
    const imported = { projectId: everyProject, storedId: manifest.backupId } as const;
    if ((await transaction.find('backups', imported)) !== undefined) return false;
    const project = await transaction.find('projects', { id: manifest.projectId });
    const projectId = project === undefined ? caller.projectId : project.id;
    await transaction.insert('backups', rowOf(manifest, { projectId, container }));
    return true;
  });
}

/** The record of a backup that is stored whole. */
export function rowOf(
  manifest: Manifest,
  { projectId, container }: { projectId: string; container: string },
): BackupRow {
  const { volume, statistics } = manifest;
  const createdAt = Date.parse(`${manifest.createdAt}Z`);
  const dataTimestamp = Date.parse(`${manifest.dataTimestamp}Z`);
  return {
    ...emptyFigures,
    id: manifest.backupId,
    projectId,
    userId: manifest.userId,
    volumeId: volume.volumeId,
    snapshotId: manifest.snapshotId,
    name: manifest.name,
    description: manifest.description,
    size: volume.sizeGiB,
    status: 'available',
    incremental: manifest.making === 'incremental',
    parentId: manifest.parentId,
    container,
    availabilityZone,
    metadata: { ...manifest.metadata },
    objectCount: statistics.objectCount,
    dataTimestamp,
    layerId: manifest.layerId,
    bytesTotal: statistics.bytesRead,
    bytesDone: statistics.bytesRead,
    bytesStored: statistics.bytesStored,
    createdAt,
  };
}
