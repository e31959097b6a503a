/** As disks and lines are measured. */
export const MB = 1_000_000;
export const KiB = 1024;
export const MiB = 1024 * KiB;
export const GiB = 1024 * MiB;
export const TiB = 1024 * GiB;

/** The least multiple of `unit` that is not below `value`. */
export function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}

/** The greatest multiple of `unit` that is not above `value`. */
export function roundDown(value: number, unit: number): number {
  return Math.floor(value / unit) * unit;
}

const zeros = Buffer.alloc(64 * KiB);

/** True when every byte is zero. */
export function isZero(data: Uint8Array): boolean {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  for (let start = 0; start < bytes.length; start += zeros.length) {
    const end = Math.min(start + zeros.length, bytes.length);
    if (bytes.compare(zeros, 0, end - start, start, end) !== 0) return false;
  }
  return true;
}

/** Bytes for a person: `1.5 GiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? value.toFixed(0) : value.toFixed(1)} ${units[unit]}`;
}
