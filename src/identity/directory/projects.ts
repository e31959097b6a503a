/**
 * Projects. A project that still has volumes can be deleted, as in Keystone, which knows nothing of
 * volumes: its data stays, and administrators find it with `--all-projects`.
 */
import { OperatingError } from '../../base/errors.ts';
import { newHexId } from '../../base/ids.ts';
import type { CatalogWriter } from '../../catalog/catalog.ts';
import type { ProjectRow } from '../../catalog/identity-tables.ts';
import { ancestorsOf, projectDepthMax } from '../standing.ts';
import { invalid, orNotFound, unique } from './faults.ts';
import type { DirectoryNeeds } from './users.ts';

export type NewProject = Omit<ProjectRow, 'id' | 'createdAt'>;

export async function createProject(
  { catalog, clock }: DirectoryNeeds,
  project: NewProject,
): Promise<ProjectRow> {
  const { domainId, parentId } = project;
  orNotFound(await catalog.find('domains', { id: domainId }), 'domain', domainId);
  if (parentId !== null) {
    const parent = orNotFound(
      await catalog.find('projects', { id: parentId }),
      'project',
      parentId,
    );
    if (parent.domainId !== domainId) throw invalid('parent_id', 'it is in another domain');
    if ((await ancestorsOf(catalog, project)).length >= projectDepthMax) {
      throw new OperatingError('forbidden', `Projects are nested ${projectDepthMax} deep at most.`);
    }
  }
  const row = { ...project, id: newHexId(), createdAt: clock.now() };
  await unique('project', project.name, catalog.insert('projects', row));
  return row;
}

export type ProjectChanges = Partial<
  Pick<ProjectRow, 'name' | 'description' | 'enabled' | 'tags' | 'extra'>
>;

export async function updateProject(
  { catalog }: DirectoryNeeds,
  id: string,
  { extra, ...changes }: ProjectChanges,
): Promise<ProjectRow> {
  const work = catalog.transact(async (transaction) => {
    const row = orNotFound(await transaction.find('projects', { id }), 'project', id);
    if (changes.enabled === false) await transaction.remove('tokens', { projectId: id });
    const merged = { ...changes, extra: { ...row.extra, ...extra } };
    return orNotFound(await transaction.change('projects', { id }, merged), 'project', id);
  });
  return await unique('project', changes.name ?? id, work);
}

export async function deleteProject({ catalog }: DirectoryNeeds, id: string): Promise<void> {
  await catalog.transact(async (transaction) => {
    orNotFound(await transaction.find('projects', { id }), 'project', id);
    if ((await transaction.count('projects', { parentId: id })) > 0) {
      throw new OperatingError('forbidden', `Project ${id} has projects below it.`);
    }
    await removeProject(transaction, id);
  });
}

export async function removeProject(transaction: CatalogWriter, id: string): Promise<void> {
  await transaction.remove('tokens', { projectId: id });
  await transaction.remove('roleAssignments', { targetId: id });
  await transaction.remove('projects', { id });
}
