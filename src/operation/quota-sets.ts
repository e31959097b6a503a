import { OperatingError } from '../base/errors.ts';
import type { Caller } from '../identity/caller.ts';
import { authorize } from '../identity/policy.ts';
import type { Reading } from './needs.ts';
import {
  quotaDefaults,
  quotaLimits,
  quotaResources,
  quotaUsage,
  type QuotaFigures,
  type QuotaResource,
} from './quota.ts';
import { isAdmin } from './scope.ts';

export interface QuotaSet {
  readonly limits: QuotaFigures;
  readonly usage: QuotaFigures;
}

/** What a project may have and has; of another project only for administrators. */
export async function showQuotaSet(
  { catalog }: Reading,
  caller: Caller,
  projectId: string,
): Promise<QuotaSet> {
  authorize(caller, 'volume_extension:quotas:show');
  if (projectId !== caller.projectId && !isAdmin(caller)) {
    throw new OperatingError('forbidden', "Policy doesn't allow this project's quota to be shown.");
  }
  return {
    limits: await quotaLimits(catalog, projectId),
    usage: await quotaUsage(catalog, projectId),
  };
}

/** Sets limits of a project; −1 means none. A limit below what is used only stops growth. */
export async function updateQuotaSet(
  { catalog }: Reading,
  caller: Caller,
  projectId: string,
  limits: Partial<Record<QuotaResource, number>>,
): Promise<QuotaFigures> {
  authorize(caller, 'volume_extension:quotas:update');
  return await catalog.transact(async (transaction) => {
    for (const resource of quotaResources) {
      const hardLimit = limits[resource];
      if (hardLimit === undefined) continue;
      const id = `${projectId}:${resource}`;
      const changed = await transaction.change('quotas', { id, projectId }, { hardLimit });
      if (changed === undefined) {
        await transaction.insert('quotas', { id, projectId, resource, hardLimit });
      }
    }
    return await quotaLimits(transaction, projectId);
  });
}

/** The project has the defaults again. */
export async function deleteQuotaSet(
  { catalog }: Reading,
  caller: Caller,
  projectId: string,
): Promise<void> {
  authorize(caller, 'volume_extension:quotas:delete');
  await catalog.remove('quotas', { projectId });
}

export function defaultQuotas(caller: Caller): QuotaFigures {
  authorize(caller, 'volume_extension:quotas:show');
  return { ...quotaDefaults };
}
