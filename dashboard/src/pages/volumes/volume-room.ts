import type { Limits } from '../../api/installation.ts';

/** Why `addedGiB` more do not fit the quota, in Horizon's words; undefined when they do. */
export function roomProblem(
  limits: Limits | undefined,
  addedGiB: number,
  size: string,
): string | undefined {
  if (limits === undefined || limits.maxTotalVolumeGigabytes < 0) return undefined;
  const free = limits.maxTotalVolumeGigabytes - limits.totalGigabytesUsed;
  if (addedGiB <= free) return undefined;
  return (
    `A volume of ${size}GiB cannot be created as you only have ${free}GiB of your quota ` +
    'available.'
  );
}

export function isAtVolumeQuota(limits: Limits | undefined): boolean {
  if (limits === undefined) return false;
  const { maxTotalVolumes: max, totalVolumesUsed: used } = limits;
  return max >= 0 && used >= max;
}
