import { everyProject, type Where } from '../../catalog/catalog.ts';
import type { AttachmentRow } from '../../catalog/tables.ts';
import type { Caller } from '../../identity/caller.ts';
import { authorize } from '../../identity/policy.ts';
import { everyRow } from '../../catalog/every-row.ts';
import type { Reading } from '../needs.ts';
import { readPage, type PageOf, type PageRequest } from '../page.ts';
import { listScope, scopeOf, type Projects } from '../scope.ts';
import { findAttachment } from './find-attachment.ts';

export interface AttachmentList extends PageRequest<'attachments'> {
  readonly where: Omit<Where<'attachments'>, 'projectId'>;
  readonly projects: Projects;
}

export async function listAttachments(
  { catalog }: Reading,
  caller: Caller,
  list: AttachmentList,
): Promise<PageOf<'attachments'>> {
  authorize(caller, 'volume:get_all');
  const projectId = listScope(caller, list.projects);
  return await readPage(catalog, 'attachments', { ...list.where, projectId }, list, (id) =>
    catalog.find('attachments', { id, projectId: scopeOf(caller) }),
  );
}

export async function showAttachment(
  { catalog }: Reading,
  caller: Caller,
  attachmentId: string,
): Promise<AttachmentRow> {
  authorize(caller, 'volume:get');
  return await findAttachment(catalog, caller, attachmentId);
}

/** The finished attachments of the volumes, which are at most one page. */
export async function attachmentsOf(
  { catalog }: Reading,
  volumeIds: readonly string[],
): Promise<Map<string, AttachmentRow[]>> {
  const found = new Map<string, AttachmentRow[]>();
  if (volumeIds.length === 0) return found;
  const where = { projectId: everyProject, volumeId: volumeIds, status: 'attached' } as const;
  for await (const row of everyRow(catalog, 'attachments', where)) {
    const those = found.get(row.volumeId);
    if (those === undefined) found.set(row.volumeId, [row]);
    else those.push(row);
  }
  return found;
}
