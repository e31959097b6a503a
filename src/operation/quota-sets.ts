import { OperatingError } from '../base/errors.ts';
import type { CatalogReader } from '../catalog/catalog.ts';
import type { Caller } from '../identity/caller.ts';
import { authorize } from '../identity/policy.ts';
import type { Reading } from './needs.ts';
import { limitsOfType, resourceOfType, resourcesOfTypes } from './quota-of-types.ts';
import {
  quotaDefaultsOf,
  quotaLimits,
  quotaResources,
  quotaUsage,
  usageOf,
  type QuotaFigures,
} from './quota.ts';
import { isAdmin } from './scope.ts';

/** Figures of the resources, and of each volume type: `volumes_<type>` and the like. */
export type AllFigures = Readonly<Record<string, number>>;

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
  mayShow(caller, projectId);
  return {
    limits: await quotaLimits(catalog, projectId),
    usage: await quotaUsage(catalog, projectId),
  };
}

/** The same with the quotas of each volume type; usage only where it is asked for. */
export async function showWholeQuotaSet(
  { catalog }: Reading,
  caller: Caller,
  projectId: string,
  options: { usage: boolean },
): Promise<{ limits: AllFigures; usage: AllFigures }> {
  mayShow(caller, projectId);
  return {
    limits: await allLimits(catalog, projectId),
    usage: options.usage ? await allUsage(catalog, projectId) : {},
  };
}

function mayShow(caller: Caller, projectId: string): void {
  authorize(caller, 'volume_extension:quotas:show');
  if (projectId === caller.projectId || isAdmin(caller)) return;
  throw new OperatingError('forbidden', "Policy doesn't allow this project's quota to be shown.");
}

async function allLimits(reader: CatalogReader, projectId: string): Promise<AllFigures> {
  const limits: Record<string, number> = { ...(await quotaLimits(reader, projectId)) };
  for (const type of await typesOf(reader)) {
    const ofType = await limitsOfType(reader, projectId, type);
    for (const resource of resourcesOfTypes) {
      limits[resourceOfType(resource, type)] = ofType[resource];
    }
  }
  return limits;
}

async function allUsage(reader: CatalogReader, projectId: string): Promise<AllFigures> {
  const usage: Record<string, number> = { ...(await quotaUsage(reader, projectId)) };
  for (const type of await typesOf(reader)) {
    for (const resource of resourcesOfTypes) {
      const where = { projectId, volumeTypeId: type.id };
      usage[resourceOfType(resource, type)] = await usageOf(reader, resource, where);
    }
  }
  return usage;
}

async function typesOf(reader: CatalogReader): Promise<{ id: string; name: string }[]> {
  return await reader.list('volumeTypes', { where: {}, limit: 1000 });
}

/**
 * Sets limits of a project; −1 means none. A limit below what is used only stops growth. Rejects
 * with `invalid_input` names that are no resource's.
 */
export async function updateQuotaSet(
  { catalog }: Reading,
  caller: Caller,
  projectId: string,
  limits: Partial<AllFigures>,
): Promise<AllFigures> {
  authorize(caller, 'volume_extension:quotas:update');
  return await catalog.transact(async (transaction) => {
    for (const [resource, hardLimit] of await knownLimits(transaction, limits)) {
      const id = `${projectId}:${resource}`;
      const changed = await transaction.change('quotas', { id, projectId }, { hardLimit });
      if (changed === undefined) {
        await transaction.insert('quotas', { id, projectId, resource, hardLimit });
      }
    }
    return await allLimits(transaction, projectId);
  });
}

async function knownLimits(
  reader: CatalogReader,
  limits: Partial<AllFigures>,
): Promise<[string, number][]> {
  const types = await typesOf(reader);
  const names = new Set<string>(quotaResources);
  for (const type of types) {
    for (const resource of resourcesOfTypes) names.add(resourceOfType(resource, type));
  }
  const given = Object.entries(limits).filter(
    (entry): entry is [string, number] => entry[1] !== undefined,
  );
  const bad = given.map(([name]) => name).filter((name) => !names.has(name));
  if (bad.length === 0) return given;
  throw new OperatingError(
    'invalid_input',
    `Bad key(s) in quota set: ${bad.join(',').slice(0, 255)}`,
    { field: bad[0] ?? 'quota_set' },
  );
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

/** The limits of a project for which none is set. */
export async function defaultQuotas({ catalog }: Reading, caller: Caller): Promise<AllFigures> {
  authorize(caller, 'volume_extension:quotas:show');
  return await classLimits(catalog, 'default');
}

export async function showQuotaClass(
  { catalog }: Reading,
  caller: Caller,
  className: string,
): Promise<AllFigures> {
  authorize(caller, 'volume_extension:quota_classes:get');
  return await classLimits(catalog, className);
}

/** Sets limits of a class; those of `default` are of every project for which none is set. */
export async function updateQuotaClass(
  { catalog }: Reading,
  caller: Caller,
  className: string,
  limits: Partial<AllFigures>,
): Promise<AllFigures> {
  authorize(caller, 'volume_extension:quota_classes:update');
  return await catalog.transact(async (transaction) => {
    for (const [resource, hardLimit] of await knownLimits(transaction, limits)) {
      const id = `${className}:${resource}`;
      const changed = await transaction.change('quotaClasses', { id }, { hardLimit });
      if (changed === undefined) {
        await transaction.insert('quotaClasses', { id, className, resource, hardLimit });
      }
    }
    return await classLimits(transaction, className);
  });
}

/** What the class sets, over everybody's defaults. */
async function classLimits(reader: CatalogReader, className: string): Promise<AllFigures> {
  const types = await typesOf(reader);
  const unlimited = types.flatMap((type) =>
    resourcesOfTypes.map((resource) => [resourceOfType(resource, type), -1] as const),
  );
  const limits: Record<string, number> = {
    ...(await quotaDefaultsOf(reader)),
    ...Object.fromEntries(unlimited),
  };
  const rows = await reader.list('quotaClasses', { where: { className }, limit: 1000 });
  for (const { resource, hardLimit } of rows) {
    if (Object.hasOwn(limits, resource)) limits[resource] = hardLimit;
  }
  return limits;
}
