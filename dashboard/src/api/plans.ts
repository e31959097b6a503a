/** Plans: what they are, what they would do, and what they did. */
import { queryOptions } from '@tanstack/react-query';
import type {
  Plan as ClientPlan,
  WhatIf as ClientWhatIf,
} from '../../../src/client/plan-schema.ts';
import { ask } from './http.ts';

export type Plan = ClientPlan & { readonly options: { readonly depth?: string } };

export type WhatIf = ClientWhatIf & { readonly next_runs: readonly string[] };

/** What a plan made, or would make, and what becomes of it. */
export type Judged = WhatIf['items'][number];

/** What its owner says of a plan. */
export interface NewPlan {
  readonly name: string;
  readonly description: string | null;
  readonly enabled: boolean;
  readonly action: string;
  readonly selection: Plan['selection'];
  readonly schedule: string;
  readonly time_zone: string;
  readonly retention: Readonly<Record<string, number>>;
}

export interface PlanRun {
  readonly id: string;
  readonly plan: string;
  readonly volume_id: string;
  readonly action: string;
  readonly state: 'running' | 'done' | 'failed' | 'skipped';
  readonly subject_id: string | null;
  readonly error: string | null;
  readonly deleted: number;
  readonly created_at: string;
}

/** A volume under a plan. */
export interface PlanVolume {
  readonly volume_id: string;
  readonly state: string;
  readonly next_at: string | null;
  readonly last_good_at: string | null;
  readonly error: string | null;
}

const base = '/firn/v1/plans';

export const plansQuery = queryOptions({
  queryKey: ['plans'],
  queryFn: async (): Promise<readonly Plan[]> =>
    (await ask<{ plans: Plan[] }>(base, { query: { limit: 1000 } })).plans,
});

export const planQuery = (id: string) =>
  queryOptions({
    queryKey: ['plans', id],
    queryFn: async (): Promise<Plan> => (await ask<{ plan: Plan }>(`${base}/${id}`)).plan,
  });

export const planVolumesQuery = (id: string) =>
  queryOptions({
    queryKey: ['protections', 'of', id],
    queryFn: async (): Promise<readonly PlanVolume[]> => {
      const query = { limit: 1000 };
      return (await ask<{ volumes: PlanVolume[] }>(`${base}/${id}/volumes`, { query })).volumes;
    },
  });

/** The newest runs; of one plan, or of all. */
export const runsQuery = (where: Readonly<Record<string, string | number>>) =>
  queryOptions({
    queryKey: ['plan_runs', where],
    queryFn: async (): Promise<readonly PlanRun[]> =>
      (await ask<{ runs: PlanRun[] }>('/firn/v1/plan-runs', { query: where })).runs,
  });

export async function createPlan(plan: NewPlan): Promise<Plan> {
  return (await ask<{ plan: Plan }>(base, { method: 'POST', body: { plan } })).plan;
}

export async function updatePlan(id: string, plan: Partial<NewPlan>): Promise<void> {
  await ask(`${base}/${id}`, { method: 'PATCH', body: { plan } });
}

export async function deletePlan(id: string, made: 'keep' | 'delete'): Promise<void> {
  await ask(`${base}/${id}?made=${made}`, { method: 'DELETE' });
}

/** How many volumes have a run now. */
export async function runPlan(id: string): Promise<number> {
  const path = `${base}/${id}/run`;
  const { run } = await ask<{ run: { volume_count: number } }>(path, { method: 'POST', body: {} });
  return run.volume_count;
}

/** What a plan would keep and delete until then, before it is saved; it changes nothing. */
export const whatIfQuery = (given: {
  readonly plan: NewPlan;
  readonly planId: string | undefined;
  readonly until: string;
}) =>
  queryOptions({
    queryKey: ['what_if', given],
    retry: false,
    queryFn: async ({ signal }): Promise<WhatIf> => {
      const { plan, planId = null, until } = given;
      const body = { plan, plan_id: planId, until };
      const path = `${base}/what-if`;
      return (await ask<{ what_if: WhatIf }>(path, { method: 'POST', body, signal })).what_if;
    },
  });
