import { everyProject, type Where } from '../../catalog/catalog.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import type { Reading } from '../needs.ts';
import { readPage, type PageOf, type PageRequest } from '../page.ts';
import { isAdmin } from '../scope.ts';

export interface AuditList extends PageRequest<'audit'> {
  readonly where: Omit<Where<'audit'>, 'projectId'>;
  /** Lines of this project alone; undefined: all that the caller may see. */
  readonly ofProject?: string;
}

/** Lines of the audit trail: an administrator's are all, others see those of their project. */
export async function listAudit(
  { catalog }: Reading,
  caller: Caller,
  list: AuditList,
): Promise<PageOf<'audit'>> {
  authorize(caller, 'firn:list_audit');
  const { ofProject = isAdmin(caller) ? everyProject : caller.projectId } = list;
  if (!isAdmin(caller) && ofProject !== caller.projectId) return { rows: [], count: undefined };
  const projectId = ofProject;
  return await readPage(catalog, 'audit', { ...list.where, projectId }, list, (id) =>
    catalog.find('audit', { id, projectId }),
  );
}
