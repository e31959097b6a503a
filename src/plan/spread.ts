import { hash } from 'node:crypto';

/**
 * How many milliseconds after an instant of a plan the run of one volume begins: always the same
 * for both, and even over `spreadMs` for many volumes.
 */
export function delayOf(planId: string, volumeId: string, spreadMs: number): number {
  const digest = hash('sha256', `${planId}:${volumeId}`, 'buffer');
  return Math.floor((digest.readUInt32BE(0) / 2 ** 32) * spreadMs);
}
