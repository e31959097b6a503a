import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { OperatingError } from '../base/errors.ts';
import { layersFolder } from './inventory.ts';

/** Where volumes lie. */
export interface FoundFolder {
  /** What holds `layers/` and `volumes/`. */
  readonly folder: string;
  /** The data folder of a service around it; undefined for a folder of volumes by itself. */
  readonly dataFolder: string | undefined;
}

/**
 * Finds the volumes in a data folder of the service, or in a folder that only holds volumes.
 * Rejects with `not_found` when there are none.
 */
export async function findVolumes(path: string): Promise<FoundFolder> {
  const dataFolder = resolve(path);
  const inner = join(dataFolder, 'volumes');
  if (await isFolder(join(inner, layersFolder))) return { folder: inner, dataFolder };
  if (await isFolder(join(dataFolder, layersFolder))) {
    return { folder: dataFolder, dataFolder: undefined };
  }
  throw new OperatingError(
    'not_found',
    `${dataFolder} holds no volumes: name a data folder of Firn with --data`,
  );
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (facts) => facts.isDirectory(),
    () => false,
  );
}

/** True when a process has the data folder, as far as one can tell that may not write there. */
export function isInUse(dataFolder: string): boolean {
  let lock: DatabaseSync;
  try {
    lock = new DatabaseSync(join(dataFolder, 'firn.lock'), { readOnly: true });
  } catch {
    // There is no lock that anybody could hold.
    return false;
  }
  try {
    lock.exec('pragma busy_timeout = 0; select count(*) from sqlite_schema');
    return false;
  } catch {
    return true;
  } finally {
    lock.close();
  }
}
