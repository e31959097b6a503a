/** Webhooks, and what was delivered to them. */
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { isoMicros } from '../../base/clock.ts';
import type { DeliveryRow, WebhookRow } from '../../catalog/plan-tables.ts';
import type { OperationNeeds } from '../../operation/needs.ts';
import {
  createWebhook,
  deleteWebhook,
  listDeliveries,
  listWebhooks,
  showWebhook,
  updateWebhook,
} from '../../webhook/webhooks.ts';
import { exactly } from '../block-storage-v3/fields.ts';
import { readList, type ListFace } from '../block-storage-v3/list-query.ts';
import type { ById } from '../block-storage-v3/request.ts';
import { timeView } from '../block-storage-v3/view.ts';
import { parseBody } from '../body.ts';
import { nextMarker } from './next-marker.ts';

const fields = {
  url: Type.String({ minLength: 1, maxLength: 2000 }),
  secret: Type.Optional(Type.String({ maxLength: 200 })),
  events: Type.Optional(
    Type.Array(Type.String({ pattern: '^(snapshot|backup|plan|plan_run)(\\.[a-z]+)?$' }), {
      maxItems: 50,
    }),
  ),
  enabled: Type.Optional(Type.Boolean()),
};

const NewWebhook = exactly({ webhook: exactly(fields) });
const WebhookChange = exactly({ webhook: Type.Partial(exactly(fields)) });

const byAge = { id: 'id', created_at: 'createdAt' } as const;
const webhookList: ListFace<'webhooks'> = { filters: {}, sortFields: byAge };
const deliveryList: ListFace<'deliveries'> = { filters: {}, sortFields: byAge };

/** The secret is never in it. */
function webhookView(row: WebhookRow): object {
  return {
    id: row.id,
    url: row.url,
    events: row.events,
    enabled: row.enabled,
    created_at: isoMicros(row.createdAt),
    updated_at: timeView(row.updatedAt),
  };
}

function deliveryView(row: DeliveryRow): object {
  return {
    id: row.id,
    event: row.event,
    state: row.state,
    attempts: row.attempts,
    next_at: row.state === 'pending' ? isoMicros(row.nextAt) : null,
    last_status: row.lastStatus,
    created_at: isoMicros(row.createdAt),
  };
}

export function webhookRoutes(app: FastifyInstance, operations: OperationNeeds): void {
  app.get('/webhooks', async (request) => {
    const list = readList(request, webhookList);
    const { rows } = await listWebhooks(operations, request.caller, list);
    return { webhooks: rows.map(webhookView), ...nextMarker(list, rows) };
  });

  app.post('/webhooks', async ({ caller, body }, reply) => {
    const { url, secret, events = [], enabled = true } = parseBody(NewWebhook, body).webhook;
    const row = await createWebhook(operations, caller, { url, secret, events, enabled });
    reply.code(201);
    return { webhook: { ...webhookView(row), secret: row.secret } };
  });

  app.get('/webhooks/:id', async ({ caller, params }: ById) => ({
    webhook: webhookView(await showWebhook(operations, caller, params.id)),
  }));

  app.patch('/webhooks/:id', async ({ caller, params, body }: ById) => {
    const { webhook } = parseBody(WebhookChange, body);
    return { webhook: webhookView(await updateWebhook(operations, caller, params.id, webhook)) };
  });

  app.delete('/webhooks/:id', async ({ caller, params }: ById, reply) => {
    await deleteWebhook(operations, caller, params.id);
    return reply.code(204).send();
  });

  app.get('/webhooks/:id/deliveries', async (request: ById) => {
    const list = readList(request, deliveryList);
    const { rows } = await listDeliveries(operations, request.caller, request.params.id, list);
    return { deliveries: rows.map(deliveryView), ...nextMarker(list, rows) };
  });
}
