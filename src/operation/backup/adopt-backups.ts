import { isOperatingError, messageOf, OperatingError } from '../../base/errors.ts';
import { type Catalog, everyProject } from '../../catalog/catalog.ts';
import type { BackupRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import { availabilityZone } from '../availability-zones.ts';
import type { OperationNeeds } from '../needs.ts';
import { byId } from '../scope.ts';
import { claimIdOf, claimOf, installationIdOf } from './claim-id.ts';
import { containerFor } from './container.ts';
import { emptyFigures } from './create-backup.ts';
import type { Manifest, Repository } from './repository-types.ts';

type Needs = Pick<OperationNeeds, 'catalog' | 'repositories'>;

/** More records of one backup in one catalogue are not looked at. */
const recordsMax = 1000;

export interface Adoption {
  /** Ids of the backups that the catalogue has from now on. */
  readonly adopted: readonly string[];
  /** Those of them that another installation made, and has a record of if it still lives. */
  readonly sharedCount: number;
  /** How many it had already; their records stay as they are. */
  readonly knownCount: number;
  /** By backup ids; containers that no key opens by their names. */
  readonly damaged: readonly { readonly id: string; readonly reason: string }[];
}

export interface AdoptOptions {
  /** Of this container only; null: of all. */
  readonly container: string | null;
  /**
   * The installations that made the backups are gone for good: their records count no more. Without
   * it a backup of another installation is kept until both have deleted it.
   */
  readonly takeOver?: boolean;
  /** Take over although another process is at work in the store. */
  readonly force?: boolean;
}

/** After so long a process that has ended is known to have. */
const endedSeconds = 120;

/**
 * Fills the catalogue with the backups of one container, or of all, from their manifests. A backup
 * belongs to the project that its manifest names if there is one, and else to the caller's. It may
 * be repeated, and never makes a second record. Rejects with `conflict`, and changes nothing, when
 * it is to take over what another process is at work in.
 */
export async function adoptBackups(
  { catalog, repositories }: Needs,
  caller: Caller,
  { container, takeOver = false, force = false }: AdoptOptions,
): Promise<Adoption> {
  authorize(caller, 'firn:adopt_repository');
  const containers =
    container === null ? await repositories.containers() : [containerFor(container)];
  const adopted: string[] = [];
  const damaged: { id: string; reason: string }[] = [];
  let [knownCount, sharedCount] = [0, 0];
  const installationId = await installationIdOf(catalog);
  const found = new Map<string, Repository>();
  for (const name of containers) {
    try {
      found.set(name, await repositories.open(name, { create: false }));
    } catch (error) {
      // One that was named has to be there. Beside the others there may be one that is damaged, or
      // of another key, and folders that hold none.
      if (container !== null || !isOperatingError(error)) throw error;
      const { code } = error;
      if (code !== 'not_found' && code !== 'corrupt' && code !== 'wrong_key') throw error;
      if (code !== 'not_found') damaged.push({ id: name, reason: messageOf(error) });
    }
  }
  if (takeOver && !force) await assertAlone(found);
  for (const [name, repository] of found) {
    for await (const manifest of repository.listBackups()) {
      if ('error' in manifest) {
        damaged.push({ id: manifest.backupId, reason: messageOf(manifest.error) });
        continue;
      }
      const madeBy = manifest.installationId ?? installationId;
      const isForeign = madeBy !== installationId && !takeOver;
      const backup = { container: name, repository, manifest, installationId, isForeign };
      if (await adoptBackup(catalog, caller, backup)) {
        adopted.push(manifest.backupId);
        sharedCount += isForeign ? 1 : 0;
      } else {
        knownCount += 1;
        await settleClaims(catalog, backup, { takeOver });
      }
    }
  }
  return { adopted, sharedCount, knownCount, damaged };
}

/** Who is said to be gone is not at work. One that does nothing just now is not noticed. */
async function assertAlone(repositories: ReadonlyMap<string, Repository>): Promise<void> {
  for (const [container, repository] of repositories) {
    const atWork = await repository.atWork();
    if (atWork.length === 0) continue;
    throw new OperatingError(
      'conflict',
      `${atWork.join(', ')} is at work in ${container}: stop it if it is of an installation that ` +
        'is to be taken over. If it has ended already, ask again in two minutes, or with force.',
      { retryAfterSeconds: endedSeconds },
    );
  }
}

interface Found {
  readonly container: string;
  readonly repository: Repository;
  readonly manifest: Manifest;
  readonly installationId: string;
  /** Whether another installation may have the record that it was made for. */
  readonly isForeign: boolean;
}

/**
 * False when the catalogue has a record for the backup already. The new record takes the place of
 * the one that the backup was made for; where another installation may have that, or where it was
 * deleted, and the records of others keep the backup, it is one more beside these.
 */
async function adoptBackup(
  catalog: Catalog,
  caller: Caller,
  { container, repository, manifest, isForeign }: Found,
): Promise<boolean> {
  const { backupId } = manifest;
  const isThere = async (transaction: Pick<Catalog, 'find'>): Promise<boolean> => {
    const imported = { projectId: everyProject, storedId: backupId } as const;
    const own = await transaction.find('backups', byId(backupId));
    return (own ?? (await transaction.find('backups', imported))) !== undefined;
  };
  if (await isThere(catalog)) return false;
  const isImported = isForeign || (await repository.claims.isReleased(backupId));
  if (isImported && !(await claim(catalog, repository, backupId))) return false;
  return await catalog.transact(async (transaction) => {
    if (await isThere(transaction)) return false;
    const project = await transaction.find('projects', { id: manifest.projectId });
    const projectId = project === undefined ? caller.projectId : project.id;
    const row = rowOf(manifest, { projectId, container });
    await transaction.insert('backups', isImported ? { ...row, storedId: backupId } : row);
    return true;
  });
}

/**
 * Sees to the claims of the records that the catalogue has for a backup that was made for another:
 * before claims named the installation they were called by the record alone.
 */
async function settleClaims(
  catalog: Catalog,
  { repository, manifest, installationId }: Found,
  { takeOver }: { takeOver: boolean },
): Promise<void> {
  const { backupId } = manifest;
  const where = { projectId: everyProject, storedId: backupId } as const;
  const records = await catalog.list('backups', { where, limit: recordsMax });
  const isForeign = ![undefined, installationId].includes(manifest.installationId);
  for (const { id } of records) {
    const claimId = claimOf(id, installationId);
    await repository.claims.rename(backupId, id, claimId);
    if (takeOver && isForeign) await repository.claims.release(backupId, claimId);
  }
}

/** False when the backup was deleted since it was listed. */
async function claim(catalog: Catalog, repository: Repository, backupId: string): Promise<boolean> {
  try {
    await repository.claimBackup(backupId, await claimIdOf(catalog, backupId));
    return true;
  } catch (error) {
    if (!isOperatingError(error, 'not_found')) throw error;
    return false;
  }
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
