/** What plans did, and which volumes are under one. */
import type { Where } from '../catalog/catalog.ts';
import type { Caller } from '../identity/caller.ts';
import { authorize } from '../identity/policy.ts';
import type { Reading } from '../operation/needs.ts';
import { readPage, type PageOf, type PageRequest } from '../operation/page.ts';
import { findPlan } from './plans.ts';

export interface RunList extends PageRequest<'planRuns'> {
  readonly where: Omit<Where<'planRuns'>, 'projectId'>;
}

/** The runs of the caller's project, newest first. */
export async function listRuns(
  { catalog }: Reading,
  caller: Caller,
  list: RunList,
): Promise<PageOf<'planRuns'>> {
  authorize(caller, 'firn:get_plan');
  const { projectId } = caller;
  return await readPage(catalog, 'planRuns', { ...list.where, projectId }, list, (id) =>
    catalog.find('planRuns', { id, projectId }),
  );
}

/** The volumes under a plan, with how they fare. */
export async function listPlanVolumes(
  { catalog }: Reading,
  caller: Caller,
  planId: string,
  page: PageRequest<'protections'>,
): Promise<PageOf<'protections'>> {
  authorize(caller, 'firn:get_plan');
  const { id, projectId } = await findPlan(catalog, caller, planId);
  const where = { projectId, planId: id };
  return await readPage(catalog, 'protections', where, page, (marker) =>
    catalog.find('protections', { ...where, id: marker }),
  );
}
