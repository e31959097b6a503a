import { OperatingError } from '../base/errors.ts';
import type { CatalogReader, Where } from '../catalog/catalog.ts';
import type { MessageRow } from '../catalog/tables.ts';
import type { Caller } from '../identity/caller.ts';
import { authorize } from '../identity/policy.ts';
import type { Reading } from './needs.ts';
import { readPage, type PageOf, type PageRequest } from './page.ts';
import { byId, scopeOf } from './scope.ts';

export interface MessageList extends PageRequest<'messages'> {
  readonly where: Omit<Where<'messages'>, 'projectId'>;
}

export async function listMessages(
  { catalog }: Reading,
  caller: Caller,
  list: MessageList,
): Promise<PageOf<'messages'>> {
  authorize(caller, 'message:get_all');
  const { projectId } = caller;
  return await readPage(catalog, 'messages', { ...list.where, projectId }, list, (id) =>
    catalog.find('messages', { id, projectId }),
  );
}

export async function showMessage(
  { catalog }: Reading,
  caller: Caller,
  messageId: string,
): Promise<MessageRow> {
  authorize(caller, 'message:get');
  return await findMessage(catalog, caller, messageId);
}

export async function deleteMessage(
  { catalog }: Reading,
  caller: Caller,
  messageId: string,
): Promise<void> {
  authorize(caller, 'message:delete');
  const row = await findMessage(catalog, caller, messageId);
  await catalog.remove('messages', byId(row.id));
}

async function findMessage(
  reader: CatalogReader,
  caller: Caller,
  messageId: string,
): Promise<MessageRow> {
  const row = await reader.find('messages', { id: messageId, projectId: scopeOf(caller) });
  if (row !== undefined) return row;
  throw new OperatingError('not_found', `Message ${messageId} could not be found.`);
}
