/**
 * Quotas: how much a project may have. Usage is counted from the rows within the transaction that
 * adds to it, so that it never drifts and two requests never pass one limit together.
 */
import { unreachable } from '../base/assert.ts';
import { OperatingError } from '../base/errors.ts';
import type { CatalogReader } from '../catalog/catalog.ts';
import { limitsOfType, resourceOfType, resourcesOfTypes } from './quota-of-types.ts';
import { findVolumeType } from './type/find-volume-type.ts';

/** −1 means no limit. Sizes are GiB. */
export const quotaDefaults = {
  volumes: 1_000,
  snapshots: 10_000,
  gigabytes: 100_000,
  backups: 10_000,
  backup_gigabytes: 100_000,
  groups: 1_000,
  per_volume_gigabytes: -1,
} as const;

export type QuotaResource = keyof typeof quotaDefaults;
export type QuotaFigures = Record<QuotaResource, number>;

/** The largest volume, whatever the quota: 16 TiB. */
export const volumeGiBMax = 16_384;

export const quotaResources: readonly QuotaResource[] = [
  'volumes',
  'snapshots',
  'gigabytes',
  'backups',
  'backup_gigabytes',
  'groups',
  'per_volume_gigabytes',
];

/** The class of quotas that sets the limits of projects for which none is set. */
export const defaultClass = 'default';

/** Everybody's limits: the built-in ones, or what an administrator made of them. */
export async function quotaDefaultsOf(reader: CatalogReader): Promise<QuotaFigures> {
  const where = { className: defaultClass };
  const rows = await reader.list('quotaClasses', { where, limit: 1000 });
  return withLimits(quotaDefaults, rows);
}

export async function quotaLimits(reader: CatalogReader, projectId: string): Promise<QuotaFigures> {
  const rows = await reader.list('quotas', { where: { projectId }, limit: 1000 });
  return withLimits(await quotaDefaultsOf(reader), rows);
}

function withLimits(
  limits: QuotaFigures,
  rows: readonly { resource: string; hardLimit: number }[],
): QuotaFigures {
  const set = rows.flatMap(({ resource, hardLimit }) =>
    quotaResources.some((name) => name === resource) ? [[resource, hardLimit] as const] : [],
  );
  return { ...limits, ...Object.fromEntries(set) };
}

/** What the project has now. A snapshot counts its volume's size, as Cinder counts it. */
export async function quotaUsage(reader: CatalogReader, projectId: string): Promise<QuotaFigures> {
  const usage: QuotaFigures = { ...quotaDefaults };
  for (const resource of quotaResources) {
    usage[resource] = await usageOf(reader, resource, { projectId });
  }
  return usage;
}

/** `where`: of a project, or of one of its volume types. */
export async function usageOf(
  reader: CatalogReader,
  resource: QuotaResource,
  where: { projectId: string; volumeTypeId?: string },
): Promise<number> {
  switch (resource) {
    case 'volumes':
    case 'snapshots':
      return await reader.count(resource, where);
    case 'backups':
    case 'groups':
      return await reader.count(resource, { projectId: where.projectId });
    case 'gigabytes':
      return (
        (await reader.sum('volumes', 'size', where)) +
        (await reader.sum('snapshots', 'size', where))
      );
    case 'backup_gigabytes':
      return await reader.sum('backups', 'size', { projectId: where.projectId });
    case 'per_volume_gigabytes':
      return 0;
    default:
      return unreachable(resource);
  }
}

export type QuotaDemand = Partial<Omit<QuotaFigures, 'per_volume_gigabytes'>>;

/**
 * Rejects with `quota_exceeded` when the project would have more than it may, in all or of the
 * volume type. Only what is limited is counted.
 */
export async function demandQuota(
  transaction: CatalogReader,
  projectId: string,
  demand: QuotaDemand,
  volumeTypeId?: string,
): Promise<void> {
  const limits = await quotaLimits(transaction, projectId);
  for (const resource of demandable) {
    const requested = demand[resource] ?? 0;
    const limit = limits[resource];
    if (requested === 0 || limit < 0) continue;
    const consumed = await usageOf(transaction, resource, { projectId });
    if (consumed + requested > limit) {
      throw exceeded(resource, resource, { requested, limit, consumed });
    }
  }
  if (volumeTypeId !== undefined) {
    await demandQuotaOfType(transaction, projectId, demand, volumeTypeId);
  }
}

/** The same of one volume type alone. */
export async function demandQuotaOfType(
  transaction: CatalogReader,
  projectId: string,
  demand: QuotaDemand,
  volumeTypeId: string,
): Promise<void> {
  const type = await findVolumeType(transaction, volumeTypeId);
  const limits = await limitsOfType(transaction, projectId, type);
  for (const resource of resourcesOfTypes) {
    const requested = demand[resource] ?? 0;
    const limit = limits[resource];
    if (requested === 0 || limit < 0) continue;
    const consumed = await usageOf(transaction, resource, { projectId, volumeTypeId });
    if (consumed + requested > limit) {
      const name = resourceOfType(resource, type);
      throw exceeded(resource, name, { requested, limit, consumed });
    }
  }
}

const demandable = quotaResources.filter((name) => name !== 'per_volume_gigabytes');

function exceeded(
  resource: Exclude<QuotaResource, 'per_volume_gigabytes'>,
  name: string,
  excess: Excess,
): OperatingError {
  return new OperatingError('quota_exceeded', refusals[resource]({ ...excess, name }), {
    field: name,
  });
}

interface Excess {
  readonly requested: number;
  readonly limit: number;
  readonly consumed: number;
}

/** In the words that clients know, which begin with the name of the fault. */
const refusals: Record<
  Exclude<QuotaResource, 'per_volume_gigabytes'>,
  (excess: Excess & { name: string }) => string
> = {
  volumes: ({ limit, name }) =>
    `VolumeLimitExceeded: Maximum number of volumes allowed (${limit}) exceeded for quota ` +
    `'${name}'.`,
  snapshots: ({ limit }) =>
    `SnapshotLimitExceeded: Maximum number of snapshots allowed (${limit}) exceeded.`,
  gigabytes: (excess) =>
    'VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed ' +
    `${excess.name} quota. ${figuresOf(excess)}`,
  backups: ({ limit }) =>
    `BackupLimitExceeded: Maximum number of backups allowed (${limit}) exceeded.`,
  backup_gigabytes: (excess) =>
    'VolumeBackupSizeExceedsAvailableQuota: Requested backup exceeds allowed Backup gigabytes ' +
    `quota. ${figuresOf(excess)}`,
  groups: ({ limit }) =>
    `GroupLimitExceeded: Maximum number of groups allowed (${limit}) exceeded.`,
};

function figuresOf({ requested, limit, consumed }: Excess): string {
  return `Requested ${requested}G, quota is ${limit}G and ${consumed}G has been consumed.`;
}

/** Rejects a volume that is larger than the project, or anybody, may have. */
export async function demandVolumeSize(
  transaction: CatalogReader,
  projectId: string,
  sizeGiB: number,
): Promise<void> {
  if (sizeGiB > volumeGiBMax) {
    throw new OperatingError(
      'invalid_input',
      `Invalid input received: Volume size '${sizeGiB}' is larger than the limit of ` +
        `${volumeGiBMax} GB.`,
      { field: 'size' },
    );
  }
  const limit = (await quotaLimits(transaction, projectId)).per_volume_gigabytes;
  if (limit < 0 || sizeGiB <= limit) return;
  throw new OperatingError(
    'quota_exceeded',
    `VolumeSizeExceedsLimit: Requested volume size ${sizeGiB}G is larger than maximum allowed ` +
      `limit ${limit}G.`,
    { field: 'size' },
  );
}
