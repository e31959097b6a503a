/**
 * Quotas: how much a project may have. Usage is counted from the rows within the transaction that
 * adds to it, so that it never drifts and two requests never pass one limit together.
 */
import { OperatingError } from '../base/errors.ts';
import type { CatalogReader } from '../catalog/catalog.ts';

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

export async function quotaLimits(reader: CatalogReader, projectId: string): Promise<QuotaFigures> {
  const limits: QuotaFigures = { ...quotaDefaults };
  const rows = await reader.list('quotas', { where: { projectId }, limit: 100 });
  for (const row of rows) {
    const resource = quotaResources.find((name) => name === row.resource);
    if (resource !== undefined) limits[resource] = row.hardLimit;
  }
  return limits;
}

/** What the project has now. A snapshot counts its volume's size, as Cinder counts it. */
export async function quotaUsage(reader: CatalogReader, projectId: string): Promise<QuotaFigures> {
  const where = { projectId };
  return {
    volumes: await reader.count('volumes', where),
    snapshots: await reader.count('snapshots', where),
    gigabytes:
      (await reader.sum('volumes', 'size', where)) + (await reader.sum('snapshots', 'size', where)),
    backups: await reader.count('backups', where),
    backup_gigabytes: await reader.sum('backups', 'size', where),
    groups: await reader.count('groups', where),
    per_volume_gigabytes: 0,
  };
}

export type QuotaDemand = Partial<Omit<QuotaFigures, 'per_volume_gigabytes'>>;

/** Rejects with `quota_exceeded` when the project would have more than it may. */
export async function demandQuota(
  transaction: CatalogReader,
  projectId: string,
  demand: QuotaDemand,
): Promise<void> {
  const limits = await quotaLimits(transaction, projectId);
  const usage = await quotaUsage(transaction, projectId);
  for (const resource of quotaResources) {
    if (resource === 'per_volume_gigabytes') continue;
    const requested = demand[resource] ?? 0;
    const limit = limits[resource];
    if (requested === 0 || limit < 0 || usage[resource] + requested <= limit) continue;
    throw new OperatingError(
      'quota_exceeded',
      refusals[resource]({ requested, limit, consumed: usage[resource] }),
      { field: resource },
    );
  }
}

interface Excess {
  readonly requested: number;
  readonly limit: number;
  readonly consumed: number;
}

/** In the words that clients know, which begin with the name of the fault. */
const refusals: Record<Exclude<QuotaResource, 'per_volume_gigabytes'>, (e: Excess) => string> = {
  volumes: ({ limit }) =>
    `VolumeLimitExceeded: Maximum number of volumes allowed (${limit}) exceeded for quota ` +
    "'volumes'.",
  snapshots: ({ limit }) =>
    `SnapshotLimitExceeded: Maximum number of snapshots allowed (${limit}) exceeded.`,
  gigabytes: (excess) =>
    'VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes ' +
    `quota. ${figuresOf(excess)}`,
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
