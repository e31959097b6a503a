import { everyProject, type Where } from '../../catalog/catalog.ts';
import type { VolumeRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import type { Reading } from '../needs.ts';
import { readPage, type PageOf, type PageRequest } from '../page.ts';
import { isAdmin, scopeOf } from '../scope.ts';
import { findVolume } from './find-volume.ts';

export interface VolumeList extends PageRequest<'volumes'> {
  readonly where: Omit<Where<'volumes'>, 'projectId'>;
  /** Only an administrator gets the rows of all projects. */
  readonly allProjects: boolean;
}

export async function listVolumes(
  { catalog }: Reading,
  caller: Caller,
  list: VolumeList,
): Promise<PageOf<'volumes'>> {
  authorize(caller, 'volume:get_all');
  const projectId = list.allProjects && isAdmin(caller) ? everyProject : caller.projectId;
  return await readPage(catalog, 'volumes', { ...list.where, projectId }, list, (id) =>
    catalog.find('volumes', { id, projectId: scopeOf(caller) }),
  );
}

export async function showVolume(
  { catalog }: Reading,
  caller: Caller,
  volumeId: string,
): Promise<VolumeRow> {
  authorize(caller, 'volume:get');
  return await findVolume(catalog, caller, volumeId);
}
