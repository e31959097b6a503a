/** How well volumes are protected. */
import { queryOptions } from '@tanstack/react-query';
import { ask } from './http.ts';

export type Shield = 'proven' | 'protected' | 'unprotected' | 'failing';

export interface Protection {
  readonly volume_id: string;
  readonly name: string | null;
  readonly size: number;
  readonly status: string;
  readonly shield: Shield;
  readonly reason: string;
  readonly plans: readonly {
    readonly plan_id: string | null;
    readonly plan: string;
    readonly state: string;
    readonly next_at: string | null;
  }[];
  readonly last_backup: { readonly id: string; readonly data_timestamp: string } | null;
  readonly last_verified: { readonly id: string; readonly verified_at: string | null } | null;
}

export const protectionQuery = queryOptions({
  queryKey: ['protections', 'all'],
  queryFn: async (): Promise<readonly Protection[]> => {
    const path = '/firn/v1/protection';
    const query = { limit: 1000, sort: 'created_at:desc' };
    return (await ask<{ protection: Protection[] }>(path, { query })).protection;
  },
  // Ages in its sentences grow without anything changing.
  refetchInterval: 60_000,
});
