import type { Where } from '../catalog/catalog.ts';
import type { BackupRow, JobRow } from '../catalog/tables.ts';
import type { Caller } from '../identity/caller.ts';
import { authorize } from '../identity/policy.ts';
import type { Reading } from './needs.ts';
import { readPage, type PageOf, type PageRequest } from './page.ts';

export interface JobList extends PageRequest<'jobs'> {
  readonly where: Omit<Where<'jobs'>, 'projectId'>;
}

/** The jobs of the caller's project. */
export async function listJobs(
  { catalog }: Reading,
  caller: Caller,
  list: JobList,
): Promise<PageOf<'jobs'>> {
  authorize(caller, 'firn:get_job');
  const { projectId } = caller;
  return await readPage(catalog, 'jobs', { ...list.where, projectId }, list, (id) =>
    catalog.find('jobs', { id, projectId }),
  );
}

/** The job that made a backup; undefined when it is too long ago, or the backup was adopted. */
export async function findBackupJob(
  { catalog }: Reading,
  backup: BackupRow,
): Promise<JobRow | undefined> {
  return await catalog.find('jobs', { subjectId: backup.id, kind: 'backup.create' });
}
