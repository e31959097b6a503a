/** The verbs of webhooks. A secret is told once, when it is made. */
import { OperatingError } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import type { CatalogReader } from '../catalog/catalog.ts';
import type { WebhookRow } from '../catalog/plan-tables.ts';
import type { Caller } from '../identity/caller.ts';
import { authorize } from '../identity/policy.ts';
import type { Changing, Reading } from '../operation/needs.ts';
import { readPage, type PageOf, type PageRequest } from '../operation/page.ts';
import { byId, scopeOf } from '../operation/scope.ts';
import { webhooksMax } from './outbox.ts';
import { isWebhookSecret, newWebhookSecret } from './signature.ts';

export interface WebhookInput {
  readonly url: string;
  /** Undefined: one is made. */
  readonly secret: string | undefined;
  readonly events: readonly string[];
  readonly enabled: boolean;
}

export async function createWebhook(
  { catalog, clock }: Changing,
  caller: Caller,
  input: WebhookInput,
): Promise<WebhookRow> {
  authorize(caller, 'firn:change_webhook');
  checkUrl(input.url);
  if (input.secret !== undefined) checkSecret(input.secret);
  const { projectId, userId } = caller;
  const row: WebhookRow = {
    id: newId(),
    projectId,
    userId,
    url: input.url,
    secret: input.secret ?? newWebhookSecret(),
    events: [...input.events],
    enabled: input.enabled,
    createdAt: clock.now(),
    updatedAt: null,
  };
  await catalog.transact(async (transaction) => {
    if ((await transaction.count('webhooks', { projectId })) >= webhooksMax) {
      throw new OperatingError('quota_exceeded', `A project has at most ${webhooksMax} webhooks.`);
    }
    await transaction.insert('webhooks', row);
  });
  return row;
}

export async function updateWebhook(
  { catalog, clock }: Changing,
  caller: Caller,
  webhookId: string,
  changes: Partial<Pick<WebhookRow, 'url' | 'secret' | 'events' | 'enabled'>>,
): Promise<WebhookRow> {
  authorize(caller, 'firn:change_webhook');
  if (changes.url !== undefined) checkUrl(changes.url);
  if (changes.secret !== undefined) checkSecret(changes.secret);
  const row = await findWebhook(catalog, caller, webhookId);
  const changed = { ...changes, updatedAt: clock.now() };
  return (await catalog.change('webhooks', byId(row.id), changed)) ?? row;
}

/** Deletes a webhook, and what is on its way to it. */
export async function deleteWebhook(
  { catalog }: Reading,
  caller: Caller,
  webhookId: string,
): Promise<void> {
  authorize(caller, 'firn:change_webhook');
  const row = await findWebhook(catalog, caller, webhookId);
  await catalog.transact(async (transaction) => {
    await transaction.remove('deliveries', { projectId: row.projectId, webhookId: row.id });
    await transaction.remove('webhooks', byId(row.id));
  });
}

export async function listWebhooks(
  { catalog }: Reading,
  caller: Caller,
  page: PageRequest<'webhooks'>,
): Promise<PageOf<'webhooks'>> {
  authorize(caller, 'firn:get_webhook');
  const { projectId } = caller;
  return await readPage(catalog, 'webhooks', { projectId }, page, (id) =>
    catalog.find('webhooks', { id, projectId }),
  );
}

/** What was and is on its way to a webhook, newest first. */
export async function listDeliveries(
  { catalog }: Reading,
  caller: Caller,
  webhookId: string,
  page: PageRequest<'deliveries'>,
): Promise<PageOf<'deliveries'>> {
  authorize(caller, 'firn:get_webhook');
  const { projectId } = await findWebhook(catalog, caller, webhookId);
  const where = { projectId, webhookId };
  return await readPage(catalog, 'deliveries', where, page, (id) =>
    catalog.find('deliveries', { ...where, id }),
  );
}

export async function showWebhook(
  { catalog }: Reading,
  caller: Caller,
  webhookId: string,
): Promise<WebhookRow> {
  authorize(caller, 'firn:get_webhook');
  return await findWebhook(catalog, caller, webhookId);
}

async function findWebhook(
  reader: CatalogReader,
  caller: Caller,
  webhookId: string,
): Promise<WebhookRow> {
  const row = await reader.find('webhooks', { id: webhookId, projectId: scopeOf(caller) });
  if (row !== undefined) return row;
  throw new OperatingError('not_found', `Webhook ${webhookId} could not be found.`);
}

/** Throws `invalid_input` unless it is an http or https URL without a password. */
export function checkUrl(text: string): void {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isHttp = url?.protocol === 'https:' || url?.protocol === 'http:';
  if (isHttp && url.username === '' && url.password === '') return;
  const message = 'url is an http or https URL without user and password.';
  throw new OperatingError('invalid_input', message, { field: 'url' });
}

function checkSecret(secret: string): void {
  if (isWebhookSecret(secret)) return;
  const message = 'secret is whsec_ and 24 to 64 bytes in base64; leave it out to have one made.';
  throw new OperatingError('invalid_input', message, { field: 'secret' });
}
