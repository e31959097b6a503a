/** Messages: what went wrong after a request was answered (api-ref of Cinder, messages). */
import type { FastifyInstance } from 'fastify';
import type { MessageRow } from '../../catalog/tables.ts';
import { deleteMessage, listMessages, showMessage } from '../../operation/messages.ts';
import { nextLink, readList, type ListFace } from './list-query.ts';
import type { BlockStorageV3Options } from './options.ts';
import { since, viewerOf, type ById } from './request.ts';
import { linksTo, timeView, type Viewer } from './view.ts';
import { lists } from '../takes.ts';

export const messageList: ListFace<'messages'> = {
  pagesSince: 5,
  known: [],
  filters: {
    event_id: (eventId) => ({ eventId }),
    // Clients send it in lower case, too.
    resource_type: (text) => ({ resourceType: text.toUpperCase() }),
    resource_uuid: (resourceId) => ({ resourceId }),
    request_id: (requestId) => ({ requestId }),
    message_level: (text) => (text.toUpperCase() === 'ERROR' ? { level: 'ERROR' } : { id: [] }),
  },
  sortFields: {
    id: 'id',
    event_id: 'eventId',
    resource_type: 'resourceType',
    request_id: 'requestId',
    created_at: 'createdAt',
    guaranteed_until: 'expiresAt',
  },
};

function messageView(row: MessageRow, viewer: Viewer): object {
  return {
    id: row.id,
    event_id: row.eventId,
    user_message: row.userMessage,
    message_level: row.level,
    created_at: timeView(row.createdAt),
    guaranteed_until: timeView(row.expiresAt),
    request_id: row.requestId,
    resource_type: row.resourceType,
    resource_uuid: row.resourceId,
    links: linksTo(viewer, 'messages', row.id),
  };
}

export function messageRoutes(
  app: FastifyInstance,
  { operations, publicUrl }: BlockStorageV3Options,
): void {
  app.get('/messages', lists(messageList), async (request) => {
    since(request, 3);
    const list = readList(request, messageList);
    const viewer = viewerOf(request, publicUrl);
    const { rows } = await listMessages(operations, request.caller, list);
    return {
      messages: rows.map((row) => messageView(row, viewer)),
      ...nextLink({ viewer, list, rows, path: 'messages', kind: 'messages' }),
    };
  });

  app.get('/messages/:id', async (request: ById) => {
    since(request, 3);
    const row = await showMessage(operations, request.caller, request.params.id);
    return { message: messageView(row, viewerOf(request, publicUrl)) };
  });

  app.delete('/messages/:id', async (request: ById, reply) => {
    since(request, 3);
    await deleteMessage(operations, request.caller, request.params.id);
    return reply.code(204).send();
  });
}
