/**
 * Limits of performance as QoS specs write them: `total_iops_sec`, `read_bytes_sec` and the like,
 * and `…_per_gb`, which grows with the volume (cinder/volume/qos_specs and libvirt's iotune keys).
 */
import { OperatingError } from '../../base/errors.ts';
import type { Metadata } from '../../catalog/tables.ts';
import type { PerformanceLimits } from '../../nbd/exports.ts';

const limitNames = {
  total_iops_sec: 'totalIopsSec',
  read_iops_sec: 'readIopsSec',
  write_iops_sec: 'writeIopsSec',
  total_bytes_sec: 'totalBytesSec',
  read_bytes_sec: 'readBytesSec',
  write_bytes_sec: 'writeBytesSec',
} as const satisfies Record<string, keyof PerformanceLimits>;

const perGb = '_per_gb';

function limitOf(key: string): keyof PerformanceLimits | undefined {
  const name = key.endsWith(perGb) ? key.slice(0, -perGb.length) : key;
  return Object.entries(limitNames).find(([known]) => known === name)?.[1];
}

/** Rejects with `invalid_input` a limit that is no number; keys of other meaning pass. */
export function demandLimits(specs: Metadata): void {
  for (const [key, value] of Object.entries(specs)) {
    if (limitOf(key) === undefined || /^\d{1,15}$/.test(value)) continue;
    throw new OperatingError(
      'invalid_input',
      `Invalid qos specs: ${key} must be a whole number of 0 (no limit) or more, up to 15 digits.`,
      { field: key },
    );
  }
}

/**
 * The limits of a volume of `sizeGiB`. A limit that grows with the volume is `…_per_gb` times the
 * size, and wins over a fixed one, as in Cinder; 0 means no limit.
 */
export function limitsFor(specs: Metadata, sizeGiB: number): PerformanceLimits {
  const limits: Partial<Record<keyof PerformanceLimits, number>> = {};
  const entries = Object.entries(specs);
  const grown = entries.filter(([key]) => key.endsWith(perGb));
  for (const [key, value] of [...entries.filter((entry) => !grown.includes(entry)), ...grown]) {
    const name = limitOf(key);
    const figure = Number(value) * (key.endsWith(perGb) ? sizeGiB : 1);
    if (name !== undefined && figure > 0) limits[name] = figure;
  }
  return limits;
}

/** The same for clients that enforce limits themselves: `…_per_gb` worked out. */
export function clientSpecs(specs: Metadata, sizeGiB: number): Metadata {
  const limits = limitsFor(specs, sizeGiB);
  const others = Object.entries(specs).filter(([key]) => limitOf(key) === undefined);
  const known = Object.entries(limitNames).flatMap(([key, name]) =>
    limits[name] === undefined ? [] : [[key, String(limits[name])] as const],
  );
  return Object.fromEntries([...others, ...known]);
}
