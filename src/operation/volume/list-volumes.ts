import type { Where } from '../../catalog/catalog.ts';
import type { VolumeRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import type { Reading } from '../needs.ts';
import { readPage, type PageOf, type PageRequest } from '../page.ts';
import { listScope, scopeOf, type Projects } from '../scope.ts';
import { findVolume } from './find-volume.ts';

export interface VolumeList extends PageRequest<'volumes'> {
  readonly where: Omit<Where<'volumes'>, 'projectId'>;
  readonly projects: Projects;
}

export async function listVolumes(
  { catalog }: Reading,
  caller: Caller,
  list: VolumeList,
): Promise<PageOf<'volumes'>> {
  authorize(caller, 'volume:get_all');
  const projectId = listScope(caller, list.projects);
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
