/** Holds: what nobody deletes, plans and people, until they are released. */
import { queryOptions } from '@tanstack/react-query';
import type { Hold } from '../../../src/client/plan-schema.ts';
import { ask } from './http.ts';

export type { Hold } from '../../../src/client/plan-schema.ts';

export type HoldKind = 'volume' | 'snapshot' | 'backup';

/** Up to a thousand holds of the project, newest first. */
export const holdsQuery = queryOptions({
  queryKey: ['holds'],
  queryFn: async (): Promise<readonly Hold[]> =>
    (await ask<{ holds: Hold[] }>('/firn/v1/holds', { query: { limit: 1000 } })).holds,
});

const pathOf = (kind: string, id: string): string => `/firn/v1/${kind}s/${id}/hold`;

export async function placeHold(kind: HoldKind, id: string, reason: string): Promise<void> {
  await ask(pathOf(kind, id), { method: 'PUT', body: reason === '' ? {} : { reason } });
}

export async function releaseHold(kind: string, id: string): Promise<void> {
  await ask(pathOf(kind, id), { method: 'DELETE' });
}
