/**
 * Guessing is slowed down for each user: after five wrong passwords in a row no password is taken
 * for a while, which doubles with each further wrong one, up to a quarter of an hour. It is never
 * for good, and an attempt during that while does not prolong it.
 */
import type { UserRow } from '../catalog/identity-tables.ts';

export const wrongPasswordCountMax = 5;

const firstLockMs = 15_000;
const lockMsMax = 15 * 60_000;

export function isLocked(user: UserRow, now: number): boolean {
  return user.lockedUntil !== null && now < user.lockedUntil;
}

/** What one more wrong password changes about a user. */
export function afterWrongPassword(
  user: UserRow,
  now: number,
): Pick<UserRow, 'failedLogins' | 'lockedUntil'> {
  const failedLogins = user.failedLogins + 1;
  const excess = failedLogins - wrongPasswordCountMax;
  if (excess < 0) return { failedLogins, lockedUntil: null };
  return { failedLogins, lockedUntil: now + Math.min(firstLockMs * 2 ** excess, lockMsMax) };
}
