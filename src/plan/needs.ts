/** What plans are made of. */
import type { Caller } from '../identity/caller.ts';
import { newId } from '../base/ids.ts';
import type { PlanRow } from '../catalog/plan-tables.ts';
import type { OperationNeeds } from '../operation/needs.ts';

export type PlanNeeds = Pick<
  OperationNeeds,
  'catalog' | 'clock' | 'jobs' | 'engine' | 'exports' | 'repositories' | 'keptBackups'
>;

/** In whose name a plan works: a member of its project. */
export function callerOf(
  plan: Pick<PlanRow, 'projectId' | 'userId' | 'name'>,
  requestId: string = newRunRequestId(),
): Caller {
  const { projectId, userId, name } = plan;
  const roles = ['member', 'reader'];
  return {
    userId,
    userName: `plan ${name}`,
    projectId,
    projectName: projectId,
    roles,
    requestId,
  };
}

/** Ties the lines and messages of one run together, as a request's id does. */
export function newRunRequestId(): string {
  return `req-${newId()}`;
}
