import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fromSystemError, OperatingError } from '../base/errors.ts';

/** A data folder that this process alone may use, until `release`. */
export interface DataFolder {
  readonly path: string;
  release(): void;
}

/**
 * Makes the folder where it is missing (mode 0700) and takes it for this process. The lock is an
 * exclusive SQLite transaction on a file of its own: the kernel drops it when the process ends in
 * whatever way, so that no stale lock is left behind. Rejects with `conflict` when another process
 * has it.
 */
export async function takeDataFolder(path: string): Promise<DataFolder> {
  const pidPath = join(path, 'firn.pid');
  let lock: DatabaseSync;
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    lock = new DatabaseSync(join(path, 'firn.lock'));
  } catch (error) {
    throw fromSystemError(error, `the data folder ${path} cannot be used`);
  }
  try {
    lock.exec('pragma busy_timeout = 0; begin exclusive');
  } catch (error) {
    lock.close();
    throw new OperatingError('conflict', await takenMessage(path, pidPath), { cause: error });
  }
  await writeFile(pidPath, `${process.pid}\n`);
  return { path, release: () => lock.close() };
}

async function takenMessage(path: string, pidPath: string): Promise<string> {
  const pid = await readFile(pidPath, 'utf8').then(
    (text) => ` (process ${text.trim()})`,
    () => '',
  );
  return (
    `another Firn${pid} already uses the data folder ${path}; ` +
    'stop it first, or give this one a folder of its own with --data'
  );
}
